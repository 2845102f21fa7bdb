"""Writing a backup: members one after the other, each counted and hashed, the manifest last."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Final

from pointsman.backup.model import FORMAT, MANIFEST, MARKER, Manifest, Member

# What the services store is compressed already: 3 and 9 differ by 4 % in size, and by a factor of 3 in time.
COMPRESSION: Final = 3
OWNER_ONLY: Final = 0o600


class Writer:
    """A backup that grows. The file must not be there yet; it is the user's alone, and on disk once this is closed."""

    def __init__(self, path: Path, advance: Callable[[int], None]) -> None:
        self._advance = advance
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        self._file = os.fdopen(descriptor, "wb")
        self._tar = tarfile.open(  # noqa: SIM115
            fileobj=self._file, mode="w:gz", compresslevel=COMPRESSION, format=tarfile.PAX_FORMAT
        )

    def __enter__(self) -> Writer:
        """Begins with what tells this file from others."""
        self.add(MARKER, f"{FORMAT}\n".encode())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Puts all on disk; after an error the file is only closed."""
        with self._file:
            if error is None:
                self._tar.close()
                self._file.flush()
                os.fsync(self._file.fileno())

    def add(self, name: str, content: bytes) -> Member:
        """Adds a small member."""
        return self._add(name, io.BytesIO(content), len(content))

    def add_file(self, name: str, path: Path) -> Member:
        """Adds a file's content."""
        with path.open("rb") as file:
            return self._add(name, file, path.stat().st_size)

    def finish(self, manifest: Manifest) -> None:
        """Adds the manifest; nothing may come after it."""
        self.add(MANIFEST, manifest.model_dump_json(indent=2).encode())

    def _add(self, name: str, content: IO[bytes], size: int) -> Member:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, OWNER_ONLY
        source = _Hashed(content, self._advance)
        self._tar.addfile(entry, source)
        return Member(name=name, size=size, sha256=source.digest.hexdigest())


class _Hashed:
    """What is read through it is hashed and reported."""

    def __init__(self, source: IO[bytes], advance: Callable[[int], None]) -> None:
        self._source, self._advance = source, advance
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Bytes of the source."""
        chunk = self._source.read(size)
        self.digest.update(chunk)
        self._advance(len(chunk))
        return chunk
