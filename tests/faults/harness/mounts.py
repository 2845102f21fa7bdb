"""A small file system in memory over a volume's folder, and a folder's content moved out of the way."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

SOURCE = "pointsman-fault"
FILL = ".pointsman-fault-fill"
AWAY = "pointsman-fault-away"
BLOCK = 2**16


def mounted(folder: Path) -> bool:
    """Whether one of this harness's file systems lies over the folder."""
    # mountinfo(5): field 5 is the mount point; after the dash come type and source.
    lines = (line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return any(fields[4] == str(folder) and fields[fields.index("-") + 2] == SOURCE for fields in lines)


def overlay(folder: Path, size: int) -> None:
    """Lays a file system of `size` bytes with the folder's content over the folder."""
    stage = _stage(folder)
    stage.mkdir(exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={size}", SOURCE, str(stage))
    _run("cp", "-a", f"{folder}/.", str(stage))
    _run("mount", "--bind", str(stage), str(folder))
    _run("umount", str(stage))
    stage.rmdir()


def uncover(folder: Path) -> None:
    """Takes the file system away; nothing when there is none."""
    for each in (_stage(folder), folder):
        while mounted(each):
            _run("umount", str(each))
    if _stage(folder).is_dir():
        _stage(folder).rmdir()


def fill(folder: Path) -> None:
    """Takes every free byte of the file system over the folder; refuses any other."""
    assert mounted(folder), f"{folder} is no file system of this harness: it is not filled"
    with (folder / FILL).open("wb", buffering=0) as file:
        for block in (BLOCK, 1):
            try:
                while True:
                    file.write(b"\0" * block)
            except OSError:
                continue


def move_away(folder: Path) -> None:
    """Moves all that is in the folder into another one beside it, on the same disk."""
    away = folder.parent / AWAY
    away.mkdir(exist_ok=True)
    for each in folder.iterdir():
        each.rename(away / each.name)


def is_away(folder: Path) -> bool:
    """Whether content of the folder was moved away."""
    return (folder.parent / AWAY).is_dir()


def move_back(folder: Path) -> None:
    """Moves it back, over whatever took its place meanwhile; nothing when nothing was moved away."""
    away = folder.parent / AWAY
    if not is_away(folder):
        return
    for each in away.iterdir():
        found = folder / each.name
        if found.is_dir() and not found.is_symlink():
            shutil.rmtree(found)
        # Over a file or a link by one call: at no moment is neither there.
        each.replace(found)
    away.rmdir()


def _stage(folder: Path) -> Path:
    return folder.parent / f"{AWAY}-stage"


def _run(*argv: str) -> None:
    subprocess.run(argv, capture_output=True, text=True, check=True)
