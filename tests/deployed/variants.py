"""Images that differ from a service's own: made from the very same parts, put into an environment's lock."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace

import docker

from pointsman.builds import Store
from pointsman.images import catalogue, packages
from pointsman.images import lock as locks
from pointsman.images.archive import Entry, assemble
from pointsman.images.engine import Engine
from tests.deployed.estate import Estate

REPOSITORY = "pointsman-test/deployed"


@contextlib.contextmanager
def locked_to(estate: Estate, service: str, *, name: str, entries: list[Entry]) -> Iterator[str]:
    """The image of `service` with `entries` added or in place of its own is in the lock meanwhile; gives its id.

    A plain `pulumi up` takes what the lock says; `pointsman up` would resolve the image anew.
    """
    before = estate.lock.read_bytes()
    with estate.here():
        image = _made(service, name, entries)
        found = locks.read(estate.lock)
        assert found is not None
        entry = found.services[service]
        assert isinstance(entry, locks.Made)
        variant = entry.model_copy(update={"image_id": image, "label": _tag(name)})
        locks.write(estate.lock, found.model_copy(update={"services": {**found.services, service: variant}}))
    try:
        yield image
    finally:
        estate.lock.write_bytes(before)


def other_program(service: str, program: str) -> Entry:
    """The program of another service's image in place of the entry point of `service`."""
    known = catalogue.load()
    mine = known.service(service)
    binaries: dict[str, str] = {}
    for name in known.services:
        binaries |= dict.fromkeys(known.service(name).binaries, name)
    path = Store().path(packages.plan(binaries[program], known.service(binaries[program])).build) / program
    return Entry(mine.entrypoint, 0o755, 0, path)


def _made(service: str, name: str, entries: list[Entry]) -> str:
    known = catalogue.load().service(service)
    plan = packages.plan(service, known)
    folder = Store().path(plan.build)
    shape = packages.layout(service, known, {each: folder / each for each in known.binaries}, plan.certificates, "")
    own = {entry.path: entry for entry in [*shape.entries, *entries]}
    engine = Engine()
    try:
        return engine.load(assemble(replace(shape, entries=list(own.values())), _tag(name)), lambda text, part: None).id
    finally:
        engine.client.close()


def _tag(name: str) -> str:
    return f"{REPOSITORY}:{os.getpid()}-{name}"


def untag(client: docker.DockerClient, name: str) -> None:
    """Removes a variant once no container needs it."""
    client.images.remove(_tag(name), force=True)
