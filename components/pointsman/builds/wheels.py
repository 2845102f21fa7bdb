"""Debian's Python with wheels of a lock: an interpreter, its libraries and what it imports, compiled beforehand.

Nothing is installed on the machine, no maintainer script runs. Wheels are chosen for the image's Python by this
machine's pip, with its own index and settings; each must have one of the lock's hashes.
"""

from __future__ import annotations

import importlib.util
import json
import platform
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from pointsman.builds import apt, debian
from pointsman.builds.debian import TREE
from pointsman.builds.model import Build, BuildError, Workspace, fingerprint
from pointsman.errors import UnreachableError

INTERPRETER: Final = "python3"
"""File of a result: the interpreter."""
LIBRARY: Final = "/opt/pointsman/lib"
"""Where the wheels lie in the image."""
_LAYOUT_VERSION: Final = 2
"""Counted up when this module makes something else of the same recipe."""
_GLIBC: Final = (36, 35, 34, 31, 28, 27, 24, 17, 12, 5)
"""Minor versions of glibc that wheels are built for and that Debian 12's 2.36 can run (PEP 600)."""

_UNUSED: Final = ("_crypt", "_curses", "_curses_panel", "_dbm", "_tkinter", "nis", "ossaudiodev", "readline")
"""Extension modules for terminals and old databases, which would bring a dozen libraries that no service loads."""


@dataclass(frozen=True)
class PythonBuild:
    """An interpreter and wheels. `python` is its version ("3.11"), `packages` Debian's as in DebianBuild.

    `distributions` are taken with all that they need, in the versions of `lock`, a file in pip's format with hashes.
    """

    name: str
    version: str
    suite: str
    python: str
    packages: Mapping[str, str]
    distributions: Sequence[str]
    lock: Path
    seconds: float
    scratch_bytes: int


def python_build(spec: PythonBuild) -> Build:
    """The Build of a PythonBuild: INTERPRETER, the rest in TREE at its place in the image, VERSIONS of Debian's."""
    recipe = fingerprint(
        str(_LAYOUT_VERSION),
        spec.suite,
        spec.python,
        *(f"{package}>={version}" for package, version in spec.packages.items()),
        *spec.distributions,
        spec.lock.read_text(encoding="utf-8"),
        platform.machine(),
    )
    return Build(
        name=spec.name,
        version=spec.version,
        recipe=recipe,
        seconds=spec.seconds,
        scratch_bytes=spec.scratch_bytes,
        make=lambda workspace: _make(spec, workspace),
        require=lambda: _require(spec),
    )


def pinned(lock: str) -> dict[str, str]:
    """The requirements of a lock by normalised name: each with its version, marker and hashes, as the lock has it."""
    found = re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(==(?:.*\\\n)*.*)$", lock, re.MULTILINE)
    return {normalised(name): f"{name}{rest}\n" for name, rest in found}


def normalised(name: str) -> str:
    """A distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def without_hashes(requirement: str) -> str:
    """A requirement's first line: name, version and marker."""
    return requirement.partition("\\")[0].strip()


def platforms(machine: str) -> list[str]:
    """The platforms whose wheels the image can run, best first."""
    old = {5: "1", 12: "2010", 17: "2014"}
    found = []
    for minor in _GLIBC:
        found.append(f"manylinux_2_{minor}_{machine}")
        if minor in old:
            found.append(f"manylinux{old[minor]}_{machine}")
    return [*found, f"linux_{machine}"]


def _require(spec: PythonBuild) -> None:
    apt.require(spec.name, spec.suite, spec.packages)
    if importlib.util.find_spec("pip") is None:
        raise UnreachableError(
            f"{spec.name} is made of Python wheels ({', '.join(spec.distributions)}); {sys.executable} has no pip",
            remedy=f"run `{sys.executable} -m ensurepip`",
        )


