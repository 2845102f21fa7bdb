"""Reading files that jobs could have put there: never through a link, never a pipe that blocks, never much.

The exporter may read more than a job may; a job owns the runner's folders and could leave a link to anything in them.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def opened(path: Path) -> int:
    """A descriptor of the regular file `path`. Raises OSError for what is none."""
    descriptor = os.open(path, _FLAGS)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is no regular file")
    return descriptor


def part(path: Path, offset: int, size: int) -> bytes:
    """At most `size` bytes of `path` from `offset` on."""
    descriptor = opened(path)
    try:
        return os.pread(descriptor, size, offset)
    finally:
        os.close(descriptor)


def exists(path: Path) -> bool:
    """Whether it is a regular file, as far as this process may see."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
