"""What of a backup goes where, what a state may be put back into, and what a cut-off restore leaves behind."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pointsman.backup import journal
from pointsman.backup.journal import Journal, refuse_unfinished
from pointsman.backup.model import Backup, ServiceVersion, volume_member
from pointsman.backup.restoring import match
from pointsman.backup.state import restore_state
from pointsman.backup.taking import target
from pointsman.deploy import variables
from pointsman.errors import PointsmanError, UsageError
from pointsman.toolchain import Toolchain
from tests.unit.backup.archives import manifest, member
from tests.unit.verify.doubles import declared

TOOLCHAIN = cast(Toolchain, SimpleNamespace(environment=dict))


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory of the test's own, and no passphrase from anywhere."""
    monkeypatch.setenv("POINTSMAN_STATE_DIR", str(tmp_path))
    for name in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def backup(*services: str, **changes: Any) -> Backup:
    """A backup with the data of these services, given as name or name=kind@version."""
    told, members = [], []
    for each in services:
        name, _, rest = each.partition("=")
        kind, _, version = rest.partition("@")
        told.append(ServiceVersion(name=name, kind=kind or name, version=version or "1.2.3", image="an image"))
        members.append(member(volume_member(name), b""))
    return Backup(Path("dev.tar.gz"), manifest(members, services=told, **changes), state=b'{"version": 3}', lock=b"{}")


def test_data_goes_to_the_service_of_its_name_and_kind() -> None:
    """Data of another program, and of a service that is not there, stays in the backup; both are told."""
    pairs, findings = match(backup("loki", "prometheus=prometheus@1.0.0", "log-agent=alloy", "tempo2"), declared())
    assert [(store.volume, copy.service) for store, copy in pairs.values()] == [
        ("pointsman-test-loki-data", "loki"),
        ("pointsman-test-prometheus-data", "prometheus"),
    ]
    assert "prometheus was version 1.0.0, and is 1.2.3 here" in findings
    assert "log-agent was alloy and is promtail in test: its data stays in the backup" in findings
    assert "tempo2 is not in test: its data stays in the backup" in findings
    assert "log-agent has no data in the backup: it keeps its own" in findings


def test_a_backup_without_anything_for_the_environment() -> None:
    """Nothing to restore is a mistake, not a success."""
    with pytest.raises(UsageError, match="no service of test has data"):
        match(backup("tempo2"), declared())


def test_a_cut_off_restore_is_known_of() -> None:
    """While the mark is there nothing may be started; the message has both ways out."""
    refuse_unfinished("test")
    journal.begin("test", Journal("/b/dev.tar.gz", ["a"], was_up=True))
    with pytest.raises(PointsmanError, match="was cut off") as caught:
        refuse_unfinished("test")
    assert "pointsman restore /b/dev.tar.gz --env test" in caught.value.remedy
    assert journal.read("test") == Journal("/b/dev.tar.gz", ["a"], was_up=True)
    journal.path("test").write_text("{")
    with pytest.raises(PointsmanError):
        refuse_unfinished("test")
    journal.end("test")
    refuse_unfinished("test")


def test_where_a_backup_goes(tmp_path: Path) -> None:
    """Into the state directory, into a folder, or under a name of the user's; never over a file, never nowhere."""
    from datetime import UTC, datetime

    now = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
    name = "pointsman-dev-20260504T120000Z.tar.gz"
    assert target("dev", None, now) == tmp_path / "backups" / name
    assert target("dev", tmp_path, now) == tmp_path / name
    (tmp_path / "mine").touch()
    with pytest.raises(UsageError, match="exists already"):
        target("dev", tmp_path / "mine", now)
    with pytest.raises(UsageError, match="nothing can be written"):
        target("dev", tmp_path / "no" / "mine", now)


def _ready(place: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A state directory with a passphrase; gives the deployments that are imported."""
    imported: list[dict[str, Any]] = []
    variables.passphrase_file().write_text("x")
    monkeypatch.setattr("pointsman.deploy.stack.import_state", lambda name, _, exported: imported.append(exported))
    return imported


def test_a_state_comes_back_with_id_and_lock(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that containers are known by is there again, also where a first command has made another id meanwhile."""
    imported = _ready(place, monkeypatch)
    (place / "estate-id").write_text("ffffffffffff\n")
    restore_state(backup("loki"), "dev", TOOLCHAIN, force=False)
    assert imported == [json.loads('{"version": 3}')]
    assert (place / "estate-id").read_text() == "0123456789ab\n"
    assert (place / "environments/dev/images.lock.json").read_bytes() == b"{}"


def test_a_state_that_has_no_place(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another environment's, one without state, one that exists, another estate's directory, a lost passphrase."""
    with pytest.raises(UsageError, match="cannot be read without it"):
        restore_state(backup("loki"), "dev", TOOLCHAIN, force=False)
    imported = _ready(place, monkeypatch)
    with pytest.raises(UsageError, match="one environment only"):
        restore_state(backup("loki"), "staging", TOOLCHAIN, force=False)
    with pytest.raises(UsageError, match="holds no state"):
        restore_state(replace(backup("loki"), state=None), "dev", TOOLCHAIN, force=False)
    own = variables.stack_file("dev")
    own.parent.mkdir(parents=True)
    own.touch()
    with pytest.raises(UsageError, match="has a state already"):
        restore_state(backup("loki"), "dev", TOOLCHAIN, force=False)
    (place / "estate-id").write_text("ffffffffffff\n")
    own.rename(own.with_name("other.json"))
    with pytest.raises(PointsmanError, match="environments of its own"):
        restore_state(backup("loki"), "dev", TOOLCHAIN, force=True)
    assert imported == []
    assert (place / "estate-id").read_text() == "ffffffffffff\n"
