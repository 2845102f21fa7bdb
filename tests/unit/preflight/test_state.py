"""Locks and passphrase of the state, on files as Pulumi writes them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pointsman.checks import Outcome
from pointsman.preflight import locks, passphrase
from pointsman.preflight.locks import Lock, Process, holder_of, parse
from pointsman.preflight.passphrase import PassphraseFacts

HOST = os.uname().nodename
TAKEN = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
LOCK = Lock(Path("/locks/a.json"), 4711, "mia", "vm", TAKEN)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory of the test's own, and no passphrase in the environment."""
    monkeypatch.setenv("POINTSMAN_STATE_DIR", str(tmp_path))
    for name in passphrase.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def write_lock(state: Path, pid: int, *, host: str = HOST, stack: str = "dev", name: str = "one") -> Path:
    """A lock as pulumi 3.256 writes it, with the attributes beside it."""
    folder = state / "pulumi/.pulumi/locks/organization/pointsman" / stack
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.929494621Z")
    file = folder / f"{name}.json"
    file.write_text(json.dumps({"pid": pid, "username": "root", "hostname": host, "timestamp": now}))
    file.with_name(f"{file.name}.attrs").write_text("{}")
    return file


def dead_pid() -> int:
    """The pid of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_no_lock(state: Path) -> None:
    """A state that was never written, or only that of another environment, is free."""
    write_lock(state, dead_pid(), stack="production")
    assert locks.check("dev").outcome is Outcome.PASS


def test_the_lock_of_a_dead_process(state: Path) -> None:
    """It is a fault that names the pid and the command; releasing removes it with its attributes, and says so once."""
    pid = dead_pid()
    file = write_lock(state, pid)
    found = locks.check("dev")
    assert found.outcome is Outcome.FAIL
    assert f"pid {pid} of root@{HOST}" in found.seen
    assert f"PULUMI_BACKEND_URL=file://{state}/pulumi pulumi cancel" in found.remedy
    assert "--stack dev --yes" in found.remedy
    assert [f"pid {pid}" in line for line in locks.release_dead_locks("dev")] == [True]
    assert not list(file.parent.iterdir())
    assert locks.release_dead_locks("dev") == []
    assert locks.check("dev").outcome is Outcome.PASS


def test_a_zombie_is_dead(state: Path) -> None:
    """A killed run that nobody has waited for still has its pid, and holds nothing."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    deadline = time.monotonic() + 10
    while Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    file = write_lock(state, process.pid)
    assert len(locks.release_dead_locks("dev")) == 1
    assert not file.exists()
    process.wait()


def test_locks_of_the_living_and_of_others_stay(state: Path) -> None:
    """Only the dead one goes: not a living run's, not another machine's whose pids are not ours, not a damaged one."""
    dead = dead_pid()
    kept = [
        write_lock(state, os.getpid(), name="living"),
        write_lock(state, dead, host="elsewhere", name="elsewhere"),
        write_lock(state, dead, name="damaged"),
    ]
    kept[2].write_text('{"pid": 1')
    gone = write_lock(state, dead, name="dead")
    assert len(locks.release_dead_locks("dev")) == 1
    assert not gone.exists()
    assert all(file.exists() for file in kept)
    found = locks.check("dev")
    assert f"pid {os.getpid()} of root@{HOST}" in found.seen
    assert "elsewhere since" in found.seen
    assert "damaged.json cannot be read" in found.seen
    # The living run decides what to do: nothing may be cancelled under it.
    assert found.remedy.startswith("wait until it is done")
    assert "cancel" not in found.remedy


@pytest.mark.parametrize(
    ("process", "holder"),
    [
        (None, "dead"),
        (Process("pulumi", TAKEN - timedelta(seconds=1), zombie=False), "alive"),
        (Process("pulumi", TAKEN - timedelta(seconds=1), zombie=True), "dead"),
        # The pid was given out again.
        (Process("bash", TAKEN + timedelta(hours=1), zombie=False), "dead"),
        # The clock was set between: it only looks younger than its lock.
        (Process("pulumi", TAKEN + timedelta(hours=1), zombie=False), "alive"),
        # A Pulumi under another name.
        (Process("pulumi-3.256", TAKEN - timedelta(seconds=1), zombie=False), "alive"),
    ],
)
def test_whether_the_holder_lives(process: Process | None, holder: str) -> None:
    """A recycled pid is not the holder; in doubt the lock is a living one's."""
    assert holder_of(LOCK, "vm", process) == holder
    assert holder_of(LOCK, "another", process) == "elsewhere"


def test_times_of_a_lock_are_utc() -> None:
    """Go writes nanoseconds and the zone of the machine."""
    text = '{"pid":1,"username":"u","hostname":"h","timestamp":"2026-05-04T14:00:00.123456789+02:00"}'
    found = parse(Path("x"), text)
    assert found is not None
    assert found.since.replace(microsecond=0) == TAKEN


def facts(mode: int | None, size: int, *stacks: str, variable: str = "") -> PassphraseFacts:
    """The facts of /state/passphrase."""
    return PassphraseFacts(Path("/state/passphrase"), mode, size, stacks, variable=variable)


@pytest.mark.parametrize(
    ("found", "outcome", "words"),
    [
        (facts(0o600, 44, "dev"), Outcome.PASS, "mode 0600"),
        (facts(None, 0), Outcome.PASS, "`pointsman up` makes"),
        (facts(0o640, 44), Outcome.FAIL, "mode 0640"),
        (facts(None, 0, "dev", "staging"), Outcome.FAIL, "the state of dev, staging was encrypted with a passphrase"),
        (facts(0o600, 0, "dev"), Outcome.FAIL, "is empty"),
        (facts(0o600, 0), Outcome.FAIL, "is empty"),
        (facts(None, 0, "dev", variable="PULUMI_CONFIG_PASSPHRASE"), Outcome.PASS, "PULUMI_CONFIG_PASSPHRASE is set"),
    ],
)
def test_passphrase(found: PassphraseFacts, outcome: Outcome, words: str) -> None:
    """A state without its passphrase is a fault before anything is touched; a first run has neither, which is fine."""
    check = passphrase.judge(found)
    assert check.outcome is outcome
    assert words in check.seen
    assert bool(check.remedy) is (outcome is Outcome.FAIL)


def test_passphrase_file_and_states_on_disk(state: Path) -> None:
    """States are seen as the backend keeps them, backups and attributes apart; the mode is the file's."""
    stacks = state / "pulumi/.pulumi/stacks/pointsman"
    stacks.mkdir(parents=True)
    for name in ("dev.json", "dev.json.bak", "dev.json.attrs", "production.json.gz"):
        (stacks / name).touch()
    assert passphrase.stacks_with_state() == ("dev", "production")
    assert "dev, production" in passphrase.check().seen
    file = state / "passphrase"
    file.write_text("secret")
    file.chmod(0o604)
    found = passphrase.check()
    assert found.remedy == f"chmod 600 {file}"
    file.chmod(0o600)
    assert passphrase.check().outcome is Outcome.PASS
    assert "secret" not in str(found)
