"""How long archives are kept: the oldest go first, the newest never."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pointsman.monitor.handlers import zipping
from pointsman.monitor.handlers.durable import PARTIAL

SUFFIX: Final = ".zip"
# What a crash left behind, of a run that nobody will archive again.
_ABANDONED_SECONDS: Final = 86400.0


@dataclass(frozen=True)
class Retention:
    """What is kept: archives of the last `days`, and of them at most `size` bytes. None sets no bound."""

    days: float | None = None
    size: int | None = None


def sweep(folder: Path, keep: Retention, now: float | None = None) -> tuple[Path, ...]:
    """Removes what need not be kept, and returns it. All zips of the folder are counted, only archives are removed.

    `now` is in seconds since 1970. Raises OSError where the folder cannot be read or written.
    """
    at = time.time() if now is None else now
    for left in folder.glob(f".*{SUFFIX}{PARTIAL}"):
        if at - left.stat().st_mtime > _ABANDONED_SECONDS:
            left.unlink(missing_ok=True)
    if keep.days is None and keep.size is None:
        return ()
    removed, total = list[Path](), 0
    for place, (made, size, file) in enumerate(sorted(_archives(folder), reverse=True)):
        total += size
        late = keep.days is not None and at - made > keep.days * 86400
        much = keep.size is not None and total > keep.size
        if place and (late or much) and _ours(file):
            file.unlink(missing_ok=True)
            removed.append(file)
            total -= size
    return tuple(removed)


def _archives(folder: Path) -> list[tuple[float, int, Path]]:
    statuses = ((file.stat(), file) for file in folder.glob(f"[!.]*{SUFFIX}") if file.is_file())
    return [(status.st_mtime, status.st_size, file) for status, file in statuses]


def _ours(file: Path) -> bool:
    try:
        zipping.read_manifest(file)
    except zipping.BrokenArchive:
        return False
    return True
