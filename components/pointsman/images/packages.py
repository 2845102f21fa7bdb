"""Packages mode: binaries from the build store become a minimal image, `FROM scratch` in all but name."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pointsman.builds import Build, DebianBuild, GoBuild, Progress, Store, debian_build, fingerprint, go_build
from pointsman.builds.debian import TREE, VERSIONS, obtained
from pointsman.errors import UnreachableError, UsageError
from pointsman.images.archive import LAYOUT_VERSION, Entry, Layout, assemble
from pointsman.images.catalogue import DebianRecipe, GoRecipe, Service
from pointsman.images.engine import PREFIX, Engine, LocalImage
from pointsman.images.lock import Made
from pointsman.paths import checkout

RECIPE_LABEL: Final = "pointsman.recipe"
VERSION_LABEL: Final = "org.opencontainers.image.version"
PACKAGES_LABEL: Final = "pointsman.packages"
CERTIFICATES: Final = "/etc/ssl/certs/ca-certificates.crt"
_LOAD_SECONDS: Final = 3.0  # measured: a 157 MB image, hashed and loaded into a local engine
_GIB: Final = 2**30

# Where distributions keep the bundle, as in Go's crypto/x509 (root_linux.go).
_BUNDLES: Final = (
    CERTIFICATES,
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Plan:
    """All that decides a service's image, before anything is built. `recipe` is 12 hex digits."""

    name: str
    service: Service
    build: Build
    recipe: str
    certificates: bytes

    @property
    def repository(self) -> str:
        """What the image is called, without its tag."""
        return f"{PREFIX}{self.name}"

    def tag(self, version: str) -> str:
        """What the image is called in that version; a tag cannot have all characters that Debian's versions have."""
        return f"{self.repository}:{re.sub('[^A-Za-z0-9._-]', '-', version)}-{self.recipe}"


def plan(name: str, service: Service) -> Plan:
    """The plan of a service's image; raises UsageError without a recipe, UnreachableError without CA certificates."""
    if service.packages is None:
        raise no_recipe(name)
    build = _build(name, service, service.packages.kind)
    certificates = _certificates()
    # The image without its binaries: the build's own recipe stands for those.
    shape = layout(name, service, None, certificates, "")
    recipe = fingerprint(str(LAYOUT_VERSION), build.recipe, *_described(shape), *service.binaries.values())
    return Plan(name, service, build, recipe, certificates)


def layout(name: str, service: Service, result: Path | None, certificates: bytes, recipe: str) -> Layout:
    """The image of a service: what its build made, CA certificates, its user, /tmp and its folders.

    Without a `result` it is the image's shape, which a build has no part in.
    """
    user = service.user
    passwd = f"{user.name}:x:{user.id}:{user.id}:{name}:/:/sbin/nologin\n"
    entries = [
        *(_made(service, result) if result else ()),
        Entry(CERTIFICATES, 0o644, 0, certificates),
        Entry("/etc/passwd", 0o644, 0, passwd.encode()),
        Entry("/etc/group", 0o644, 0, f"{user.name}:x:{user.id}:\n".encode()),
        Entry("/tmp", 0o1777),
        *(
            Entry(folder.path, int(folder.mode, 8), user.id if folder.owner is None else folder.owner)
            for folder in service.folders
        ),
    ]
    labels = {
        "org.opencontainers.image.title": name,
        VERSION_LABEL: service.made_version,
        RECIPE_LABEL: recipe,
    }
    if result and (result / VERSIONS).is_file():
        versions = obtained(result)
        labels[VERSION_LABEL] = next(iter(versions.values()))
        labels[PACKAGES_LABEL] = " ".join(f"{package}={version}" for package, version in versions.items())
    return Layout(entries, user.id, [service.entrypoint], architecture(), labels)


def make(plans: list[Plan], store: Store, engine: Engine, progress: Progress) -> Iterator[tuple[str, Made]]:
    """Build what is missing, then load image after image; each is given as soon as the engine has it."""
    present = {planned.name: engine.labelled(planned.repository, RECIPE_LABEL, planned.recipe) for planned in plans}
    missing = [planned for planned in plans if present[planned.name] is None]
    folders = store.ensure([planned.build for planned in missing], progress=progress)
    progress.plan([(f"load/{planned.name}", planned.service.made_version, _LOAD_SECONDS) for planned in missing])
    for planned in plans:
        image = present[planned.name] or _load(planned, folders[planned.build.name], engine, progress)
        version = image.labels[VERSION_LABEL]
        yield (
            planned.name,
            Made(
                version=version,
                image_id=image.id,
                user=planned.service.user.id,
                recipe=planned.recipe,
                label=planned.tag(version),
            ),
        )


def no_recipe(name: str) -> UsageError:
    """The error for a service that only a registry has."""
    remedy = "set images.source to registry or auto"
    if name == "alloy":
        remedy = "set log_agent.kind to promtail or auto, or images.source to registry or auto"
    return UsageError(
        f"{name} cannot be built from packages: images/catalogue.yaml has no recipe for it", remedy=remedy
    )


def architecture() -> str:
    """This machine's architecture in the words of the image format."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


def _build(name: str, service: Service, recipe: GoRecipe | DebianRecipe) -> Build:
    if isinstance(recipe, DebianRecipe):
        return debian_build(
            DebianBuild(
                name=f"images/{name}",
                suite=recipe.suite,
                packages=recipe.packages,
                binaries=recipe.binaries,
                files=recipe.files,
                seconds=recipe.seconds,
                scratch_bytes=recipe.scratch * _GIB,
            )
        )
    return go_build(
        GoBuild(
            name=f"images/{name}",
            folder=checkout() / "images" / recipe.folder,
            binaries=recipe.packages,
            version=service.made_version,
            seconds=recipe.seconds,
            scratch_bytes=recipe.scratch * _GIB,
            tags=tuple(recipe.tags),
            ldflags=recipe.ldflags,
        )
    )


def _made(service: Service, result: Path) -> Iterator[Entry]:
    """The parts of an image that its build made."""
    for binary, path in service.binaries.items():
        yield Entry(path, 0o755, 0, result / binary)
    tree = result / TREE
    for file in sorted(each for each in tree.rglob("*") if each.is_file()):
        mode = 0o755 if file.stat().st_mode & 0o100 else 0o644
        yield Entry(f"/{file.relative_to(tree).as_posix()}", mode, 0, file)


def _load(planned: Plan, folder: Path, engine: Engine, progress: Progress) -> LocalImage:
    task = f"load/{planned.name}"
    progress.start(task)
    try:
        progress.report(task, "assembling")
        made = layout(planned.name, planned.service, folder, planned.certificates, planned.recipe)
        tag = planned.tag(made.labels[VERSION_LABEL])
        image = engine.load(assemble(made, tag), lambda text, part: progress.report(task, text, part))
    except BaseException:
        progress.fail(task)
        raise
    progress.finish(task, tag)
    return image


def _described(shape: Layout) -> Iterator[str]:
    for entry in shape.entries:
        content = entry.content if isinstance(entry.content, bytes) else b""
        yield json.dumps([entry.path, entry.mode, entry.owner, content.hex()])
    yield json.dumps([shape.user, list(shape.entrypoint), shape.architecture, dict(shape.labels)], sort_keys=True)


def _certificates() -> bytes:
    for bundle in map(Path, _BUNDLES):
        if bundle.is_file():
            return bundle.read_bytes()
    raise UnreachableError(
        f"this machine has no bundle of CA certificates (looked for {', '.join(_BUNDLES)})",
        remedy="install the package ca-certificates",
    )
