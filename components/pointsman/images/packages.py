"""Packages mode: binaries from the build store become a minimal image, `FROM scratch` in all but name."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pointsman.builds import Build, GoBuild, Progress, Store, fingerprint, go_build
from pointsman.errors import UnreachableError, UsageError
from pointsman.images.archive import LAYOUT_VERSION, Entry, Layout, assemble
from pointsman.images.catalogue import Service
from pointsman.images.engine import PREFIX, Engine
from pointsman.images.lock import Made
from pointsman.paths import checkout

RECIPE_LABEL: Final = "pointsman.recipe"
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
    def tag(self) -> str:
        """What the image is called."""
        return f"{PREFIX}{self.name}:{self.service.made_version}-{self.recipe}"


def plan(name: str, service: Service) -> Plan:
    """The plan of a service's image; raises UsageError without a recipe, UnreachableError without CA certificates."""
    if service.packages is None:
        raise no_recipe(name)
    go = service.packages.go
    build = go_build(
        GoBuild(
            name=f"images/{name}",
            folder=checkout() / "images" / go.folder,
            binaries=go.packages,
            version=service.made_version,
            seconds=go.seconds,
            scratch_bytes=go.scratch * _GIB,
            tags=tuple(go.tags),
            ldflags=go.ldflags,
        )
    )
    certificates = _certificates()
    # The image without its binaries: the build's own recipe stands for those.
    shape = layout(name, service, {}, certificates, "")
    recipe = fingerprint(str(LAYOUT_VERSION), build.recipe, *_described(shape), *service.binaries.values())
    return Plan(name, service, build, recipe, certificates)


def layout(name: str, service: Service, binaries: Mapping[str, Path], certificates: bytes, recipe: str) -> Layout:
    """The image of a service: its binaries, CA certificates, its user, /tmp and its folders."""
    user = service.user
    passwd = f"{user.name}:x:{user.id}:{user.id}:{name}:/:/sbin/nologin\n"
    entries = [
        *(Entry(service.binaries[binary], 0o755, 0, path) for binary, path in binaries.items()),
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
        "org.opencontainers.image.version": service.made_version,
        RECIPE_LABEL: recipe,
    }
    return Layout(entries, user.id, [service.entrypoint], architecture(), labels)


def make(plans: list[Plan], store: Store, engine: Engine, progress: Progress) -> Iterator[tuple[str, Made]]:
    """Build what is missing, then load image after image; each is given as soon as the engine has it."""
    missing = [planned for planned in plans if not _is_loaded(planned, engine)]
    folders = store.ensure([planned.build for planned in missing], progress=progress)
    progress.plan([(f"load/{planned.name}", planned.service.made_version, _LOAD_SECONDS) for planned in missing])
    for planned in plans:
        if planned in missing:
            _load(planned, folders[planned.build.name], engine, progress)
        image = engine.inspect(planned.tag)
        if image is None:
            raise UnreachableError(f"{planned.tag} was removed from the Docker engine meanwhile", remedy="run it again")
        yield (
            planned.name,
            Made(
                version=planned.service.made_version,
                image_id=image.id,
                user=planned.service.user.id,
                recipe=planned.recipe,
                label=planned.tag,
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


def _load(planned: Plan, folder: Path, engine: Engine, progress: Progress) -> None:
    task = f"load/{planned.name}"
    progress.start(task)
    try:
        progress.report(task, "assembling")
        binaries = {binary: folder / binary for binary in planned.service.binaries}
        made = layout(planned.name, planned.service, binaries, planned.certificates, planned.recipe)
        engine.load(assemble(made, planned.tag), lambda text, part: progress.report(task, text, part))
    except BaseException:
        progress.fail(task)
        raise
    progress.finish(task, planned.tag)


def _is_loaded(planned: Plan, engine: Engine) -> bool:
    image = engine.inspect(planned.tag)
    return image is not None and image.labels.get(RECIPE_LABEL) == planned.recipe


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
