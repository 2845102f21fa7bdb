"""Reading a backup: the whole file is checked, to its last byte, before anything of it is used.

Every member must be named in the manifest, have the size and hash that stand there, and hold nothing but files and
folders below its own folder. What is wrong is told with the member that it was found in.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from pydantic import ValidationError

from pointsman.backup.model import FOLDER, FORMAT, LOCK, MANIFEST, MARKER, STATE, Backup, Manifest, Member, Reporter
from pointsman.backup.tree import CHUNK, Source, Summary, UnsafeTree, forget, survey
from pointsman.errors import UsageError

GZIP: Final = b"\x1f\x8b"
# Of the small members; the largest state seen has 0.2 MB. A file that claims more is not read into memory.
SMALL_BYTES: Final = 64 << 20
_TEXTS: Final = (MARKER, STATE, LOCK, MANIFEST)
_VOLUMES: Final = f"{FOLDER}/volumes/"
_ANOTHER_COPY: Final = "take another copy of the backup; nothing was touched"


class BadBackup(UsageError):
    """The file is no whole backup: nothing was touched."""


@dataclass
class _Found:
    """What was read so far. `place` is the member that is being read."""

    place: str = ""
    members: dict[str, Member] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)
    trees: dict[str, Summary] = field(default_factory=dict)


def check(path: Path, reporter: Reporter) -> Backup:
    """Reads all of a backup; raises BadBackup with the member and what is wrong there."""
    found = _Found()
    size = path.stat().st_size if path.is_file() else 0
    reporter.begin(f"checking {path.name}", size)
    with _opened(path, found, reporter) as tar:
        while (entry := tar.next()) is not None:
            content = tar.extractfile(entry) if entry.isreg() else None
            _take(path, entry, content, found)
            forget(tar)
        manifest = _manifest(path, found)
        _compare(path, manifest, found)
    reporter.end(f"{len(found.members)} members, {size / 1e6:.1f} MB, whole")
    return Backup(path, manifest, found.texts.get(STATE), found.texts.get(LOCK))


def volumes(backup: Backup, reporter: Reporter) -> Iterator[tuple[str, Source]]:
    """The tar of each volume by its member's name, in the order of the file; each must be read before the next.

    Raises BadBackup when one is no longer what was checked.
    """
    wanted = {each.member.name: each.member for each in backup.manifest.volumes}
    found = _Found()
    with _opened(backup.path, found, reporter) as tar:
        while (entry := tar.next()) is not None:
            found.place = entry.name
            content = tar.extractfile(entry) if entry.name in wanted else None
            if content is None:
                continue
            source = _Hashed(content)
            yield entry.name, source
            if source.digest.hexdigest() != wanted[entry.name].sha256:
                raise BadBackup(f"{backup.path}: {entry.name} changed while it was restored", remedy=_ANOTHER_COPY)


@contextmanager
def _opened(path: Path, found: _Found, reporter: Reporter) -> Iterator[tarfile.TarFile]:
    """The outer tar; what goes wrong while it is read is told with its place."""
    try:
        with path.open("rb") as raw:
            _refuse_foreign(path, raw)
            unpacked = _Unpacked(_Counted(raw, reporter))
            with tarfile.open(fileobj=unpacked, mode="r|") as tar:  # type: ignore[call-overload]
                yield tar
            found.place = "its end"
            unpacked.finish()
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {path}", remedy="check the path of the backup") from error
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile):
            raise _damaged(path, found, str(error)) from error
        raise UsageError(f"{path} cannot be read: {error.strerror}", remedy="check the path of the backup") from error
    except EOFError as error:
        raise BadBackup(
            f"{path} is cut off in {found.place or 'its first bytes'}: it has {path.stat().st_size} bytes",
            remedy=_ANOTHER_COPY,
        ) from error
    except (zlib.error, tarfile.TarError) as error:
        if not found.place:
            raise _foreign(path, "it holds no tar archive") from error
        raise _damaged(path, found, str(error)) from error


def _refuse_foreign(path: Path, raw: IO[bytes]) -> None:
    first = raw.read(len(GZIP))
    raw.seek(0)
    if first != GZIP:
        raise _foreign(path, "it is empty" if not first else "it is not gzipped")


def _take(path: Path, entry: tarfile.TarInfo, content: IO[bytes] | None, found: _Found) -> None:
    """Reads one member."""
    if not found.place and entry.name != MARKER:
        raise _foreign(path, f"its first entry is {entry.name!r}")
    found.place = entry.name
    known = entry.name in _TEXTS or (entry.name.startswith(_VOLUMES) and entry.name.count("/") == _VOLUMES.count("/"))
    if content is None or not known or ".." in entry.name:
        raise BadBackup(f"{path} holds {entry.name!r}, which is no part of a backup", remedy=_ANOTHER_COPY)
    if entry.name in found.members or MANIFEST in found.members:
        raise BadBackup(f"{path} holds {entry.name!r} where nothing more may come", remedy=_ANOTHER_COPY)
    source = _Hashed(content)
    if entry.name in _TEXTS:
        if entry.size > SMALL_BYTES:
            raise BadBackup(f"{path}: {entry.name} has {entry.size} bytes, far too many", remedy=_ANOTHER_COPY)
        found.texts[entry.name] = source.read()
    else:
        found.trees[entry.name] = _survey(path, entry.name, source)
    found.members[entry.name] = Member(name=entry.name, size=source.count, sha256=source.digest.hexdigest())
    if entry.name == MARKER:
        _refuse_newer(path, found.texts[MARKER])


def _survey(path: Path, name: str, source: Source) -> Summary:
    try:
        return survey(source)
    except UnsafeTree as error:
        raise BadBackup(
            f"{path}: {name} {error.message}", remedy="do not use this file; nothing was touched"
        ) from error


def _refuse_newer(path: Path, marker: bytes) -> None:
    text = marker.strip()
    if not text.isdigit():
        raise _foreign(path, f"its format is {text[:20]!r}")
    if int(text) > FORMAT:
        raise BadBackup(
            f"{path} has format {int(text)}; this Pointsman reads formats up to {FORMAT}",
            remedy="restore it with the Pointsman that wrote it, or a newer one; nothing was touched",
        )


def _manifest(path: Path, found: _Found) -> Manifest:
    text = found.texts.get(MANIFEST)
    if text is None:
        last = list(found.members)[-1] if found.members else "its first bytes"
        # A header that no longer is one looks like the end to a reader of tars.
        raise BadBackup(f"{path} is damaged or cut off after {last}: {MANIFEST} is missing", remedy=_ANOTHER_COPY)
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "(top)"
        raise BadBackup(f"{path}: {MANIFEST}: {where}: {first['msg']}", remedy=_ANOTHER_COPY) from error


def _compare(path: Path, manifest: Manifest, found: _Found) -> None:
    """Manifest and members say the same."""
    wanted = {each.name: each for each in manifest.members}
    there = {name: each for name, each in found.members.items() if name not in (MARKER, MANIFEST)}
    for name in sorted(wanted.keys() | there.keys()):
        expected, seen = wanted.get(name), there.get(name)
        if expected is None or seen is None:
            how = "is missing" if seen is None else f"is not in {MANIFEST}"
            raise BadBackup(f"{path}: {name} {how}", remedy=_ANOTHER_COPY)
        if seen != expected:
            raise BadBackup(
                f"{path}: {name} is damaged: {seen.size} bytes with sha256 {seen.sha256[:12]}…, "
                f"expected {expected.size} with {expected.sha256[:12]}…",
                remedy=_ANOTHER_COPY,
            )
    for each in manifest.volumes:
        if found.trees[each.member.name] != Summary(each.root, each.files):
            raise BadBackup(f"{path}: {each.member.name} is not what {MANIFEST} says of it", remedy=_ANOTHER_COPY)


def _foreign(path: Path, why: str) -> BadBackup:
    return BadBackup(
        f"{path} is no backup of Pointsman: {why}",
        remedy="name a file that `pointsman backup` wrote; nothing was touched",
    )


def _damaged(path: Path, found: _Found, why: str) -> BadBackup:
    return BadBackup(f"{path} is damaged in {found.place or 'its first bytes'}: {why}", remedy=_ANOTHER_COPY)


class _Hashed:
    """What is read through it is hashed and counted."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.digest, self.count = hashlib.sha256(), 0

    def read(self, size: int = -1, /) -> bytes:
        """Bytes of the source."""
        chunk = self._source.read(size)
        self.digest.update(chunk)
        self.count += len(chunk)
        return chunk


class _Unpacked:
    """The unpacked bytes. A wrong checksum of the whole is told at the end: the hashes of the members tell more."""

    def __init__(self, source: _Counted) -> None:
        self._file = gzip.GzipFile(mode="rb", fileobj=source)  # type: ignore[call-overload]
        self._error: gzip.BadGzipFile | None = None

    def read(self, size: int = -1, /) -> bytes:
        """Unpacked bytes."""
        try:
            return b"" if self._error else self._file.read(size)
        except gzip.BadGzipFile as error:
            self._error = error
            return b""

    def finish(self) -> None:
        """Reads to the end; raises what is wrong with the whole."""
        while self.read(CHUNK):
            pass
        if self._error:
            raise self._error


class _Counted:
    """What is read through it is reported."""

    def __init__(self, source: IO[bytes], reporter: Reporter) -> None:
        self._source, self._reporter = source, reporter

    def read(self, size: int = -1, /) -> bytes:
        """Bytes of the source."""
        chunk = self._source.read(size)
        self._reporter.advance(len(chunk))
        return chunk