def _make(spec: PythonBuild, workspace: Workspace) -> None:
    unpacked = debian.unpack(spec.name, spec.suite, spec.packages, workspace)
    interpreter = workspace.out / INTERPRETER
    shutil.copyfile(unpacked / f"usr/bin/python{spec.python}", interpreter)
    interpreter.chmod(0o755)
    standard = PurePosixPath(f"usr/lib/python{spec.python}")
    for file in sorted(each for each in (unpacked / standard).rglob("*") if _is_kept(each)):
        debian.lay(file, workspace.out / TREE / file.relative_to(unpacked))
    _install(spec, workspace)
    # Listed first: libraries are laid into the same tree.
    extensions = sorted((workspace.out / TREE).rglob("*.so"))
    debian.lay_libraries([interpreter, *extensions], unpacked, workspace)
    # Loaded by the C library to end a thread that still runs when the program ends; without it that is an abort.
    for file in unpacked.rglob("libgcc_s.so.1"):
        debian.lay(file, workspace.out / TREE / file.relative_to(unpacked))
    _compile(unpacked, interpreter, workspace)


def _is_kept(file: Path) -> bool:
    """Whether a file of the standard library goes into the image; a link out of the packages leads to this machine."""
    leads_out = file.is_symlink() and file.readlink().is_absolute()
    return not leads_out and file.is_file() and file.name.partition(".")[0] not in _UNUSED


def _install(spec: PythonBuild, workspace: Workspace) -> None:
    """Put the wheels into the tree: pip finds what is needed, and the lock has its version and hashes."""
    lock = pinned(spec.lock.read_text(encoding="utf-8"))
    absent = [name for name in spec.distributions if normalised(name) not in lock]
    if absent:
        raise _not_locked(absent, spec)
    constraints, report = workspace.scratch / "constraints.txt", workspace.scratch / "report.json"
    constraints.write_text("".join(f"{without_hashes(each)}\n" for each in lock.values()), encoding="utf-8")
    workspace.report("finding wheels", None)
    target = workspace.out / TREE / LIBRARY.lstrip("/")
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--target", target]
    pip += ["--ignore-installed", "--no-compile", "--only-binary=:all:", "--implementation", "cp"]
    pip += ["--python-version", spec.python, *(f"--platform={each}" for each in platforms(platform.machine()))]
    try:
        workspace.run([*pip, "--dry-run", f"--report={report}", "--constraint", constraints, *spec.distributions])
        found = [each["metadata"]["name"] for each in json.loads(report.read_text(encoding="utf-8"))["install"]]
        if absent := [name for name in found if normalised(name) not in lock]:
            raise _not_locked(absent, spec)
        wanted = workspace.scratch / "wanted.txt"
        wanted.write_text("".join(lock[normalised(name)] for name in sorted(found)), encoding="utf-8")
        workspace.report(f"installing {len(found)} wheels", None)
        workspace.run([*pip, "--require-hashes", "--no-deps", "--requirement", wanted])
    except BuildError as error:
        raise BuildError(
            f"the wheels of {', '.join(spec.distributions)} cannot be had in the versions of {spec.lock.name}",
            detail=error.detail,
            remedy=f"check pip's index and the network; {error.remedy}",
        ) from error
    shutil.rmtree(target / "bin", ignore_errors=True)


def _compile(unpacked: Path, interpreter: Path, workspace: Workspace) -> None:
    """Compile all modules with the image's own interpreter; no time of a file counts, so that bytes are the same."""
    loader, tree = debian.loader_of(unpacked), workspace.out / TREE
    if loader is None:
        raise BuildError("the packages have no dynamic loader", remedy="add libc6 to the recipe")
    workspace.report("compiling", None)
    start: list[str | Path] = [loader, "--inhibit-cache", "--library-path", debian.library_path(unpacked), interpreter]
    options: list[str | Path] = ["-q", "-j", "0", "--invalidation-mode", "unchecked-hash", "-s", tree, "-p", "/"]
    env = {"PYTHONHOME": str(tree / "usr"), "PYTHONPATH": "", "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
    workspace.run([*start, "-S", "-m", "compileall", *options, tree], env=env)


def _not_locked(names: Sequence[str], spec: PythonBuild) -> BuildError:
    return BuildError(
        f"{', '.join(names)} is not in {spec.lock.name}",
        remedy="name the lock that has it in images/catalogue.yaml, or lock it with `make lock`",
    )
