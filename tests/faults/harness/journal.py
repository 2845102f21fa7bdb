"""What has to be undone, on disk before anything is touched.

A process has one journal, a file of JSON lines that it holds a lock on. The kernel gives the lock back when the process
ends, however it ends: a journal that can be locked is that of a dead process, and what is open in it has to be undone.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from pointsman import paths
from tests.faults.harness.steps import Step

FOLDER = "faults"


@dataclass(frozen=True)
class Entry:
    """One line. With steps: a fault is about to be injected; without: the entry of that id is undone."""

    id: str
    fault: str
    undo: tuple[Annotated[Step, Field(discriminator="kind")], ...] = ()


_LINE = TypeAdapter(Entry)


class Journal:
    """The journal of this process."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"{os.getpid()}-{uuid.uuid4().hex[:8]}.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            # A container's settings are in it: nobody else's business.
            self.path.touch(mode=0o600)
            self._file = self.path.open("ab", buffering=0)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            # Another process that looks for abandoned journals may have taken it away before it was locked.
            if self.path.exists():
                break
            self._file.close()
        _sync_folder(folder)

    def began(self, fault: str, undo: tuple[Step, ...]) -> Entry:
        """Returns once the disk has it; the entry is what was read back from the line."""
        line = self._write(Entry(uuid.uuid4().hex, fault, undo))
        return _LINE.validate_json(line)

    def undone(self, entry: Entry) -> None:
        """Closes an entry."""
        self._write(Entry(entry.id, entry.fault))

    def open_entries(self) -> list[Entry]:
        """What is not undone yet, the last one first."""
        return open_entries(self.path.read_bytes())

    def close(self) -> None:
        """Removes the file when nothing is open in it; otherwise leaves it to the next start."""
        if not self._file.closed:
            if not self.open_entries():
                self.path.unlink(missing_ok=True)
            self._file.close()

    def _write(self, entry: Entry) -> bytes:
        line = _LINE.dump_json(entry)
        self._file.write(line + b"\n")
        os.fsync(self._file.fileno())
        return line


def folder() -> Path:
    """Where this user's journals are."""
    return paths.state_dir() / FOLDER


def open_entries(text: bytes) -> list[Entry]:
    """The entries of a journal that are not undone, the last one first.

    A line that a kill cut off is none: its fault was not begun.
    """
    found: dict[str, Entry] = {}
    for line in text.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        entry = _LINE.validate_json(line)
        if entry.undo:
            found[entry.id] = entry
        else:
            found.pop(entry.id, None)
    return list(reversed(found.values()))


@contextmanager
def abandoned(path: Path) -> Iterator[list[Entry] | None]:
    """The open entries of a dead process's journal, which is gone after the block unless it raises.

    None when its process lives. Raises ValueError for a journal that cannot be read.
    """
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        try:
            entries = open_entries(file.read())
        except ValidationError as error:
            raise ValueError(f"{path} is no journal of faults: {error}") from error
        yield entries
        path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
