"""Backup and restore on a real estate: what was kept is found again elsewhere, and nothing is lost on the way."""

from __future__ import annotations

import contextlib
import gzip
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pointsman.backup.model import STATE
from pointsman.services import labels
from tests.deployed.conftest import NewEstate
from tests.deployed.estate import Estate, eventually, kill_group
from tests.deployed.markers import log, logged

# Longest wait for what a command does next; a quiet machine needs two.
EVENT_SECONDS = 90


@pytest.fixture(scope="module")
def source(new_estate: NewEstate) -> Iterator[Estate]:
    """An environment with data, and of this module alone, for its services are stopped."""
    estate = new_estate()
    estate.up()
    yield estate
    estate.remove()


@pytest.fixture(scope="module")
def markers(source: Estate) -> tuple[str, int]:
    """A log line and a sample that were there before the backup."""
    return log(source), source.mark()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where backups go."""
    return tmp_path_factory.mktemp("backups")


@pytest.fixture(scope="module")
def file(source: Estate, markers: tuple[str, int], folder: Path) -> Path:
    """A backup of the environment with its markers."""
    assert markers
    path = folder / "source.tar.gz"
    before = source.ids()
    told = _backup(source, path)
    assert [each["service"] for each in told["volumes"]] == _stores(source)
    assert all(each["stopped"] > 0 for each in told["volumes"])
    assert told["state"]
    assert source.ids() == before
    return path


@pytest.fixture(scope="module")
def other(source: Estate, new_estate: NewEstate) -> Iterator[Estate]:
    """Another environment of the same clone, on other ports, that was never up."""
    estate = new_estate(source.clone)
    yield estate
    estate.remove()


@pytest.fixture(scope="module")
def restored(other: Estate, file: Path) -> dict[str, Any]:
    """The other environment has the backup's data, and is up; gives what the restore told."""
    told = other.clone.pointsman("restore", str(file), "--env", other.name, "--output", "json").good().document()
    for service in _stores(other):
        assert _tree(other, service) == _tree_of(file, service)
    assert other.up()["good"]
    return told


def _stores(estate: Estate) -> list[str]:
    """The services that keep data, in the order in which they start."""
    return [each.name for each in estate.declared().estate.services if each.data]


def _backup(estate: Estate, path: Path) -> dict[str, Any]:
    done = estate.clone.pointsman("backup", "--env", estate.name, "--to", str(path), "--output", "json")
    return done.good().document()


