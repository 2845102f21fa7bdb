"""Images that differ from a service's own by a file, put into an environment's lock."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
from collections.abc import Iterator

from docker.models.containers import Container

from pointsman.images import catalogue
from pointsman.images import lock as locks
from tests.deployed.estate import Estate

REPOSITORY = "pointsman-test/deployed"


@contextlib.contextmanager
def locked_to(estate: Estate, service: str, *, name: str, path: str, content: bytes) -> Iterator[str]:
    """The image of `service` with another file at `path` is in the lock meanwhile; gives its id.

    A plain `pulumi up` takes what the lock says; `pointsman up` would resolve the image anew.
    """
    before = estate.lock.read_bytes()
    found = locks.read(estate.lock)
    assert found is not None
    entry = found.services[service]
    assert isinstance(entry, locks.Made)
    label = _tag(name)
    with _opened(estate, entry.image_id) as container:
        container.put_archive("/", _archive(path, content))
        image = str(container.commit(*label.split(":")).id)
    variant = entry.model_copy(update={"image_id": image, "label": label})
    locks.write(estate.lock, found.model_copy(update={"services": {**found.services, service: variant}}))
    try:
        yield image
    finally:
        estate.lock.write_bytes(before)


def program(estate: Estate, service: str, name: str) -> bytes:
    """A program out of the image that a service is locked to."""
    found = locks.read(estate.lock)
    assert found is not None
    with _opened(estate, found.services[service].image_id) as container:
        chunks, _ = container.get_archive(catalogue.load().service(service).binaries[name])
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            member = archive.extractfile(name)
            assert member is not None
            return member.read()


def untag(estate: Estate, name: str) -> None:
    """Removes a variant once no container needs it."""
    estate.engine.images.remove(_tag(name), force=True)


@contextlib.contextmanager
def _opened(estate: Estate, image: str) -> Iterator[Container]:
    """A container of an image that is never started, for its file system alone."""
    container = estate.engine.containers.create(image, ["never-started"])
    try:
        yield container
    finally:
        container.remove()


def _archive(path: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.size, entry.mode = len(content), 0o755
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _tag(name: str) -> str:
    return f"{REPOSITORY}:{os.getpid()}-{name}"
