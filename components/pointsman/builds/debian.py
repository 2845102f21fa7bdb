"""Takes programs from Debian packages of a newer suite, beside the machine's own apt: nothing is installed.

apt runs with a configuration and folders of its own in the run's scratch. Mirrors, keys, proxies and credentials are
those of the machine; signatures are checked as always.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pointsman.builds import apt_sources, locks
from pointsman.builds.model import Build, BuildError, Workspace, fingerprint
from pointsman.errors import UnreachableError

TREE: Final = "root"
"""Folder of a result whose files belong into an image at the same path."""
VERSIONS: Final = "versions"
"""File of a result: a line `package=version` for each, the main one first."""
_LAYOUT_VERSION: Final = 1
"""Counted up when this module makes something else of the same packages."""
_PROGRAMS: Final = ("apt-get", "apt-config", "dpkg", "dpkg-deb")

_CONFIG: Final = """\
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "{folder}/debian.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "{folder}/preferences";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Acquire::Languages "none";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
APT::Sandbox::User "root";
"""
# Whatever else a machine's sources lead to: packages are taken from Debian, or not at all.
_PREFERENCES: Final = """\
Package: *
Pin: release o=Debian
Pin-Priority: 990

Package: *
Pin: release o=*
Pin-Priority: -1
"""


@dataclass(frozen=True)
class DebianBuild:
    """Files of Debian packages.

    `packages` maps each to the lowest version that will do, the main one first; `binaries` each output's name to its
    path in the packages; `files` are patterns of further files. `seconds` and `scratch_bytes` as in Build.
    """

    name: str
    suite: str
    packages: Mapping[str, str]
    binaries: Mapping[str, str]
    files: Sequence[str]
    seconds: float
    scratch_bytes: int

    @property
    def version(self) -> str:
        """The lowest version of the main package: what is obtained is known only afterwards."""
        return next(iter(self.packages.values()))


def debian_build(spec: DebianBuild) -> Build:
    """The Build of a DebianBuild: binaries at the root of the result, other files below TREE, and VERSIONS.

    The recipe does not depend on what mirrors have now: a result stays until recipe or store are changed.
    """
    recipe = fingerprint(
        str(_LAYOUT_VERSION),
        spec.suite,
        *(f"{package}>={version}" for package, version in spec.packages.items()),
        *(f"{output}={path}" for output, path in spec.binaries.items()),
        *spec.files,
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


def obtained(result: Path) -> dict[str, str]:
    """The version of each package that a result was made of, the main one first."""
    lines = (result / VERSIONS).read_text(encoding="utf-8").split()
    return dict(line.split("=", 1) for line in lines)


def libraries(listing: str) -> list[tuple[str, str]]:
    """What the dynamic loader lists for a program: each library's name or wanted path, and where it was found.

    The kernel's own (linux-vdso) is nowhere and left out. Raises BuildError for one that was not found.
    """
    found = []
    for line in listing.splitlines():
        wanted, arrow, rest = line.strip().partition(" => ")
        if arrow and rest.startswith("not found"):
            raise _lacking(wanted)
        wanted = wanted.partition(" (")[0]
        place = rest.rpartition(" (")[0] if arrow else wanted
        if place.startswith("/"):
            found.append((wanted, place))
    return found


def _require(spec: DebianBuild) -> None:
    """Raise UnreachableError where there is no apt, or none that is fed by Debian."""
    folder = apt_sources.APT
    missing = [program for program in _PROGRAMS if shutil.which(program) is None]
    reason = f"there is no {', '.join(missing)} on PATH" if missing else ""
    if not reason and not apt_sources.retargeted(apt_sources.machine_sources(folder), spec.suite):
        reason = f"the sources in {folder} name no Debian release"
    if reason:
        raise UnreachableError(
            f"{spec.name} is made of Debian packages ({', '.join(spec.packages)} of {spec.suite}); {reason}",
            remedy="use a machine with Debian, or set images.source to registry or auto where a registry is reachable",
        )


def _make(spec: DebianBuild, workspace: Workspace) -> None:
    unpacked, versions = workspace.scratch / "unpacked", {}
    for package, archive in _download(spec, workspace).items():
        versions[package] = workspace.run(["dpkg-deb", "-f", archive, "Version"]).strip()
        _check_version(package, versions[package], spec, workspace)
        workspace.report(f"unpacking {package} {versions[package]}", None)
        workspace.run(["dpkg-deb", "-x", archive, unpacked])
    for output, path in spec.binaries.items():
        shutil.copyfile(_only(unpacked, path), workspace.out / output)
        (workspace.out / output).chmod(0o755)
    for pattern in spec.files:
        for file in _matching(unpacked, pattern):
            _lay(file, workspace.out / TREE / file.relative_to(unpacked))
    loader = next(unpacked.glob("usr/lib*/**/ld-linux*.so.*"), None)
    if loader:
        _lay_libraries(loader.resolve(), unpacked, spec, workspace)
    (workspace.out / VERSIONS).write_text("".join(f"{package}={version}\n" for package, version in versions.items()))


def _download(spec: DebianBuild, workspace: Workspace) -> dict[str, Path]:
    """The archive of each package. The suite's index is fetched once for all builds of a run."""
    folder, here = workspace.shared / f"apt-{spec.suite}", workspace.scratch / "archives"
    here.mkdir()
    env = {"APT_CONFIG": str(folder / "apt.conf"), "LC_ALL": "C"}
    try:
        with locks.exclusive(workspace.shared / f"apt-{spec.suite}.lock"):
            if not (folder / "updated").exists():
                _configure(folder, spec.suite)
                workspace.report(f"reading the index of {spec.suite}", None)
                workspace.run(["apt-get", "update", "-q"], env=env)
                (folder / "updated").touch()
        workspace.report("downloading", None)
        workspace.run(["apt-get", "download", "-q", *spec.packages], cwd=here, env=env)
    except BuildError as error:
        (folder / "updated").unlink(missing_ok=True)
        raise UnreachableError(
            f"{spec.name}: {', '.join(spec.packages)} cannot be had from Debian's {spec.suite}",
            detail=error.detail,
            remedy=f"check the network and the Debian mirrors in {apt_sources.APT}, then try again",
        ) from error
    return {package: _only(here, f"{package}_*.deb") for package in spec.packages}


