"""A WAL database in a folder that we cannot write, as of a read-only mount, while nobody has it open.

SQLite refuses to read it then: it would have to make the file `-shm` first. All that was written is in the database's
own file at that time, which can be read as a file that does not change, as long as it is seen not to have changed.
While a writer has it open, and from then on for as long as we have, it is read like any other.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_WAL_VERSIONS, _WAL = slice(18, 20), b"\x02\x02"
"""Bytes of the header that say who may read and write: the format's description, "File format version numbers"."""

TICK_SECONDS = 0.02
"""Linux notes a change's time by ticks of up to 10 ms: two changes within one look like one."""

Signature = tuple[int, int, int]


def stillness(path: Path) -> Signature | None:
    """What tells the file from itself once it changed: inode, time, size. None where it is to be read as usual.

    Waits until a change to come has another time than the last one. Raises OSError where it cannot be looked at.
    """
    if os.access(path.parent, os.W_OK) or path.with_name(f"{path.name}-wal").exists():
        return None
    with path.open("rb") as file:
        if file.read(_WAL_VERSIONS.stop)[_WAL_VERSIONS] != _WAL:
            return None
        status = os.fstat(file.fileno())
    if 0 <= (age := time.time() - status.st_mtime) < TICK_SECONDS:
        time.sleep(TICK_SECONDS - age)
        return stillness(path)
    return status.st_ino, status.st_mtime_ns, status.st_size
