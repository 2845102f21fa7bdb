"""Free disk where Docker, the state and the cache are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pointsman.checks import Check, failed, passed
from pointsman.paths import cache_dir, state_dir
from pointsman.preflight.engine import Look

NAME = "disk"
GIB, MIB = 2**30, 2**20
# A warm environment's; what builds need they ask for themselves. Measured on a dev estate at rest: 0.2 GiB of samples
# and logs a day, so this is a week, with the containers' own logs (3 files of 10 MiB each).
DOCKER_BYTES = 2 * GIB
# Measured: a history entry and a backup of 0.2 MiB an update, so this is a thousand updates.
STATE_BYTES = 200 * MIB
# Locks and logs of builds.
CACHE_BYTES = 100 * MIB


@dataclass(frozen=True)
class Place:
    """A folder that is written to. `free` and `needed` are bytes; places of one `device` share what is free."""

    label: str
    path: Path
    free: int
    needed: int
    device: int
    writable: bool
    remedy: str


def check(seen: Look) -> Check:
    """Whether there is room for the environment, with the disk of an engine elsewhere left out and said so."""
    places = [
        _place("state", state_dir(), STATE_BYTES, "set POINTSMAN_STATE_DIR to a folder on another disk"),
        _place("cache", cache_dir(), CACHE_BYTES, "set POINTSMAN_CACHE_DIR to a folder on another disk"),
    ]
    root = Path(seen.facts.root) if seen.is_here and seen.facts and seen.facts.root else None
    if root is None or not os.access(root, os.F_OK):
        why = "no Docker engine yet" if seen.facts is None else "the engine's disk is not this machine's"
        return judge(places, f"; Docker's data: not seen, {why}")
    remedy = "`docker system df` shows what Docker keeps, `pointsman images prune` removes images nobody needs"
    # The engine writes there, not this user.
    return judge([_place("Docker's data", root, DOCKER_BYTES, remedy, own=False), *places])


def judge(places: Sequence[Place], unseen: str = "") -> Check:
    """The check, from facts alone; what is needed on one file system is summed up."""
    shown = ", ".join(f"{each.label} {_size(each.free)} free in {each.path}" for each in places) + unseen
    locked = [each for each in places if not each.writable]
    if locked:
        return failed(
            NAME,
            "; ".join(f"{each.path} ({each.label}) cannot be written by this user" for each in locked),
            expected="folders of this user",
            remedy=f"sudo chown -R {os.geteuid()} {' '.join(str(each.path) for each in locked)}, or "
            + ", ".join(each.remedy for each in locked),
        )
    short = [each for each in places if each.free < sum(other.needed for other in places if _shares(other, each))]
    if not short:
        return passed(NAME, shown)
    needs = ", ".join(f"{_size(each.needed)} for {each.label}" for each in places if each.device == short[0].device)
    return failed(
        NAME,
        shown,
        expected=f"{needs} on the file system of {short[0].path}",
        remedy=f"free some disk: {'; '.join(each.remedy for each in short)}",
    )


def _shares(one: Place, other: Place) -> bool:
    return one.device == other.device


def _place(label: str, path: Path, needed: int, remedy: str, *, own: bool = True) -> Place:
    """The facts of a folder, or of the nearest one above it that is there and that this user may see."""
    there = next(each for each in (path, *path.parents) if os.access(each, os.F_OK))
    return Place(
        label=label,
        path=path,
        free=shutil.disk_usage(there).free,
        needed=needed,
        device=there.stat().st_dev,
        writable=not own or os.access(there, os.W_OK | os.X_OK),
        remedy=remedy,
    )


def _size(count: int) -> str:
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{count / MIB:.0f} MiB"
