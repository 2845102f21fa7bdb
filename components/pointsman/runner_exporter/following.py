"""Following the newest log of a kind, reading no more of it than is new, and never much at once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pointsman.runner_exporter import safely

# What is read of a file that was there before; errors lie at its end.
TAIL = 256 * 1024
# What is read at once of a file that grows; if more is new, the older part is passed over.
MOST = 1024 * 1024
# The program writes its version among its first lines.
HEAD = 8 * 1024
LONGEST_LINE = 16 * 1024
# Of more files than that the newest is not looked for: the program's housekeeping has failed for years.
MOST_FILES = 100_000


@dataclass(frozen=True)
class Line:
    """A line of a log; an old one was there before the following began."""

    text: str
    old: bool


class Follower:
    """The newest file `<prefix>_YYYYMMDD-HHMMSS-utc.log` of a folder; the names sort by time."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self._folder = folder
        self._named = re.compile(re.escape(prefix) + r"_\d{8}-\d{6}-utc\.log")
        self._name = ""
        self._inode = 0
        self._offset = 0
        self._began = False
        self._rest = b""

    def new(self) -> Iterator[Line]:
        """The lines since the last call. Raises OSError when the folder or the file can't be read."""
        newest = self._newest()
        if newest and newest != self._name:
            if self._name:
                yield from self._ends()
            yield from self._begins(newest)
        elif newest:
            yield from self._grown(old=False)
        self._began = True

    def _newest(self) -> str:
        with os.scandir(self._folder) as entries:
            names = (entry.name for entry in islice(entries, MOST_FILES))
            return max((name for name in names if self._named.fullmatch(name)), default="")

    def _begins(self, name: str) -> Iterator[Line]:
        self._name, self._inode, self._offset, self._rest = name, 0, 0, b""
        path = self._folder / name
        size = path.lstat().st_size
        old = not self._began
        most = TAIL if old else MOST
        if size > most:
            yield from (Line(text, old=True) for text in _lines(safely.part(path, 0, HEAD)))
            self._offset = size - most
        yield from self._grown(old)

    def _ends(self) -> Iterator[Line]:
        try:
            yield from self._grown(old=False)
        except OSError:
            # The program's own housekeeping took it.
            return

    def _grown(self, old: bool) -> Iterator[Line]:
        path = self._folder / self._name
        known = path.lstat()
        if known.st_size < self._offset or self._inode not in (0, known.st_ino):
            self._offset, self._rest = 0, b""
        self._inode = known.st_ino
        if known.st_size - self._offset > MOST:
            self._offset, self._rest = known.st_size - MOST, b""
        content = safely.part(path, self._offset, MOST)
        self._offset += len(content)
        whole, newline, rest = (self._rest + content).rpartition(b"\n")
        self._rest = rest[-LONGEST_LINE:]
        if newline:
            yield from (Line(text, old) for text in _lines(whole))


def _lines(content: bytes) -> Iterator[str]:
    for line in content.split(b"\n"):
        yield line[:LONGEST_LINE].decode("utf-8-sig", "replace").rstrip("\r")
