"""Packages mode: binaries from the build store become a minimal image, `FROM scratch` in all but name."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from pointsman.builds import Build, Progress, Store, fingerprint
from pointsman.builds.debian import TREE, VERSIONS, obtained
from pointsman.builds.model import CACHES
from pointsman.builds.system import LAYER
from pointsman.builds.wheels import LIBRARY
from pointsman.errors import UnreachableError, UsageError
from pointsman.images.archive import LAYOUT_VERSION, Entry, Layout, assemble
from pointsman.images.catalogue import Host, Service
from pointsman.images.engine import PREFIX, Engine, LocalImage
from pointsman.images.lock import Made
from pointsman.images.making import build_of
from pointsman.images.recipes import PythonRecipe
from pointsman.paths import checkout

RECIPE_LABEL: Final = "pointsman.recipe"
VERSION_LABEL: Final = "org.opencontainers.image.version"
PACKAGES_LABEL: Final = "pointsman.packages"
CERTIFICATES: Final = "/etc/ssl/certs/ca-certificates.crt"
_LOAD_SECONDS: Final = 3.0  # measured: a 157 MB image, hashed and loaded into a local engine
CODE: Final = "/opt/pointsman/code"
"""Where code of the checkout lies in an image of Python."""

INIT: Final = "/sbin/init"
HOST_STOP: Final = "SIGRTMIN+3"
"""What systemd takes for a request to shut down."""
# `container` tells systemd where it is: the machine's own identity is not taken over.
HOST_ENVIRONMENT: Final = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "container": "docker",
}
# The wheels are compiled in the image; nothing can be written there anyway.
PYTHON_ENVIRONMENT: Final = {
    "PYTHONPATH": f"{CODE}:{LIBRARY}",
    "PYTHONSAFEPATH": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "SSL_CERT_FILE": CERTIFICATES,
}

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
    service: Service | Host
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


def plan(name: str, service: Service | Host) -> Plan:
    """The plan of an image; raises UsageError without a recipe, UnreachableError without CA certificates."""
    if service.packages is None:
        raise no_recipe(name)
    build = build_of(name, service)
    # Debian's own package of certificates is in a host.
    certificates = b"" if isinstance(service, Host) else _certificates()
    # The image without its binaries: the build's own recipe stands for those.
    shape = layout(name, service, None, certificates, "")
    binaries = [] if isinstance(service, Host) else service.binaries.values()
    recipe = fingerprint(str(LAYOUT_VERSION), build.recipe, *_described(shape), *binaries)
    return Plan(name, service, build, recipe, certificates)


def layout(name: str, service: Service | Host, result: Path | None, certificates: bytes, recipe: str) -> Layout:
    """The image of a service: what its build made, CA certificates, its user, /tmp and its folders.

    Without a `result` it is the image's shape, which a build has no part in. A host's image is the build's as it is.
    """
    labels = _labels(name, service, result, recipe)
    if isinstance(service, Host):
        layer = result / LAYER if result else None
        return Layout([], service.uid, [INIT], architecture(), labels, HOST_ENVIRONMENT, HOST_STOP, layer)
    python = service.packages.python if service.packages else None
    user = service.user
    passwd = f"{user.name}:x:{user.id}:{user.id}:{name}:/:/sbin/nologin\n"
    entries = [
        *(_made(service, result) if result else ()),
        *(_code(python) if python else ()),
        Entry(CERTIFICATES, 0o644, 0, certificates),
        Entry("/etc/passwd", 0o644, 0, passwd.encode()),
        Entry("/etc/group", 0o644, 0, f"{user.name}:x:{user.id}:\n".encode()),
        Entry("/tmp", 0o1777),
        *(
            Entry(folder.path, int(folder.mode, 8), user.id if folder.owner is None else folder.owner)
            for folder in service.folders
        ),
    ]
    entrypoint = [service.entrypoint, "-m", python.module] if python else [service.entrypoint]
    environment = PYTHON_ENVIRONMENT if python else {}
    return Layout(entries, user.id, entrypoint, architecture(), labels, environment)


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
                user=planned.service.uid,
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


def _labels(name: str, service: Service | Host, result: Path | None, recipe: str) -> dict[str, str]:
    labels = {
        "org.opencontainers.image.title": name,
        VERSION_LABEL: service.made_version,
        RECIPE_LABEL: recipe,
    }
    if result and (result / VERSIONS).is_file():
        versions = obtained(result)
        labels[PACKAGES_LABEL] = " ".join(f"{package}={version}" for package, version in versions.items())
        # The version of our own code is ours, whatever Python runs it.
        if isinstance(service, Host) or not (service.packages and service.packages.python):
            labels[VERSION_LABEL] = next(iter(versions.values()))
    return labels


def _code(recipe: PythonRecipe) -> Iterator[Entry]:
    """The code of an image, as it is in the checkout now: read here, so that it counts as part of the recipe."""
    for target, source in recipe.code.items():
        place = checkout() / source
        files = [place] if place.is_file() else sorted(each for each in place.rglob("*") if each.is_file())
        if not files:
            raise UsageError(
                f"there is no {source} in {checkout()}, which an image needs",
                remedy="restore it from version control, or correct `code` in images/catalogue.yaml",
            )
        for file in files:
            if not set(CACHES) & set(file.relative_to(checkout()).parts):
                inside = PurePosixPath(CODE, target, file.relative_to(place))
                yield Entry(str(inside), 0o644, 0, file.read_bytes())


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
    if shape.environment or shape.stop_signal:
        yield json.dumps([dict(shape.environment), shape.stop_signal], sort_keys=True)


def _certificates() -> bytes:
    for bundle in map(Path, _BUNDLES):
        if bundle.is_file():
            return bundle.read_bytes()
    raise UnreachableError(
        f"this machine has no bundle of CA certificates (looked for {', '.join(_BUNDLES)})",
        remedy="install the package ca-certificates",
    )
