"""A lock on the host, so that two plays never change it at the same time.

It is held by a connection: `flock` on the host waits for the end of its input, and the lock is gone when the connection
is, however this side ends.
"""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from pointsman.plays import failures
from pointsman.plays.model import Cause, PlayFailed
from pointsman.plays.ssh import Way, no_ssh

LOCK = "/run/lock/pointsman-play.lock"
HOLDER = "/run/lock/pointsman-play.holder"
TAKEN = 99
HELD = "held"
# For a connection and its first answer, in seconds.
ANSWER_SECONDS = 30
# A container that was just started takes some seconds until its SSH answers.
RETRY_SECONDS = 0.5
# What a host that is still starting may say.
STARTING = frozenset({Cause.REFUSED, Cause.SILENT, Cause.ACCESS})

Cancelled = Callable[[], bool]


def holder() -> str:
    """Who this is, for whoever finds the lock taken: account, machine, process, time."""
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    account = os.environ.get("USER") or f"user {os.getuid()}"
    return f"{account} on {socket.gethostname()} (process {os.getpid()}) since {moment}"


def remote_command(who: str) -> str:
    """What is run on the host: takes the lock, says so, and holds it until its input ends."""
    inner = f"umask 022; printf '%s\\n' {shlex.quote(who)} > {HOLDER}; echo {HELD}; cat > /dev/null"
    taken = f"[ $code = {TAKEN} ] && cat {HOLDER} 2>/dev/null; exit $code"
    return f"flock -n -E {TAKEN} {LOCK} sh -c {shlex.quote(inner)}; code=$?; {taken}"


@contextmanager
def locked(way: Way, *, patience: float, cancelled: Cancelled) -> Iterator[None]:
    """Holds the lock of a host for as long as the block runs.

    A host that is still starting is asked again for `patience` seconds. Raises PlayFailed: LOCKED with who holds it, or
    why the host can't be reached.
    """
    end = time.monotonic() + patience
    while True:
        process = _asked(way)
        try:
            failure = _failure(way, process, cancelled)
            if failure is None:
                yield
                return
        finally:
            _released(process)
        if failure.cause not in STARTING or time.monotonic() >= end or cancelled():
            raise failure
        time.sleep(RETRY_SECONDS)


def _asked(way: Way) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            way.command(remote_command(holder())),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise no_ssh() from None


def _failure(way: Way, process: subprocess.Popen[bytes], cancelled: Cancelled) -> PlayFailed | None:
    """None when the lock is held; else why not."""
    assert process.stdout is not None
    end = time.monotonic() + ANSWER_SECONDS
    said = b""
    while time.monotonic() < end:
        if cancelled():
            return failures.cancelled(way.name, "")
        if not select.select([process.stdout], [], [], 0.2)[0]:
            continue
        chunk = os.read(process.stdout.fileno(), 4096)
        said += chunk
        if said.splitlines()[:1] == [HELD.encode()]:
            return None
        if not chunk:
            break
    else:
        _kill(process)
    _, errors = process.communicate(timeout=ANSWER_SECONDS)
    if process.returncode == TAKEN:
        return failures.taken(way.name, said.decode("utf-8", "replace").strip())
    return failures.of_connection(way, errors.decode("utf-8", "replace"), process.returncode)


def _released(process: subprocess.Popen[bytes]) -> None:
    """Ends the connection, and with it the lock."""
    if process.stdin and not process.stdin.closed:
        process.stdin.close()
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        _kill(process)
        process.wait()
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """With what it started itself: the way over a jump host is a process of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
