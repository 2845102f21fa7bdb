"""How much the runner's folders take, and what is left of their file systems."""

from __future__ import annotations

import os
import time
from pathlib import Path

from pointsman.metrics_page.families import Family, each, one

# A work folder holds a million files at times: the count is made in the background, and ends somewhere.
MOST_FILES = 2_000_000
MOST_SECONDS = 120.0
# What other work gets between two folders' worth of files.
_BREATH = 0.001
_BREATHE_EVERY = 2000
# stat(2): st_blocks counts in these, whatever the file system's own size is.
_BLOCK = 512


def free(folders: dict[str, Path]) -> list[Family]:
    """Size and free bytes of the file systems of `folders`. Raises OSError when one is not there."""
    found = {name: os.statvfs(path) for name, path in folders.items()}
    return [
        each(
            "pointsman_runner_filesystem_free_bytes",
            "What others than root can still write where the folder is.",
            "folder",
            {name: each.f_bavail * each.f_frsize for name, each in found.items()},
        ),
        each(
            "pointsman_runner_filesystem_size_bytes",
            "The size of the file system that the folder is on.",
            "folder",
            {name: each.f_blocks * each.f_frsize for name, each in found.items()},
        ),
    ]


def used(folders: dict[str, Path], now: float | None = None) -> list[Family]:
    """What the files in `folders` take on the disk; a folder that is not there takes nothing."""
    sizes, complete = {}, True
    for name, path in folders.items():
        sizes[name], whole = size(path)
        complete = complete and whole
    return [
        each("pointsman_runner_folder_bytes", "What the folder's files take on the disk.", "folder", sizes),
        one(
            "pointsman_runner_folder_complete", "Whether all files could be counted, within the time for it.", complete
        ),
        one(
            "pointsman_runner_folder_timestamp_seconds",
            "When the folders were last counted.",
            round(time.time() if now is None else now, 3),
        ),
    ]


def size(folder: Path, most_files: int = MOST_FILES, seconds: float = MOST_SECONDS) -> tuple[int, bool]:
    """Bytes on the disk below `folder` on its own file system, links not followed; whether that is all of it."""
    end = time.monotonic() + seconds
    try:
        device = folder.lstat().st_dev
    except FileNotFoundError:
        return 0, True
    total = seen = 0
    open_all = True
    waiting = [str(folder)]
    while waiting:
        try:
            entries = _entries(here := waiting.pop(), device)
        except PermissionError:
            if here == str(folder):
                raise
            # Jobs may close folders to all but themselves.
            open_all = False
            continue
        for taken, inner in entries:
            total += taken
            seen += 1
            if inner:
                waiting.append(inner)
            if seen % _BREATHE_EVERY == 0:
                time.sleep(_BREATH)
            if seen > most_files or time.monotonic() > end:
                return total, False
    return total, open_all


def _entries(folder: str, device: int) -> list[tuple[int, str]]:
    """Of each thing in `folder` what it takes, and its path where it is a folder; jobs may take it away meanwhile."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    told = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                inner = entry.is_dir(follow_symlinks=False) and told.st_dev == device
                found.append((told.st_blocks * _BLOCK, entry.path if inner else ""))
    except (FileNotFoundError, NotADirectoryError):
        return found
    return found
