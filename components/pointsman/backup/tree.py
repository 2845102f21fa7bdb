"""The tar of one volume, as a stream: what may be in it, and the same below another folder."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final, Protocol

from pointsman.errors import PointsmanError

CHUNK: Final = 1 << 20


class Source(Protocol):
    """What a tar is read from: bytes in order, once."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; fewer at the end."""


class UnsafeTree(PointsmanError):
    """The tar holds what no volume of a service may hold: nothing of it is written anywhere."""


@dataclass(frozen=True)
class Summary:
    """The folder that all paths begin with, and how many files are below it."""

    root: str
    files: int


def survey(source: Source) -> Summary:
    """Reads a volume's tar to its end; raises UnsafeTree for anything but files and folders below one folder."""
    root, files = "", 0
    for entry, _ in _entries(source):
        root = root or entry.name
        _refuse_unsafe(entry, root)
        files += entry.isreg()
    while source.read(CHUNK):
        pass
    if not root:
        raise UnsafeTree("holds nothing, not even a folder")
    return Summary(root, files)


def below(source: Source, root: str, directory: str) -> Iterator[bytes]:
    """The same tar with all paths below `directory` in place of `root`; owners, modes and attributes stay.

    Each entry is looked at again, so that what was surveyed and what is written cannot differ in kind.
    """
    for entry, content in _entries(source):
        _refuse_unsafe(entry, root)
        entry.name = directory + entry.name.removeprefix(root)
        entry.pax_headers = {name: value for name, value in entry.pax_headers.items() if name != "path"}
        yield entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
        if content is not None:
            while chunk := content.read(CHUNK):
                yield chunk
            yield bytes(-entry.size % tarfile.BLOCKSIZE)
    while source.read(CHUNK):
        pass
    yield bytes(2 * tarfile.BLOCKSIZE)


def is_empty(chunks: Iterator[bytes]) -> bool:
    """Whether a volume's tar has nothing below its own folder; reads no further than needed."""
    return not any(number for number, _ in enumerate(_entries(_Chunks(chunks))))


def forget(tar: tarfile.TarFile) -> None:
    """Frees the entries read so far: the library keeps them all, and a Loki has hundreds of thousands."""
    tar.members.clear()  # type: ignore[attr-defined]


def _entries(source: Source) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    with tarfile.open(fileobj=source, mode="r|") as tar:  # type: ignore[call-overload]
        while (entry := tar.next()) is not None:
            yield entry, tar.extractfile(entry) if entry.isreg() else None
            forget(tar)


def _refuse_unsafe(entry: tarfile.TarInfo, root: str) -> None:
    if not (entry.isreg() or entry.isdir()):
        kind = "a link" if entry.issym() or entry.islnk() else "a device or pipe"
        raise UnsafeTree(f"holds {kind}, {entry.name!r}: expected files and folders only")
    parts = entry.name.split("/")
    if parts[0] != root or "/" in root or {"", ".", ".."} & {*parts}:
        raise UnsafeTree(f"holds {entry.name!r}, which is not below its folder {root!r}")


class _Chunks:
    """Chunks of bytes as something that can be read from."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes."""
        while size < 0 or len(self._rest) < size:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            self._rest += chunk
        taken, self._rest = (self._rest, b"") if size < 0 else (self._rest[:size], self._rest[size:])
        return taken
