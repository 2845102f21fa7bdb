"""Takes programs from Debian packages of a newer suite: nothing is installed on the machine."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pointsman.builds import apt
from pointsman.builds.model import Build, BuildError, Workspace, fingerprint

TREE: Final = "root"
"""Folder of a result whose files belong into an image at the same path."""
VERSIONS: Final = "versions"
"""File of a result: a line `package=version` for each, the main one first."""
_LAYOUT_VERSION: Final = 1
"""Counted up when this module makes something else of the same packages."""

_OTHER: Final = ", or set images.source to registry or auto where a registry is reachable"


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
        require=lambda: apt.require(spec.name, spec.suite, spec.packages, other=_OTHER),
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


def _make(spec: DebianBuild, workspace: Workspace) -> None:
    unpacked = unpack(spec.name, spec.suite, spec.packages, workspace)
    for output, path in spec.binaries.items():
        shutil.copyfile(_only(unpacked, path), workspace.out / output)
        (workspace.out / output).chmod(0o755)
    for pattern in spec.files:
        for file in _matching(unpacked, pattern):
            lay(file, workspace.out / TREE / file.relative_to(unpacked))
    lay_libraries([workspace.out / output for output in spec.binaries], unpacked, workspace)


def unpack(name: str, suite: str, packages: Mapping[str, str], workspace: Workspace) -> Path:
    """The files of packages, none older than its lowest version; the result's VERSIONS is written.

    Raises UnreachableError when a package cannot be had, BuildError when it is too old.
    """
    unpacked, versions = workspace.scratch / "unpacked", {}
    for package, archive in apt.download(name, suite, packages, workspace).items():
        versions[package] = workspace.run(["dpkg-deb", "-f", archive, "Version"]).strip()
        _check_version(package, versions[package], packages[package], suite, workspace)
        workspace.report(f"unpacking {package} {versions[package]}", None)
        workspace.run(["dpkg-deb", "-x", archive, unpacked])
    (workspace.out / VERSIONS).write_text("".join(f"{package}={version}\n" for package, version in versions.items()))
    return unpacked


def loader_of(unpacked: Path) -> Path | None:
    """The dynamic loader among unpacked packages."""
    found = next(unpacked.glob("usr/lib*/**/ld-linux*.so.*"), None) or next(unpacked.glob("lib/**/ld-*.so.*"), None)
    return found.resolve() if found else None


def library_path(unpacked: Path) -> str:
    """Where unpacked packages have libraries, in the loader's own form."""
    found = [*unpacked.glob("usr/lib/**/*.so*"), *unpacked.glob("lib/**/*.so*")]
    return ":".join(sorted({str(each.parent) for each in found}))


def lay_libraries(programs: Iterable[Path], unpacked: Path, workspace: Workspace) -> None:
    """Lay what programs (or libraries) load into the result's TREE: asked of the loader that they will run with."""
    loader = loader_of(unpacked)
    if loader is None:
        return
    paths = library_path(unpacked)
    for program in programs:
        listing = workspace.run([loader, "--inhibit-cache", "--list", "--library-path", paths, program])
        for wanted, place in libraries(listing):
            if wanted.startswith("/"):
                lay(loader, workspace.out / TREE / wanted.lstrip("/"))
            elif Path(place).is_relative_to(unpacked):
                lay(Path(place), workspace.out / TREE / Path(place).relative_to(unpacked))
            elif not Path(place).is_relative_to(workspace.out):
                # The loader also looks where this machine has its own libraries.
                raise _lacking(wanted)


def lay(file: Path, target: Path) -> None:
    """Copy a file and its executable bit; the file's other modes and its owner do not matter."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)
    target.chmod(0o755 if os.access(file, os.X_OK) else 0o644)


def _check_version(package: str, version: str, lowest: str, suite: str, workspace: Workspace) -> None:
    try:
        workspace.run(["dpkg", "--compare-versions", version, "ge", lowest])
    except BuildError as error:
        raise BuildError(
            f"{package} of {suite} is {version}; {lowest} or newer is needed",
            remedy="name a newer suite in images/catalogue.yaml, or set images.source to registry",
        ) from error


def _lacking(library: str) -> BuildError:
    return BuildError(
        f"{library} is in none of the packages", remedy="add its package to the recipe in images/catalogue.yaml"
    )


def _only(folder: Path, pattern: str) -> Path:
    return _matching(folder, pattern)[0]


def _matching(folder: Path, pattern: str) -> list[Path]:
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    if not found:
        raise BuildError(f"the packages have no {pattern}", remedy="correct the path in images/catalogue.yaml")
    return found
