"""The machine's clock against what is known without asking anybody: the engine's, the kernel's word, dates of files."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pointsman.checks import Check, failed, passed
from pointsman.paths import checkout, state_dir
from pointsman.preflight.engine import Look

NAME = "clock"
# Two clocks further apart put samples and queries at different times: Prometheus looks back from its own.
APART_SECONDS = 1.0
# Below that, a commit that was made by another machine's clock is the likelier reason.
BEHIND_SECONDS = 60.0
UNSYNCHRONISED = 0x40  # STA_UNSYNC of linux/timex.h
GIT_SECONDS = 1.0
FOLDERS = ("stacks", "images", "toolchain", "components")


@dataclass(frozen=True)
class Dated:
    """Something that bears a date, in Unix seconds."""

    what: str
    at: float


@dataclass(frozen=True)
class ClockFacts:
    """Unix seconds `now`; `engine` by how many seconds its clock is ahead, None when unknown; the newest things here.

    `kept` is whether the kernel holds its clock to be kept by NTP or the like, None when it does not tell.
    """

    now: float
    engine: float | None = None
    kept: bool | None = None
    newest: Sequence[Dated] = ()


def check(seen: Look) -> Check:
    """Whether the clock can be right."""
    engine = seen.facts.clock if seen.facts else None
    newest = [each for each in (_newest_file(), _newest_commit()) if each]
    return judge(ClockFacts(time.time(), engine, kept_by_kernel(), newest))


def judge(facts: ClockFacts) -> Check:
    """The check, from facts alone. A clock that nobody keeps is no fault as long as it is not known to be wrong."""
    now = _shown(facts.now)
    keep = "let NTP keep it (`sudo timedatectl set-ntp true`), or set it (`sudo date -u -s …`)"
    future = [each for each in facts.newest if each.at > facts.now + BEHIND_SECONDS]
    if future:
        last = max(future, key=lambda each: each.at)
        return failed(
            NAME,
            f"the clock is behind: it is {now}, but {last.what} is of {_shown(last.at)}",
            expected="a clock that is not before what was written already",
            remedy=f"{keep}; if the clock is right and that date wrong, `touch` the file or commit anew",
        )
    if facts.engine is not None and abs(facts.engine) > APART_SECONDS:
        side = "ahead of" if facts.engine > 0 else "behind"
        return failed(
            NAME,
            f"the clock of the Docker engine is {abs(facts.engine):.1f} s {side} this machine's, {now}",
            expected=f"clocks that are less than {APART_SECONDS:.0f} s apart",
            remedy=f"on both: {keep}; a virtual machine's is set by restarting it",
        )
    engine = "" if facts.engine is None else f", the Docker engine's is less than {APART_SECONDS:.0f} s away"
    kept = {True: ", kept by NTP", False: ", not kept by NTP", None: ""}[facts.kept]
    return passed(NAME, f"{now}{engine}{kept}")


class _Timex(ctypes.Structure):
    """struct timex of linux/timex.h as far as it is read; the kernel writes all of it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    )


def kept_by_kernel() -> bool | None:
    """Whether the kernel's clock is synchronised; None off Linux, or where asking is forbidden."""
    if sys.platform != "linux":
        return None
    asked = _Timex()  # modes 0: nothing is set
    if ctypes.CDLL(None).adjtimex(ctypes.byref(asked)) < 0:
        return None
    return not asked.status & UNSYNCHRONISED


def _newest_file() -> Dated | None:
    root, state = checkout(), state_dir()
    places = [*(root / name for name in FOLDERS), state / "environments", state / "pulumi" / ".pulumi" / "stacks"]
    files = (each for place in places for each in _dated(place))
    return max(files, key=lambda each: each.at, default=None)


def _dated(folder: Path) -> Iterator[Dated]:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)  # noqa: PTH118  some hundred files, several times as fast
            try:
                yield Dated(path, os.lstat(path).st_mtime)
            except OSError:  # gone meanwhile
                continue


def _newest_commit() -> Dated | None:
    command = ["git", "-C", str(checkout()), "log", "-1", "--format=%h %ct"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    name, _, at = done.stdout.strip().partition(" ")
    return Dated(f"commit {name}", float(at)) if done.returncode == 0 and at.isdigit() else None


def _shown(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
