"""The zip itself: written as a stream, and read back whole before anybody is told that it is there."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from pointsman.errors import PointsmanError
from pointsman.monitor import crashing
from pointsman.monitor.handlers.artifacts import Found, walk, why
from pointsman.monitor.handlers.manifest import FOLDER, NAME, Manifest, Member, Skipped
from pointsman.monitor.handling import NotNow

CHUNK: Final = 1 << 20
# Of what begins like this, compressing would take long and save little: it is stored as it is.
_SAMPLE: Final = 1 << 16
_WORTHWHILE: Final = 0.97
# Below this, finding out takes as long as compressing.
_SMALL: Final = 1 << 14
# A zip knows no times before 1980 and none after 2107.
_FIRST, _LAST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)
# What the library raises for bytes that are no zip, by the place where they stop making sense; ValueError holds those
# of pydantic and of text that is none, RuntimeError those of encrypted members and of unknown methods.
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, RuntimeError, OverflowError)
_LARGEST_MANIFEST: Final = 1 << 30


class BrokenArchive(PointsmanError):
    """The file is no archive, or not all of it can be read back as it was written."""


def write(out: IO[bytes], root: Path, level: int, manifest: Manifest) -> Manifest:
    """Writes all that is below `root`, and the manifest with what was found; returns that manifest.

    Memory does not grow with the size of files. Raises OSError where the zip cannot be written, NotNow where a file
    cannot be read to its end.
    """
    members, skipped, taken = list[Member](), list[Skipped](), set[str]()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for found in walk(root):
            if isinstance(found, Found) and found.path in taken:
                found = Skipped(path=found.path, reason="another file's name is written like this one's")
            added = found if isinstance(found, Skipped) else _added(archive, found, level)
            if isinstance(added, Skipped):
                skipped.append(added)
                continue
            taken.add(added.path)
            members.append(added)
            crashing.point("after-archive-member")
        whole = manifest.model_copy(update={"members": tuple(members), "skipped": tuple(skipped)})
        archive.writestr(NAME, whole.model_dump_json(indent=2))
    return whole


def read_manifest(file: Path) -> Manifest:
    """The manifest alone; raises BrokenArchive, and OSError where the file cannot be read."""
    with _opened(file) as archive:
        return _manifest(archive, file)


def verify(file: Path) -> Manifest:
    """Reads every byte back and compares it with the manifest; raises BrokenArchive that names the first misfit."""
    with _opened(file) as archive:
        manifest = _manifest(archive, file)
        expected = {member.name: member for member in manifest.members}
        found = [name for name in archive.namelist() if name != NAME]
        if sorted(found) != sorted(expected):
            odd = sorted(set(found) ^ set(expected)) or found
            raise BrokenArchive(f"{file} holds other files than its manifest says: {odd[0]}")
        for name in found:
            for _ in content(archive, expected[name], file):
                pass
    return manifest


def content(archive: zipfile.ZipFile, member: Member, file: Path) -> Iterator[bytes]:
    """A member's bytes; after the last one, BrokenArchive where they were not those that the manifest tells of."""
    digest, size = hashlib.sha256(), 0
    try:
        with archive.open(member.name) as source:
            while chunk := source.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
                if member.kind == "file" and size > member.size:
                    raise BrokenArchive(f"{file}: {member.path} has more than its {member.size} bytes by the manifest")
                yield chunk
    except _BROKEN as error:
        raise BrokenArchive(f"{file}: {member.path} cannot be read back: {error}") from error
    if member.kind == "file" and size != member.size:
        raise BrokenArchive(f"{file}: {member.path} has {size} bytes, and {member.size} by the manifest")
    if digest.hexdigest() != member.sha256:
        raise BrokenArchive(f"{file}: {member.path} has the sha256 {digest.hexdigest()}, not {member.sha256}")


def _opened(file: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except _BROKEN as error:
        raise BrokenArchive(f"{file} is no zip: {error}") from error


def _manifest(archive: zipfile.ZipFile, file: Path) -> Manifest:
    try:
        if archive.getinfo(NAME).file_size > _LARGEST_MANIFEST:
            raise BrokenArchive(f"{file}: its {NAME} is larger than any that Pointsman writes")
        return Manifest.model_validate_json(archive.read(NAME))
    except KeyError:
        raise BrokenArchive(f"{file} has no {NAME}: it is no archive of a run") from None
    except _BROKEN as error:
        raise BrokenArchive(f"{file}: its {NAME} cannot be read: {error}") from error


def _added(archive: zipfile.ZipFile, found: Found, level: int) -> Member | Skipped:
    if found.open is None:
        member = Member(path=found.path, kind=found.kind, sha256=hashlib.sha256(found.target.encode()).hexdigest())
        archive.writestr(_info(member.name, found.status, zipfile.ZIP_STORED), found.target)
        return member
    try:
        descriptor = found.open()
    except OSError as error:
        return Skipped(path=found.path, reason=why(error))
    with os.fdopen(descriptor, "rb", buffering=0) as source:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            return Skipped(path=found.path, reason="it became a pipe or a device while it was archived")
        member = _copied(archive, _File(found.path, source, before.st_size), before, level)
        after = os.fstat(descriptor)
    moved = (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
    return member.model_copy(update={"changed": moved or member.size != before.st_size})


class _File:
    """An artifact that is being read: what came out of it is hashed and counted."""

    def __init__(self, path: str, source: IO[bytes], most: int) -> None:
        self.path, self.size, self.digest, self._source, self._most = path, 0, hashlib.sha256(), source, most

    def read(self) -> bytes:
        """The next bytes, none at the end; NotNow where they cannot be read.

        The end is where it was at first: a file that grows as fast as it is read would have none.
        """
        try:
            chunk = self._source.read(min(CHUNK, self._most - self.size))
        except OSError as error:
            raise NotNow(f"the artifact {self.path} cannot be read to its end: {error.strerror or error}") from error
        self.digest.update(chunk)
        self.size += len(chunk)
        return chunk


def _copied(archive: zipfile.ZipFile, file: _File, status: os.stat_result, level: int) -> Member:
    chunk = file.read()
    info = _info(f"{FOLDER}{file.path}", status, _method(chunk))
    info._compresslevel = level  # type: ignore[attr-defined]  # zipfile has no public way before Python 3.13
    # Always with 64-bit sizes: the library would refuse what compresses to more than it has.
    with archive.open(info, "w", force_zip64=True) as out:
        while chunk:
            out.write(chunk)
            chunk = file.read()
    return Member(path=file.path, size=file.size, sha256=file.digest.hexdigest())


def _method(beginning: bytes) -> int:
    if len(beginning) < _SMALL:
        return zipfile.ZIP_DEFLATED if beginning else zipfile.ZIP_STORED
    sample = beginning[:_SAMPLE]
    saves = len(zlib.compress(sample, 1)) < len(sample) * _WORTHWHILE
    return zipfile.ZIP_DEFLATED if saves else zipfile.ZIP_STORED


def _info(name: str, status: os.stat_result, method: int) -> zipfile.ZipInfo:
    at = datetime.fromtimestamp(max(0, min(status.st_mtime, 2**33)), UTC).timetuple()[:6]
    info = zipfile.ZipInfo(name, min(max(at, _FIRST), _LAST))
    info.compress_type = method
    # Where Unix keeps type and permissions; unpacking programs make links by it.
    info.external_attr = (stat.S_IFMT(status.st_mode) | status.st_mode & 0o777) << 16
    return info
