"""A whole Debian system by debootstrap: packages of one suite, our files, and a script that has the last word.

debootstrap and Debian's keys come from their own packages, fetched by this machine's apt settings; the system's
packages come from the first of the machine's Debian mirrors. All that mounts runs in namespaces of its own: whatever is
killed, no mount and no process of a half-made system stays.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pointsman.builds import apt, apt_sources
from pointsman.builds.apt_sources import Source
from pointsman.builds.debian import VERSIONS, lay
from pointsman.builds.model import Build, BuildError, Workspace, fingerprint, hash_tree
from pointsman.errors import UnreachableError

LAYER: Final = "layer.tar"
"""File of a result: the whole system as a tar archive."""
FILES: Final = "files"
"""Folder of a recipe whose files are laid at the same path in the system."""
FINISH: Final = "finish.sh"
"""Script of a recipe, run as root inside the system when all else is done."""
_LAYOUT_VERSION: Final = 1
"""Counted up when this module makes something else of the same recipe."""
_KEYRING: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"
_TOOLS: Final = ("debootstrap", "debian-archive-keyring")
_PROGRAMS: Final = ("unshare", "chroot", "tar", "wget", "gpgv")
_APART: Final = ("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child")
# A system that is still being made need not survive a power cut; nobody reads manuals on a test host.
_DPKG: Final = """\
force-unsafe-io
path-exclude=/usr/share/man/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
"""
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class SystemBuild:
    """A Debian system: `packages` beside the smallest set, then what `folder` has in FILES, then its FINISH script.

    `version` is the release ("12"); `seconds` and `scratch_bytes` as in Build.
    """

    name: str
    suite: str
    version: str
    packages: Sequence[str]
    folder: Path
    seconds: float
    scratch_bytes: int


def system_build(spec: SystemBuild) -> Build:
    """The Build of a SystemBuild: LAYER, and VERSIONS with the release that it was made of.

    Like that of Debian packages, the recipe does not depend on what mirrors have now.
    """
    recipe = fingerprint(
        str(_LAYOUT_VERSION), spec.suite, *spec.packages, hash_tree(spec.folder), os.uname().machine, _DPKG
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


def mirror(sources: Sequence[Source], suite: str) -> tuple[str, str]:
    """The first mirror of a suite, and what wget has to be told to be let in there (its wgetrc, often empty)."""
    uri = next((each.uris[0] for each in sources if suite in each.suites), "")
    found = re.fullmatch(r"(https?://)([^/@:]*)(?::([^/@]*))?@(.*)", uri)
    if found is None:
        return uri, ""
    scheme, user, password, rest = found.groups()
    return f"{scheme}{rest}", f"user = {user}\npassword = {password or ''}\n"


def inside(sources: Sequence[Source]) -> str:
    """The apt sources of the system itself: the machine's mirrors without their credentials, Debian's own keys."""
    return apt_sources.rendered(
        replace(each, uris=tuple(re.sub(r"//[^/@]*@", "//", uri) for uri in each.uris), signed_by=_KEYRING)
        for each in sources
    )


def _require(spec: SystemBuild) -> None:
    """Raise UnreachableError where no system can be made: without apt, Debian's mirrors, or root."""
    apt.require(spec.name, spec.suite, _TOOLS, _PROGRAMS)
    if os.geteuid() != 0:
        raise UnreachableError(
            f"{spec.name} is a whole Debian system, set up in a chroot, which only root can; "
            f"this is user {os.geteuid()}",
            remedy=f"run `sudo pointsman images build {spec.name.partition('/')[2]}` once: Docker keeps the image",
        )


def _make(spec: SystemBuild, workspace: Workspace) -> None:
    root = workspace.scratch / "system"
    _bootstrap(spec, root, workspace)
    workspace.report("laying files", None)
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    (root / "etc/apt/sources.list.d/debian.sources").write_text(inside(apt.sources(spec.suite)), encoding="utf-8")
    files = spec.folder / FILES
    for file in sorted(each for each in files.rglob("*") if each.is_file()):
        lay(file, root / file.relative_to(files))
    shutil.copyfile(spec.folder / FINISH, root / FINISH)
    settings = {"SYSTEMD_OFFLINE": "1", "DEBIAN_FRONTEND": "noninteractive", "TMPDIR": "/tmp", "LC_ALL": "C"}
    workspace.run([*_APART, "chroot", root, "/bin/sh", f"/{FINISH}"], env={**settings, "PATH": _PATH})
    (root / FINISH).unlink()
    release = (root / "etc/debian_version").read_text(encoding="utf-8").strip()
    (workspace.out / VERSIONS).write_text(f"debian={release}\n", encoding="utf-8")
    workspace.report("packing", None)
    how = ("--sort=name", "--numeric-owner", "--xattrs", "--xattrs-include=security.capability", "--one-file-system")
    # /dev is what a container runtime lays over it.
    workspace.run(["tar", "-C", root, *how, "--exclude=./dev/*", "-cf", workspace.out / LAYER, "."])


def _bootstrap(spec: SystemBuild, root: Path, workspace: Workspace) -> None:
    """Download, unpack and configure the packages. Those of a killed run are not downloaded again."""
    tools, cache = workspace.scratch / "tools", workspace.shared / f"debootstrap-{spec.suite}"
    cache.mkdir(exist_ok=True)
    for archive in apt.download(spec.name, spec.suite, _TOOLS, workspace).values():
        workspace.run(["dpkg-deb", "-x", archive, tools])
    settings = root / "etc/dpkg/dpkg.cfg.d/pointsman"
    settings.parent.mkdir(parents=True)
    settings.write_text(_DPKG, encoding="utf-8")
    uri, wgetrc = mirror(apt.sources(spec.suite), spec.suite)
    (workspace.scratch / "wgetrc").touch(mode=0o600)
    (workspace.scratch / "wgetrc").write_text(wgetrc, encoding="utf-8")
    command: list[str | Path] = [
        *(*_APART, "/bin/sh", tools / "usr/sbin/debootstrap", "--variant=minbase"),
        *(f"--keyring={tools}{_KEYRING}", f"--cache-dir={cache}", f"--include={','.join(spec.packages)}"),
        *(spec.suite, root, uri),
    ]
    env = {
        **apt.proxies(apt.machine_settings()),
        "DEBOOTSTRAP_DIR": str(tools / "usr/share/debootstrap"),
        "PATH": f"{os.environ.get('PATH', '')}:{_PATH}",
        "LC_ALL": "C",
    }
    if wgetrc:
        env["WGETRC"] = str(workspace.scratch / "wgetrc")
    try:
        workspace.run(command, env=env, on_line=lambda line: workspace.report(step(line), None))
    except BuildError as error:
        raise _failed(error, root) from error


def step(line: str) -> str:
    """What debootstrap says it does, in a few words; empty for what nobody needs to see."""
    of_one = re.fullmatch(r"I: (Retrieving|Validating) (\S+) \S+", line)
    found = of_one or re.fullmatch(r"I: (Extracting|Unpacking|Configuring) (.+)\.\.\.", line)
    return f"{found[1]} {found[2]}".lower() if found else ""


def _failed(error: BuildError, root: Path) -> BuildError:
    """debootstrap's error with the end of its own log, which says why."""
    log = root / "debootstrap/debootstrap.log"
    if not log.is_file():
        return error
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return BuildError(error.message, detail="\n".join(lines[-15:]), remedy=error.remedy)
