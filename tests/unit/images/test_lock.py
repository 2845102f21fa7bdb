"""The lock: what is written is read again; what is damaged or newer is never half trusted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest

from pointsman.errors import UsageError
from pointsman.images import lock as locks
from pointsman.images import locked
from pointsman.images.catalogue import Host, Service
from pointsman.images.lock import Lock, Made, Pulled, UnreadableLock
from pointsman.images.locked import LOG_AGENT, expected_absent, fits, left_out, required_services
from pointsman.spec.models import Environment, Images

ID = "sha256:" + "a" * 64
PULLED = Pulled(version="3.7.8", image_id=ID, user=10001, repository="docker.io/grafana/loki", tag="3.7.8", digest=ID)
MADE = Made(version="3.7.8", image_id=ID, user=10001, recipe="0123456789ab", label="pointsman/loki:3.7.8-0123456789ab")
LOKI = Service.model_validate(
    {
        "version": "3.7.8",
        "user": {"id": 10001, "name": "loki"},
        "official": {"repository": "docker.io/grafana/loki", "tag": "3.7.8"},
        "binaries": {"loki": "/usr/bin/loki"},
    }
)


def test_round_trip(tmp_path: Path) -> None:
    """All fields survive; no temporary file stays; the file ends in a new line, as git and people like it."""
    lock = Lock(
        services={"loki": PULLED, "promtail": MADE},
        agent="promtail",
        absent={"grafana": "registry docker.io is not reachable"},
        unreachable={"docker.io": "no such host"},
    )
    file = tmp_path / "environments" / "dev" / locks.NAME
    locks.write(file, lock)
    locks.write(file, lock)
    assert locks.read(file) == lock
    assert [path.name for path in file.parent.iterdir()] == [locks.NAME]
    assert file.read_text().endswith("}\n")


def test_no_file_is_no_lock(tmp_path: Path) -> None:
    """An environment that never had images is not an error here."""
    assert locks.read(tmp_path / locks.NAME) is None


@pytest.mark.parametrize("cut", [0, 1, 50, -3])
def test_a_truncated_lock_is_refused_by_name(tmp_path: Path, cut: int) -> None:
    """Wherever it was cut, the file is named and the next step said."""
    file = tmp_path / locks.NAME
    locks.write(file, Lock(services={"loki": PULLED}, agent="alloy"))
    file.write_text(file.read_text()[:cut])
    with pytest.raises(UnreadableLock) as caught:
        locks.read(file)
    assert str(file) in caught.value.message
    assert "images ensure" in caught.value.remedy


def test_an_altered_digest_is_refused(tmp_path: Path) -> None:
    """A digest that is none is not passed on to Docker; the key is named."""
    file = tmp_path / locks.NAME
    locks.write(file, Lock(services={"loki": PULLED}))
    file.write_text(file.read_text().replace("a" * 64, "latest"))
    with pytest.raises(UnreadableLock, match=r"services\.loki\.registry"):
        locks.read(file)


def test_a_lock_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    """It is not damaged, so nothing may replace it."""
    file = tmp_path / locks.NAME
    file.write_text(json.dumps({"version": 2, "pins": {}}))
    with pytest.raises(UsageError, match="version 2") as caught:
        locks.read(file)
    assert not isinstance(caught.value, UnreadableLock)


@pytest.mark.parametrize(
    ("entry", "images", "fit"),
    [
        (PULLED, Images(), True),
        (PULLED, Images(source="registry"), True),
        (PULLED, Images(source="packages"), False),
        (PULLED, Images(registry="mirror.example.org"), False),
        (PULLED.model_copy(update={"tag": "3.7.7", "version": "3.7.7"}), Images(), False),
        (PULLED.model_copy(update={"user": 1}), Images(), False),
        (MADE, Images(), True),
        (MADE, Images(source="packages"), True),
        (MADE, Images(source="registry"), False),
        (MADE, Images(registry="mirror.example.org"), True),
    ],
)
def test_what_ends_a_locked_image(entry: Pulled | Made, images: Images, fit: bool) -> None:
    """Another source, registry, version or user ends it; a digest that moved elsewhere does not."""
    assert fits(entry, LOKI, images) is fit


def test_a_stand_in_has_a_version_of_its_own() -> None:
    """What is built in place of the official program never carries that program's version."""
    packages = {"version": "1.0.0", "go": {"folder": "loki", "packages": {"loki": "."}, "seconds": 1.0, "scratch": 1}}
    stand_in = Service.model_validate({**LOKI.model_dump(exclude={"packages"}), "packages": packages})
    assert fits(MADE.model_copy(update={"version": "1.0.0"}), stand_in, Images())
    assert not fits(MADE, stand_in, Images())
    assert fits(PULLED, stand_in, Images())


