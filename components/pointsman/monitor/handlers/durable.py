"""Files that are there whole or not at all, after a crash and after a power cut too."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pointsman.monitor.handling import NotNow

PARTIAL = ".partial"
"""How the names of files end that are being written; they begin with a dot, as no finished file does."""

# The disk, not the run, is at fault: to be tried again when somebody has seen to it.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def partial(file: Path) -> Path:
    """Where a file is written before it gets its name: in the same folder, so that a rename suffices."""
    return file.with_name(f".{file.name}{PARTIAL}")


@contextmanager
def coming(file: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A file to write, which `finish` gives its name; it is removed where the block fails before that.

    One process at a time: raises NotNow where another one, such as a monitor that lost its lead, is still writing it.
    """
    beside = partial(file)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, mode), "wb") as out:
        _lock(out, beside, file)
        out.truncate()
        try:
            yield out
        except BaseException:
            beside.unlink(missing_ok=True)
            raise


def _lock(out: BinaryIO, beside: Path, file: Path) -> None:
    try:
        fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever had it before may have given it its name between our opening and our locking.
        if beside.stat().st_ino == os.fstat(out.fileno()).st_ino:
            return
    except (BlockingIOError, FileNotFoundError):
        pass
    raise NotNow(f"{file} is being written by another process")


def flush(out: BinaryIO) -> None:
    """Brings all to the disk, and out of memory: what is read back comes from the disk."""
    out.flush()
    os.fsync(out.fileno())
    os.posix_fadvise(out.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def finish(file: Path) -> None:
    """Gives what was flushed its name, in place of one that has it, and makes that last."""
    partial(file).replace(file)
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder last."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(file: Path, content: bytes) -> None:
    """Writes a small file whole, over an older one."""
    with coming(file) as out:
        out.write(content)
        flush(out)
        finish(file)


@contextmanager
def folder_at_hand(what: str, folder: Path) -> Iterator[None]:
    """Makes the folder; inside, an OSError means that it cannot be written now, and becomes NotNow with the reason."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in _FULL:
            raise NotNow(f"{what} {folder} is full: {reason}; free some space there: df -h {folder}") from error
        raise NotNow(f"{what} {folder} cannot be written: {reason}; see: ls -ld {folder}") from error