def _configure(folder: Path, suite: str) -> None:
    """Lay out apt's own folders and files for a suite."""
    for below in ("state/lists/partial", "cache/archives/partial"):
        (folder / below).mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    (folder / "preferences").write_text(_PREFERENCES, encoding="utf-8")
    sources = apt_sources.retargeted(apt_sources.machine_sources(apt_sources.APT), suite)
    # Mirrors and proxies may carry credentials.
    for name, text in (
        ("debian.sources", apt_sources.rendered(sources)),
        ("apt.conf", _CONFIG.format(folder=folder) + acquire_settings(_machine_settings())),
    ):
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(text, encoding="utf-8")


def acquire_settings(dump: str) -> str:
    """Of all settings of a machine's apt, how it reaches mirrors; none of its hooks, and no further indexes."""
    kept = re.compile(r"Acquire::(?!Allow|Languages|IndexTargets|CompressionTypes|Changelogs|GzipIndexes)[^ ]")
    return "".join(f"{line}\n" for line in dump.splitlines() if kept.match(line) and not line.endswith(' "";'))


def _machine_settings() -> str:
    env = {key: value for key, value in os.environ.items() if key != "APT_CONFIG"}
    # Not by the workspace: the log would keep the credentials of a proxy.
    return subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False, env=env).stdout


def _check_version(package: str, version: str, spec: DebianBuild, workspace: Workspace) -> None:
    try:
        workspace.run(["dpkg", "--compare-versions", version, "ge", spec.packages[package]])
    except BuildError as error:
        raise BuildError(
            f"{package} of {spec.suite} is {version}; {spec.packages[package]} or newer is needed",
            remedy="name a newer suite in images/catalogue.yaml, or set images.source to registry",
        ) from error


def _lay_libraries(loader: Path, unpacked: Path, spec: DebianBuild, workspace: Workspace) -> None:
    """Lay what the binaries load beside them: asked of the loader that they will run with."""
    paths = ":".join(sorted({str(each.parent) for each in unpacked.glob("usr/lib/**/*.so*")}))
    for output in spec.binaries:
        binary = workspace.out / output
        for wanted, place in libraries(
            workspace.run([loader, "--inhibit-cache", "--list", "--library-path", paths, binary])
        ):
            if wanted.startswith("/"):
                _lay(loader, workspace.out / TREE / wanted.lstrip("/"))
            elif Path(place).is_relative_to(unpacked):
                _lay(Path(place), workspace.out / TREE / Path(place).relative_to(unpacked))
            else:
                # The loader also looks where this machine has its own libraries.
                raise _lacking(wanted)


def _lacking(library: str) -> BuildError:
    return BuildError(
        f"{library} is in none of the packages", remedy="add its package to the recipe in images/catalogue.yaml"
    )


def _lay(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)
    target.chmod(0o755 if os.access(file, os.X_OK) else 0o644)


def _only(folder: Path, pattern: str) -> Path:
    return _matching(folder, pattern)[0]


def _matching(folder: Path, pattern: str) -> list[Path]:
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    if not found:
        raise BuildError(f"the packages have no {pattern}", remedy="correct the path in images/catalogue.yaml")
    return found
