"""What lies in a run's artifacts folder, found without ever leaving it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pointsman.monitor.handlers.manifest import Skipped
from pointsman.monitor.handling import NotNow
from pointsman.runs.model import Run

VANISHED = "it vanished while it was archived"
DEEPEST = 200
"""Folders within folders: each that is open takes a descriptor."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not waiting: in place of a file there may be a pipe by the time it is opened.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True)
class Found:
    """Something to archive. `path` is relative to the folder, as text that a zip can hold; `size` is in bytes.

    `open` gives a descriptor of a file; raises OSError, and never follows a link. `target` is where a link leads,
    relative to its own folder.
    """

    path: str
    kind: Literal["file", "folder", "link"]
    status: os.stat_result
    open: Callable[[], int] | None = None
    target: str = ""

    @property
    def size(self) -> int:
        """Bytes, as far as is known before it is read."""
        return self.status.st_size if self.kind == "file" else 0


def nothing_of(run: Run) -> str:
    """Why there is nothing to archive of a run; empty where there is something. Raises NotNow where nobody can tell."""
    if run.artifacts is None:
        return "the run has no artifacts folder"
    try:
        with os.scandir(run.artifacts) as entries:
            return "" if next(entries, None) else f"its artifacts folder {run.artifacts} is empty"
    except FileNotFoundError:
        return f"its artifacts folder {run.artifacts} is not there"
    except NotADirectoryError:
        return f"its artifacts {run.artifacts} are no folder"
    except OSError as error:
        raise NotNow(unreadable(run.artifacts, error)) from error


def unreadable(folder: Path, error: OSError) -> str:
    """Why an artifacts folder cannot be read, and what to do."""
    return f"the artifacts folder {folder} cannot be read: {error.strerror or error}; see: ls -ld {folder}"


def walk(root: Path) -> Iterator[Found | Skipped]:
    """All that is below a folder, in the order of names. A `Found` is good until the next one is asked for.

    Folders are entered by descriptor, never by name: one that becomes a link meanwhile leads nowhere. Raises NotNow
    where the folder itself cannot be read.
    """
    real = root.resolve()
    try:
        descriptor = os.open(real, _FOLDER)
    except OSError as error:
        raise NotNow(unreadable(root, error)) from error
    try:
        yield from _below(real, "", descriptor, 0)
    finally:
        os.close(descriptor)


def _below(root: Path, prefix: str, folder: int, depth: int) -> Iterator[Found | Skipped]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
    except OSError as error:
        yield Skipped(path=_text(prefix.rstrip("/") or "."), reason=why(error))
        return
    if prefix and not names:
        yield Found(_text(prefix.rstrip("/")), "folder", os.fstat(folder))
    for name in names:
        path = f"{prefix}{name}"
        found = _looked_at(root, path, name, folder)
        if found is not None:
            yield found
        elif depth == DEEPEST:
            yield Skipped(path=_text(path), reason=f"it is nested deeper than {DEEPEST} folders")
        else:
            yield from _entered(root, path, name, folder, depth + 1)


def _entered(root: Path, path: str, name: str, folder: int, depth: int) -> Iterator[Found | Skipped]:
    try:
        descriptor = os.open(name, _FOLDER, dir_fd=folder)
    except OSError as error:
        yield Skipped(path=_text(path), reason=why(error))
        return
    try:
        yield from _below(root, f"{path}/", descriptor, depth)
    finally:
        os.close(descriptor)


def _looked_at(root: Path, path: str, name: str, folder: int) -> Found | Skipped | None:
    """What a name stands for; None for a folder."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            return None
        if stat.S_ISLNK(status.st_mode):
            return _link(root, path, os.readlink(name, dir_fd=folder), status)
    except OSError as error:
        return Skipped(path=_text(path), reason=why(error))
    if not stat.S_ISREG(status.st_mode):
        return Skipped(path=_text(path), reason="it is a device, a pipe or a socket")
    return Found(_text(path), "file", status, lambda: os.open(name, _FILE, dir_fd=folder))


def _link(root: Path, path: str, target: str, status: os.stat_result) -> Found | Skipped:
    here = (root / path).parent
    try:
        leads = (here / target).resolve()
    except (OSError, RuntimeError):
        return Skipped(path=_text(path), reason=f"a link that leads in a circle, to {_text(target)}")
    if not leads.is_relative_to(root):
        return Skipped(path=_text(path), reason=f"a link that leaves the artifacts folder, to {_text(target)}")
    relative = os.path.relpath(leads, here.resolve())
    return Found(_text(path), "link", status, target=_text(relative))


def why(error: OSError) -> str:
    """Why something cannot be archived."""
    return VANISHED if isinstance(error, FileNotFoundError) else f"it cannot be read: {error.strerror or error}"


def _text(path: str) -> str:
    """A path that UTF-8 can hold: bytes that are no text are written as \\xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
