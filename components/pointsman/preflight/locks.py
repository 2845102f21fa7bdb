"""Locks on the Pulumi state of an environment: by whom, since when, and whether their holder is still alive.

The file backend has no lock but a file: `.pulumi/locks/organization/<project>/<stack>/<uuid>.json` with pid, username,
hostname and timestamp (pulumi 3.256, pkg/backend/diy/lock.go). A run that is killed leaves it behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import psutil

from pointsman.checks import Check, failed, passed
from pointsman.paths import checkout, state_dir

NAME = "state lock"
CLI = "pulumi"
Holder = Literal["alive", "elsewhere", "unreadable", "dead"]


@dataclass(frozen=True)
class Lock:
    """A lock file as it was written. `since` is in UTC."""

    path: Path
    pid: int
    user: str
    host: str
    since: datetime


@dataclass(frozen=True)
class Process:
    """A process of this machine that has a lock's pid now."""

    name: str
    started: datetime
    zombie: bool


@dataclass(frozen=True)
class Held:
    """A lock file and what is known of its holder; `lock` is None when the file cannot be read."""

    path: Path
    lock: Lock | None
    holder: Holder


def backend_dir() -> Path:
    """Where the state of all environments is, as a folder of Pulumi's file backend."""
    return state_dir() / "pulumi"


def check(environment: str) -> Check:
    """Whether nobody holds the environment's state."""
    return judge(held(environment), cancel_command(environment))


def release_dead_locks(environment: str) -> list[str]:
    """Remove the locks whose holder died on this very machine, and say which: one line for each.

    Locks of living processes, of other machines, and those that cannot be read are left alone. What a killed run was at
    when it died is for the next run's refresh to find.
    """
    released = []
    for each in held(environment):
        if each.holder == "dead" and each.lock is not None:
            # Its attributes go with it. Another run may do the same at this moment.
            each.path.with_name(f"{each.path.name}.attrs").unlink(missing_ok=True)
            each.path.unlink(missing_ok=True)
            released.append(f"released the state lock of {environment} that {_by(each.lock)} left behind")
    return released


def cancel_command(environment: str) -> str:
    """The command that removes every lock on the environment's state, whoever holds it."""
    backend, root = shlex.quote(f"file://{backend_dir()}"), shlex.quote(str(checkout()))
    return f"PULUMI_BACKEND_URL={backend} {CLI} cancel -C {root} --stack {environment} --yes"


def held(environment: str) -> tuple[Held, ...]:
    """All locks on the environment's state, oldest name first."""
    files = sorted(backend_dir().glob(f".pulumi/locks/organization/*/{environment}/*"))
    # Whatever else lies there counts as a lock for the backend too.
    return tuple(_held(file) for file in files if file.is_file() and file.suffix != ".attrs")


def judge(locks: Sequence[Held], cancel: str) -> Check:
    """The check, from facts alone."""
    if not locks:
        return passed(NAME, "free")
    order: tuple[Holder, ...] = ("alive", "elsewhere", "unreadable", "dead")
    worst = min(locks, key=lambda each: order.index(each.holder))
    pid = worst.lock.pid if worst.lock else 0
    remedies = {
        "alive": f"wait until it is done (`ps -fp {pid}` shows it): the lock goes with it",
        "elsewhere": f"see whether that run still works there; if not: {cancel}",
        "unreadable": f"see that no other run is at work, then: {cancel}",
        "dead": f"run `pointsman up`, which releases it, or: {cancel}",
    }
    return failed(
        NAME,
        "; ".join(_described(each) for each in locks),
        expected="no other run on this environment",
        remedy=remedies[worst.holder],
    )


def holder_of(lock: Lock, this_host: str, process: Process | None) -> Holder:
    """Whether a lock's holder lives. A pid that was given out again is not the holder: another program, begun later."""
    if lock.host != this_host:
        return "elsewhere"
    if process is None or process.zombie:
        return "dead"
    # Both, for the clock may have been set between: a wrong "alive" costs a wait, a wrong "dead" two runs at once.
    return "dead" if process.name != CLI and process.started > lock.since else "alive"


def parse(path: Path, text: str) -> Lock | None:
    """The lock that a file holds, None for anything else."""
    try:
        data = json.loads(text)
        since = datetime.fromisoformat(data["timestamp"]).astimezone(UTC)
        return Lock(path, int(data["pid"]), str(data["username"]), str(data["hostname"]), since)
    except (ValueError, KeyError, TypeError):
        return None


def _held(file: Path) -> Held:
    lock = None
    with contextlib.suppress(OSError, UnicodeDecodeError):
        lock = parse(file, file.read_text(encoding="utf-8"))
    if lock is None:
        return Held(file, None, "unreadable")
    return Held(file, lock, holder_of(lock, os.uname().nodename, _process(lock.pid)))


def _process(pid: int) -> Process | None:
    try:
        found = psutil.Process(pid)
        with found.oneshot():
            started = datetime.fromtimestamp(found.create_time(), UTC)
            return Process(found.name(), started, found.status() == psutil.STATUS_ZOMBIE)
    except (psutil.NoSuchProcess, ValueError):
        return None


def _described(each: Held) -> str:
    if each.lock is None:
        return f"the lock {each.path} cannot be read"
    remark = {"dead": ", a process that is no more", "elsewhere": ", another machine"}.get(each.holder, "")
    return f"locked by {_by(each.lock)}{remark}"


def _by(lock: Lock) -> str:
    return f"pid {lock.pid} of {lock.user}@{lock.host} since {lock.since:%Y-%m-%d %H:%M:%S} UTC"
