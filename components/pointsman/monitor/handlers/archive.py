"""The handler `archive`: a run's artifacts in one zip with a manifest, read back before anybody is told of it."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pointsman.monitor import crashing
from pointsman.monitor.events import Event, EventKind
from pointsman.monitor.handlers import zipping
from pointsman.monitor.handlers.artifacts import Found, nothing_of, walk
from pointsman.monitor.handlers.durable import coming, finish, flush, folder_at_hand, partial, sync_folder
from pointsman.monitor.handlers.manifest import ArchivedRun, Manifest
from pointsman.monitor.handlers.naming import ENDINGS, safe_name, text_of
from pointsman.monitor.handlers.retention import SUFFIX, Retention, sweep
from pointsman.monitor.handling import NotNow, Occurrence, Rejected
from pointsman.runs.model import Run

POINTS: Final = (
    "before-archive",
    "after-archive-member",
    "after-archive-write",
    "after-archive-verify",
    "after-archive-rename",
    "after-archive-retention",
)
"""The injection points that the handler passes, in their order."""

_SWEEP_SECONDS: Final = 600.0


@dataclass(frozen=True)
class ArchiveSettings:
    """Where archives go, and how.

    `within` are the folders in one of which a run's artifacts must lie, after all links; none means anywhere.
    `min_free` is how many bytes must stay free in the archive folder's file system beside the artifacts' whole size.
    `level` is zlib's, 1 to 9.
    """

    folder: Path
    within: tuple[Path, ...] = ()
    keep: Retention = field(default_factory=Retention)
    min_free: int = 256 * 2**20
    level: int = 6


def archive_file(folder: Path, run: Run) -> Path:
    """Where a run's archive is, or would be."""
    return folder / f"{safe_name(run)}{SUFFIX}"


class Archive:
    """Writes one zip a run, exactly once: the file has its name only when it was read back well.

    Raises NotNow for a folder that is full or cannot be written, Rejected for artifacts that may not be archived.
    """

    name = "archive"

    def __init__(self, settings: ArchiveSettings) -> None:
        self._settings = settings
        self._swept = 0.0

    def wants(self, kind: EventKind) -> bool:
        """The ends of runs."""
        return kind in ENDINGS

    def handle(self, occurrence: Occurrence) -> str:
        """Archives; a second call finds the zip, reads it back, and leaves it as it is."""
        event, folder = occurrence.event, self._settings.folder
        file = archive_file(folder, event.run)
        earlier = _earlier(file)
        if earlier is not None and event.id in earlier.events:
            with folder_at_hand("the archive folder", folder):
                sync_folder(folder)
            return _told(file, earlier, "is there already")
        if reason := nothing_of(event.run):
            return f"no archive: {reason}"
        root = self._allowed(event.run)
        with folder_at_hand("the archive folder", folder):
            self._enough_space(root)
            made = self._written(file, root, _manifest(event, root, earlier))
            self._sweep()
        return _told(file, made, "is written and read back")

    def _written(self, file: Path, root: Path, manifest: Manifest) -> Manifest:
        crashing.point("before-archive")
        # For its owner alone: nobody knows what is in artifacts.
        with coming(file, 0o600) as out:
            made = zipping.write(out, root, self._settings.level, manifest)
            crashing.point("after-archive-write")
            flush(out)
            try:
                back = zipping.verify(partial(file))
            except zipping.BrokenArchive as error:
                raise NotNow(f"the archive was not read back as it was written: {error.message}") from error
            if back != made:
                raise NotNow(f"the archive {file} was read back with another manifest than it was written with")
            crashing.point("after-archive-verify")
            finish(file)
        crashing.point("after-archive-rename")
        return made

    def _allowed(self, run: Run) -> Path:
        assert run.artifacts is not None
        root, within = run.artifacts.resolve(), [folder.resolve() for folder in self._settings.within]
        if within and not any(root.is_relative_to(folder) and root != folder for folder in within):
            raise Rejected(
                f"the artifacts folder {run.artifacts} is at {root}, outside of {', '.join(map(str, within))}: "
                "nothing of it is read"
            )
        if self._settings.folder.resolve().is_relative_to(root):
            raise Rejected(f"the archive folder {self._settings.folder} lies in the artifacts {root} of the run itself")
        return root

    def _enough_space(self, root: Path) -> None:
        needed = sum(found.size for found in walk(root) if isinstance(found, Found))
        free = shutil.disk_usage(self._settings.folder).free
        if free < needed + self._settings.min_free:
            raise NotNow(
                f"the archive folder {self._settings.folder} has {_mb(free)} free: the artifacts take up to "
                f"{_mb(needed)}, and {_mb(self._settings.min_free)} are to stay free; free some space there, or keep "
                "archives for a shorter time"
            )

    def _sweep(self) -> None:
        if time.monotonic() - self._swept < _SWEEP_SECONDS and self._swept:
            return
        sweep(self._settings.folder, self._settings.keep)
        self._swept = time.monotonic()
        crashing.point("after-archive-retention")


def _earlier(file: Path) -> Manifest | None:
    """The archive that is there; one that can't be read back counts as none."""
    try:
        return zipping.verify(file)
    except (FileNotFoundError, NotADirectoryError, zipping.BrokenArchive):
        return None
    except OSError as error:
        raise NotNow(f"the archive {file} cannot be read: {error.strerror or error}; see: ls -l {file}") from error


def _manifest(event: Event, root: Path, earlier: Manifest | None) -> Manifest:
    run = event.run
    return Manifest(
        run=ArchivedRun(
            source=run.source,
            id=text_of(run.id),
            attempt=run.attempt,
            name=text_of(run.name),
            kind=text_of(run.kind),
            state=run.state.value,
            created_at=run.created_at,
            started_at=run.started_at,
            finished_at=run.finished_at,
        ),
        artifacts=text_of(str(root)),
        events=(*(earlier.events if earlier else ()), event.id),
        at=event.at,
        members=(),
        skipped=(),
    )


def _told(file: Path, manifest: Manifest, what: str) -> str:
    files = sum(member.kind == "file" for member in manifest.members)
    skipped = f", {len(manifest.skipped)} skipped: see its manifest" if manifest.skipped else ""
    return f"{file} {what}: {files} files, {_mb(manifest.size)}{skipped}"


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
