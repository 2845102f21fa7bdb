"""Archives of runs, looked through and put back."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pointsman.errors import UnreachableError, UsageError
from pointsman.monitor.handlers import zipping
from pointsman.monitor.handlers.manifest import Manifest, Member
from pointsman.monitor.handlers.retention import SUFFIX


@dataclass(frozen=True)
class Archived:
    """An archive in a folder; `problem` says why it is none, where `manifest` is None. `size` is the file's, bytes."""

    file: Path
    size: int
    manifest: Manifest | None
    problem: str = ""


def archives(folder: Path) -> Iterator[Archived]:
    """All archives of a folder by their names; they are not read back."""
    for file in sorted(folder.glob(f"[!.]*{SUFFIX}")):
        size = file.stat().st_size
        try:
            yield Archived(file, size, zipping.read_manifest(file))
        except zipping.BrokenArchive as error:
            yield Archived(file, size, None, error.message)


def find(folder: Path, run_id: str, attempt: int | None = None) -> Path:
    """The archive of a run, of its last attempt where none is given; raises UsageError where there is none."""
    found = [
        (each.manifest.run.attempt, each.file)
        for each in archives(folder)
        if each.manifest and each.manifest.run.id == run_id and attempt in (None, each.manifest.run.attempt)
    ]
    if not found:
        which = "" if attempt is None else f" of attempt {attempt}"
        raise UsageError(f"{folder} has no archive of the run {run_id!r}{which}", remedy="pointsman runs archive list")
    return max(found)[1]


def restore(file: Path, into: Path) -> Manifest:
    """Puts an archive's files into the folder `into`, which must not be there or be empty.

    All is read back and compared first, and the folder gets its name when it is whole: a restore that was cut short
    leaves nothing under that name. Raises UsageError for a folder with something in it, BrokenArchive,
    UnreachableError where the disk refuses.
    """
    target = into.absolute()
    if target.is_symlink() or (target.exists() and not (target.is_dir() and not any(target.iterdir()))):
        raise UsageError(f"{target} is there and not empty: nothing was restored", remedy="name a folder that is not")
    try:
        return _restored(file, target)
    except OSError as error:
        raise UnreachableError(
            f"{file} was not restored to {target}: {error}", remedy=f"df -h {target.parent}"
        ) from error


def _restored(file: Path, target: Path) -> Manifest:
    manifest = zipping.verify(file)
    for member in manifest.members:
        if not _is_below(member.path):
            raise zipping.BrokenArchive(f"{file} holds {member.path!r}, which leaves the folder: nothing was restored")
    target.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(target.parent).free
    if free < manifest.size:
        raise OSError(f"{manifest.size} bytes are needed and {free} are free")
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name[:100]}.", dir=target.parent))
    try:
        with zipfile.ZipFile(file) as archive:
            # Links last: nothing is written through one.
            for member in sorted(manifest.members, key=lambda member: member.kind == "link"):
                _put(archive, member, file, beside)
        beside.chmod(0o755)
        beside.replace(target)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return manifest


def _put(archive: zipfile.ZipFile, member: Member, file: Path, root: Path) -> None:
    place = root / member.path
    if member.kind == "folder":
        place.mkdir(parents=True, exist_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if member.kind == "link":
        target = b"".join(zipping.content(archive, member, file)).decode()
        if not (place.parent / target).resolve().is_relative_to(root.resolve()):
            raise zipping.BrokenArchive(
                f"{file} holds the link {member.path!r}, which leaves the folder, to {target!r}"
            )
        place.symlink_to(target)
        return
    with place.open("xb") as out:
        for chunk in zipping.content(archive, member, file):
            out.write(chunk)
    place.chmod(archive.getinfo(member.name).external_attr >> 16 & 0o777)


def _is_below(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and os.sep + os.sep not in path