def _names(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


def _states(estate: Estate) -> dict[str, str]:
    return {service: container.status for service, container in estate.containers().items()}


@contextlib.contextmanager
def _event(estate: Estate, kind: str, action: str, named: str) -> Iterator[threading.Event]:
    """Is set once Docker tells that event of the container or volume called so."""
    seen = threading.Event()
    stream = estate.engine.api.events(filters={"type": kind, "event": [action]}, decode=True)

    def follow() -> None:
        with contextlib.suppress(Exception):
            for event in stream:
                if named in (event["Actor"]["ID"], event["Actor"]["Attributes"].get("name")):
                    seen.set()

    threading.Thread(target=follow, daemon=True).start()
    try:
        yield seen
    finally:
        stream.close()


@contextlib.contextmanager
def _running(estate: Estate, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A command that a test interrupts; it ends with the block, however that ends."""
    process = estate.clone.start(*words)
    try:
        yield process
    finally:
        kill_group(process)


def test_what_a_backup_is(source: Estate, file: Path, folder: Path) -> None:
    """One file, its owner's alone, with neither the passphrase nor a secret in clear, and all services up again.

    Nothing else is left: no copier, no half file; and no backup is written over.
    """
    assert file.stat().st_mode & 0o777 == 0o600
    assert _names(folder) == [file.name]
    assert _states(source) == dict.fromkeys(source.ids(), "running")
    assert source.helpers() == []
    passphrase = (source.clone.state / "passphrase").read_bytes().strip()
    assert passphrase not in gzip.decompress(file.read_bytes())
    with tarfile.open(file) as tar:
        state = tar.extractfile(STATE)
        assert state is not None
        assert b'"plaintext"' not in state.read()
    refused = source.clone.pointsman("backup", "--env", source.name, "--to", str(file))
    assert refused.code == 2
    assert "exists already" in refused.said


def test_restore_into_a_new_environment(
    source: Estate, other: Estate, restored: dict[str, Any], markers: tuple[str, int]
) -> None:
    """Data is put into volumes that the first `up` takes up; log line and sample are found on the other ports.

    Owner and mode of every file are those of the source.
    """
    line, value = markers
    assert (restored["taken_from"], restored["services"], restored["up"]) == (source.name, _stores(source), False)
    eventually(lambda: logged(other, line))
    assert other.marked(value)
    assert other.pulumi_up("--expect-no-changes") == set()
    assert logged(source, line)


@pytest.mark.usefixtures("restored")
def test_restore_over_data(other: Estate, file: Path, markers: tuple[str, int]) -> None:
    """Without --force nothing is touched; with it the data is the backup's alone, and the environment runs, proved."""
    line, value = markers
    later, before = log(other), other.ids()
    refused = other.clone.pointsman("restore", str(file), "--env", other.name)
    assert refused.code == 2
    assert f"pointsman-{other.name}-loki-data" in refused.said
    assert "nothing was touched" in refused.said
    assert other.ids() == before
    assert logged(other, later)

    done = other.clone.pointsman("restore", str(file), "--env", other.name, "--force", "--output", "json").good()
    told = done.document()
    assert told["up"]
    assert told["good"]
    assert not logged(other, later)
    eventually(lambda: logged(other, line))
    assert other.marked(value)
    unconcerned = set(before) - set(_stores(other))
    assert {each for each, id_ in other.ids().items() if before[each] == id_} == unconcerned


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("harm", ["truncated", "flipped", "foreign", "missing"])
def test_a_bad_file(other: Estate, file: Path, tmp_path: Path, harm: str) -> None:
    """Exit 2 before anything is touched, even with --force; what is wrong is told, without a traceback."""
    whole, bad = file.read_bytes(), tmp_path / "bad.tar.gz"
    half = len(whole) // 2
    words = {
        "truncated": "is cut off in",
        "flipped": "damaged",
        "foreign": "no backup of",
        "missing": "there is no file",
    }
    contents = {
        "truncated": whole[:half],
        "flipped": whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1 :],
        "foreign": gzip.compress(b"something else"),
    }
    if harm in contents:
        bad.write_bytes(contents[harm])
    before, states = other.ids(), _states(other)
    refused = other.clone.pointsman("restore", str(bad), "--env", other.name, "--force")
    assert refused.code == 2
    assert words[harm] in refused.said
    assert "Traceback" not in refused.said
    assert (other.ids(), _states(other)) == (before, states)


def test_a_killed_backup(source: Estate, file: Path, folder: Path) -> None:
    """kill -9 while Docker stops Loki: it runs again at once, there is no half file, and nobody waits for the dead run.

    The next backup goes on, as far as the test after this one lets it.
    """
    path = folder / "killed.tar.gz"
    loki = source.containers()["loki"]
    with (
        _event(source, "container", "kill", str(loki.id)) as told_to_end,
        _event(source, "container", "start", str(loki.id)) as started,
        _running(source, "backup", "--env", source.name, "--to", str(path)) as process,
    ):
        assert told_to_end.wait(EVENT_SECONDS)
        kill_group(process)
        assert started.wait(EVENT_SECONDS)
    eventually(lambda: _states(source) == dict.fromkeys(source.ids(), "running"), seconds=EVENT_SECONDS)
    eventually(lambda: _names(folder) == [file.name], seconds=EVENT_SECONDS)
    eventually(lambda: source.helpers() == [], seconds=EVENT_SECONDS)
    assert source.ids()["loki"] == loki.id


def test_an_interrupted_backup(source: Estate, file: Path, folder: Path) -> None:
    """Ctrl-C while Docker stops Prometheus: the command ends with an error, all runs, and there is no half file."""
    path = folder / "interrupted.tar.gz"
    with (
        _event(source, "container", "kill", str(source.ids()["prometheus"])) as told_to_end,
        _running(source, "backup", "--env", source.name, "--to", str(path)) as process,
    ):
        assert told_to_end.wait(EVENT_SECONDS)
        process.send_signal(2)
        said = process.communicate(timeout=EVENT_SECONDS)[0]
    assert process.returncode != 0
    assert "Traceback" not in said
    assert _states(source) == dict.fromkeys(source.ids(), "running")
    assert _names(folder) == [file.name]
    assert source.helpers() == []


@pytest.mark.usefixtures("restored")
def test_a_killed_restore(other: Estate, file: Path, markers: tuple[str, int]) -> None:
    """kill -9 while a volume is away: no `up` starts anything on half of the data, and the same restore finishes it."""
    line, value = markers
    with (
        _event(other, "volume", "destroy", f"pointsman-{other.name}-loki-data") as destroyed,
        _running(other, "restore", str(file), "--env", other.name, "--force"),
    ):
        assert destroyed.wait(EVENT_SECONDS)
    for refused in (other.pulumi("up", "--yes", "--skip-preview"), other.clone.pointsman("up", "--env", other.name)):
        assert refused.code == 1 or "pulumi" in refused.argv[0]
        assert refused.code != 0
        assert f"a restore of {file} into {other.name} was cut off" in " ".join(refused.said.split())
        assert "Traceback" not in refused.said
    assert "loki" not in other.ids()
    told = other.clone.pointsman("restore", str(file), "--env", other.name, "--output", "json").good().document()
    assert told["up"]
    eventually(lambda: logged(other, line))
    assert other.marked(value)
    assert other.helpers() == []


def test_a_lost_state_directory(source: Estate, folder: Path, markers: tuple[str, int]) -> None:
    """All but the passphrase is gone, and Pulumi's stack file too: from the backup, an update has nothing to do.

    Data is refused until the state is back, and the state until the passphrase is.
    """
    before, lost = source.ids(), source.clone.state
    path = folder / "state.tar.gz"
    _backup(source, path)
    kept = lost.rename(folder / "kept")
    source.clone.root.joinpath("stacks", f"Pulumi.{source.name}.yaml").unlink()
    try:
        data = source.clone.pointsman("restore", str(path), "--env", source.name, "--force")
        assert data.code == 1
        assert "--state" in data.said
        early = source.clone.pointsman("restore", str(path), "--env", source.name, "--state")
        assert early.code == 2
        assert "put the passphrase file back" in early.said
        shutil.copy2(kept / "passphrase", lost)
        source.clone.pointsman("restore", str(path), "--env", source.name, "--state").good()
        assert source.pulumi_up("--expect-no-changes") == set()
        assert source.ids() == before
        assert logged(source, markers[0])
    finally:
        if not (lost / "pulumi").is_dir():
            shutil.rmtree(lost, ignore_errors=True)
            kept.rename(lost)


def _tree(estate: Estate, service: str) -> set[tuple[str, int, int, int]]:
    """Path, owner, group and mode of all in a service's volume."""
    container = estate.engine.containers.create(
        estate.declared().plans[service].image_id,
        ["never-started"],
        volumes=[f"pointsman-{estate.name}-{service}-data:/seen:ro"],
        labels={labels.ENVIRONMENT: estate.name},
    )
    try:
        chunks, _ = container.get_archive("/seen")
        spool = estate.clone.state / "seen.tar"
        with spool.open("wb") as out:
            out.writelines(chunks)
        with tarfile.open(spool) as tar:
            return {(each.name.partition("/")[2], each.uid, each.gid, each.mode) for each in tar}
    finally:
        container.remove()


def _tree_of(file: Path, service: str) -> set[tuple[str, int, int, int]]:
    """The same of a volume in a backup."""
    with tarfile.open(file) as outer:
        member = outer.extractfile(f"pointsman-backup/volumes/{service}.tar")
        with tarfile.open(fileobj=member) as tar:
            return {(each.name.partition("/")[2], each.uid, each.gid, each.mode) for each in tar}
