"""What lies in the volumes."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from docker.errors import APIError

from pointsman.checks import Outcome
from pointsman.resources.provider.releases import STAMP, digest, slot_archive
from pointsman.services.model import Service
from pointsman.verify.volumes import ArchivedVolumes, config, data
from tests.unit.verify.doubles import World


@dataclass
class Held:
    """Volumes that hold what a test says: each service's files as the spec has them, but for `changed`."""

    changed: dict[str, str | None] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    released: bool = True

    def release(self, service: Service) -> Mapping[str, str] | None:
        assert service.config is not None
        stamp = {STAMP: f"a {digest(service.config.files)}\n"}
        files = {
            path: text for path, text in {**service.config.files, **stamp, **self.changed}.items() if text is not None
        }
        return files if self.released else None

    def exists(self, service: Service, path: str) -> bool:
        return path not in self.gone


def test_the_release_of_the_spec_is_green() -> None:
    """Stamp and files are those of the spec."""
    world = World()
    assert config(world.site(), world.environment.service("loki"), Held()).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("held", "seen", "remedy"),
    [
        (Held(released=False), "release none", "pointsman up"),
        (Held(changed={STAMP: "a 000000000000\n"}), "release 000000000000", "pointsman up"),
        (Held(changed={"loki.yml": "broken: ["}), "but loki.yml changed", "docker restart"),
        (Held(changed={"loki.yml": None}), "but loki.yml changed", "docker restart"),
        (Held(changed={"more.yml": "a: b"}), "but more.yml changed", "docker restart"),
    ],
)
def test_any_other_content_is_red(held: Held, seen: str, remedy: str) -> None:
    """Emptied, of another release, edited, deleted from, added to."""
    world = World()
    check = config(world.site(), world.environment.service("loki"), held)
    assert check.outcome is Outcome.FAIL
    assert seen in check.seen
    assert remedy in check.remedy
    assert check.service == "loki"


def test_a_release_that_the_service_refused_is_red() -> None:
    """It lies in the volume as the spec has it, and the service runs on the one before."""
    text = "prometheus_config_last_reload_successful 0\n"
    world = World(answers={"prometheus:/metrics": httpx.Response(200, text=text)})
    check = config(world.site(), world.environment.service("prometheus"), Held())
    assert check.outcome is Outcome.FAIL
    assert "prometheus_config_last_reload_successful is 0" in check.seen


def test_a_dead_container_still_shows_what_killed_it() -> None:
    """A config that ends the process is read from the volume of the container that it ended."""
    world = World(halted={"loki": "restarting"})
    check = config(world.site(), world.environment.service("loki"), Held(changed={"loki.yml": "broken"}))
    assert check.outcome is Outcome.FAIL


def test_data_that_was_removed_under_a_service_is_red() -> None:
    """The service has the files open and notices nothing."""
    world = World()
    prometheus = world.environment.service("prometheus")
    assert data(world.site(), prometheus, Held()).outcome is Outcome.PASS
    check = data(world.site(), prometheus, Held(gone=("/prometheus/wal",)))
    assert check.outcome is Outcome.FAIL
    assert check.seen == "/prometheus/wal is not there"


class Engine:
    """An engine that hands out one archive, or none."""

    def __init__(self, archive: bytes, status: int = 0) -> None:
        self.archive, self.status = archive, status

    def get_archive(self, container: str, path: str) -> tuple[list[bytes], dict[str, Any]]:
        if self.status:
            response: Any = httpx.Response(self.status)
            raise APIError("refused", response=response)
        return [self.archive], {}


def archive(link: str) -> bytes:
    """A config volume as the engine packs it: two slots, and a link to one of them."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as whole:
        for slot in ("a", "b"):
            with tarfile.open(
                fileobj=io.BytesIO(slot_archive(slot, {"loki.yml": slot, "rules/x.yml": "1"}, 10, 1))
            ) as part:
                for item in part.getmembers()[1:]:
                    item.name = f"loki/{item.name}"
                    whole.addfile(item, part.extractfile(item))
        if link:
            pointer = tarfile.TarInfo("loki/current")
            pointer.type, pointer.linkname = tarfile.SYMTYPE, link
            whole.addfile(pointer)
    return buffer.getvalue()


def released(engine: Any) -> Mapping[str, str] | None:
    """What is read of Loki's config volume."""
    world = World()
    return ArchivedVolumes(engine, world.site()).release(world.environment.service("loki"))


def test_only_the_slot_in_force_is_read() -> None:
    """Files below folders too, with their paths below the slot."""
    found = released(Engine(archive("b")))
    assert found is not None
    assert (found["loki.yml"], found["rules/x.yml"]) == ("b", "1")
    assert found[STAMP].startswith("b ")


def test_an_emptied_volume_has_no_release() -> None:
    """No link, or no directory at all."""
    assert released(Engine(archive(""))) is None
    assert released(Engine(b"", status=404)) is None
