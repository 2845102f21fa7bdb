"""The lock on a host, with an ssh that runs commands on this machine."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from pointsman.plays import Cause, PlayFailed, Way, locking
from tests.unit.plays.sites import running


@pytest.fixture
def way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Way:
    """A host that is this machine: `ssh … -- ADDRESS COMMAND` runs the command here, after what a test says first."""
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/sh\n[ -x {tmp_path}/first ] && {{ {tmp_path}/first || exit $?; }}\n"
        'while [ "$1" != -- ]; do shift; done\nexec sh -c "$3"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(locking, "LOCK", str(tmp_path / "lock"))
    monkeypatch.setattr(locking, "HOLDER", str(tmp_path / "holder"))
    return Way("runner-1", "127.0.0.1", 22, "", None, (), tmp_path)


def never() -> bool:
    """Nobody cancels."""
    return False


def first(way: Way, script: str) -> None:
    """What ssh does before it runs the command."""
    path = way.folder / "first"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_two_plays_are_kept_apart(way: Way) -> None:
    """The second is told who is first; when that one ends, the lock is free and no process is left."""
    with locking.locked(way, patience=0, cancelled=never):
        with pytest.raises(PlayFailed) as failed, locking.locked(way, patience=0, cancelled=never):
            pytest.fail("two hold the lock")
        assert failed.value.cause is Cause.LOCKED
        assert f"(process {os.getpid()}) since " in failed.value.message
    with locking.locked(way, patience=0, cancelled=never):
        pass
    assert running(str(way.folder / "lock")) == []


def test_the_lock_goes_with_its_connection(way: Way) -> None:
    """However the block ends."""
    with pytest.raises(ZeroDivisionError), locking.locked(way, patience=0, cancelled=never):
        raise ZeroDivisionError
    with locking.locked(way, patience=0, cancelled=never):
        pass


def test_a_host_that_is_starting_is_asked_again(way: Way) -> None:
    """A container's sshd that refuses at first is waited for; a machine's is not, nor is a wrong host key."""
    ready = way.folder / "ready"
    first(way, f"[ -e {ready} ] || {{ echo 'ssh: connect to host x port 22: Connection refused' >&2; exit 255; }}")
    with pytest.raises(PlayFailed, match="SSH is refused"), locking.locked(way, patience=0, cancelled=never):
        pytest.fail("it refuses")
    threading.Timer(0.6, ready.touch).start()
    with locking.locked(way, patience=20, cancelled=never):
        assert ready.exists()
    first(way, "echo 'Host key verification failed.' >&2; exit 255")
    begin = time.monotonic()
    with pytest.raises(PlayFailed, match="another key"), locking.locked(way, patience=20, cancelled=never):
        pytest.fail("it is another host")
    assert time.monotonic() - begin < 5


def test_a_cancel_ends_the_wait(way: Way) -> None:
    """A host that takes the connection and says nothing does not hold anybody; nothing that ssh began is left."""
    first(way, "sleep 3174")
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(PlayFailed) as failed, locking.locked(way, patience=60, cancelled=stop.is_set):
        pytest.fail("it said nothing")
    assert failed.value.cause is Cause.CANCELLED
    assert running(str(way.folder / "first")) == []