@pytest.mark.parametrize(
    ("source", "kind", "agent"),
    [
        ("auto", "auto", LOG_AGENT),
        ("registry", "auto", LOG_AGENT),
        ("packages", "auto", "promtail"),
        ("auto", "alloy", "alloy"),
        ("registry", "promtail", "promtail"),
    ],
)
def test_services_of_a_spec(source: str, kind: str, agent: str) -> None:
    """The log agent is open only where a registry may have Alloy; a disabled exporter needs no image."""
    spec = {"images": {"source": source}, "log_agent": {"kind": kind}}
    required = required_services(Environment.model_validate(spec))
    assert {"prometheus", "loki", "tempo", "collector", "alert-sink", agent} <= set(required)
    without = Environment.model_validate({**spec, "exporters": {"node": {"enabled": False}}})
    assert set(required) - set(required_services(without)) == {"node-exporter"}


def test_a_program_of_our_own_is_built_in_every_mode() -> None:
    """What has no official image stays built where all else is pulled; nothing that was pulled stands for it."""
    packages = {"go": {"folder": "sink", "packages": {"loki": "."}, "seconds": 1.0, "scratch": 1}}
    own = Service.model_validate({**LOKI.model_dump(exclude={"packages", "official"}), "packages": packages})
    for source in ("registry", "auto", "packages"):
        assert fits(MADE, own, Images(source=source))
    assert not fits(PULLED, own, Images())


NO_RECIPE = "it cannot be built from packages"


@pytest.mark.parametrize(
    ("reason", "source", "out"),
    [
        (NO_RECIPE, "packages", True),
        (NO_RECIPE, "auto", False),
        ("registry docker.io is not reachable", "auto", True),
        ("registry docker.io is not reachable", "packages", False),
        ("registry docker.io is not reachable", "registry", False),
        (NO_RECIPE, "registry", False),
        ("", "auto", False),
    ],
)
def test_a_service_is_left_out_only_while_the_reason_holds(
    reason: str, source: Literal["auto", "registry", "packages"], out: bool
) -> None:
    """Another mode has another reason or none: then it is tried again."""
    assert left_out("grafana", {"grafana": reason} if reason else {}, Images(source=source)) is out


@pytest.mark.parametrize(
    ("source", "reason", "gone"),
    [("packages", None, True), ("auto", None, False), ("auto", "out of reach", True), ("registry", "any", False)],
)
def test_what_is_done_without_is_known_before_images_are_resolved(
    source: Literal["auto", "registry", "packages"],
    reason: str | None,
    gone: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or a preflight would ask for Grafana's port, which the board that stands in for it holds since the last `up`."""
    monkeypatch.setenv("POINTSMAN_STATE_DIR", str(tmp_path))
    if reason:
        locks.write(locks.path("dev"), Lock(absent={"grafana": reason}))
    spec = Environment.model_validate({"images": {"source": source}})
    assert ("grafana" in expected_absent("dev", spec)) is gone


def test_a_lock_from_before_there_were_absent_services_is_read(tmp_path: Path) -> None:
    """The field is new: a lock without it has none absent, and the rest of it holds."""
    file = tmp_path / locks.NAME
    locks.write(file, Lock(services={"loki": PULLED}, agent="alloy"))
    data = json.loads(file.read_text())
    del data["absent"]
    file.write_text(json.dumps(data))
    assert locks.read(file) == Lock(services={"loki": PULLED}, agent="alloy")


def test_a_hosts_image_is_built_in_every_mode() -> None:
    """A locked one stays while release and user are as they were; there is none that a registry could give."""
    host = Host.model_validate(
        {"version": "12", "suite": "bookworm", "folder": "host", "packages": ["systemd"], "seconds": 1.0, "scratch": 1}
    )
    made = Made(version="12.12", image_id=ID, user=0, recipe="0123456789ab", label="pointsman/host:12.12-0123456789ab")
    sources: tuple[Literal["auto", "registry", "packages"], ...] = ("auto", "registry", "packages")
    assert all(fits(made, host, Images(source=source)) for source in sources)
    assert not fits(made.model_copy(update={"version": "13.1"}), host, Images())
    assert not fits(made.model_copy(update={"user": 1000}), host, Images())


def test_images_beside_the_services_are_required_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each once, after those of the services."""
    alone = required_services(Environment())
    monkeypatch.setattr(locked, "images_beside", lambda spec: ("runner-host", alone[0]))
    assert required_services(Environment()) == (*alone, "runner-host")
