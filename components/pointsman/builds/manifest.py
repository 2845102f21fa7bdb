"""The manifest of a finished build: what it holds, with checksums, so that a damaged result is seen and made again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

MANIFEST = "manifest.json"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class FileEntry:
    """One file: sha256, size in bytes, modification time in ns; for a symbolic link its target instead."""

    sha256: str = ""
    size: int = 0
    mtime_ns: int = 0
    link: str = ""


@dataclass(frozen=True)
class Manifest:
    """What was built, how long it took and was expected to take (seconds), and every file of it."""

    name: str
    version: str
    recipe: str
    seconds: float
    expected_seconds: float
    files: dict[str, FileEntry]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(entry.size for entry in self.files.values())


@dataclass(frozen=True)
class Inspection:
    """What was found at a build's path. `damaged` says why in `reason`."""

    state: Literal["built", "missing", "damaged"]
    reason: str = ""
    manifest: Manifest | None = None


def list_files(root: Path) -> dict[str, FileEntry]:
    """Every file and symbolic link below a folder, but the manifest itself."""
    entries: dict[str, FileEntry] = {}
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root).as_posix()
        if path.is_symlink():
            entries[relative] = FileEntry(link=str(path.readlink()))
        elif path.is_file() and relative != MANIFEST:
            stat = path.stat()
            entries[relative] = FileEntry(_sha256(path), stat.st_size, stat.st_mtime_ns)
    return entries


def write(root: Path, manifest: Manifest) -> None:
    """Write the manifest into a folder that is not yet in its final place."""
    (root / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1) + "\n", encoding="utf-8")


def read(root: Path) -> Manifest | None:
    """The manifest of a folder; None when there is none or it cannot be read."""
    try:
        data = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
        files = {name: FileEntry(**entry) for name, entry in data.pop("files").items()}
        return Manifest(files=files, **data)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def inspect(root: Path, *, thorough: bool = False) -> Inspection:
    """Compare a folder with its manifest.

    Sizes and times are compared; checksums of the files where these differ, or of all when `thorough`.
    """
    if not root.is_dir():
        return Inspection("missing")
    manifest = read(root)
    if manifest is None:
        return Inspection("damaged", f"{root / MANIFEST} is missing or cannot be read")
    for name, entry in manifest.files.items():
        if reason := _difference(root / name, entry, thorough):
            return Inspection("damaged", f"{name} {reason}", manifest)
    return Inspection("built", manifest=manifest)


def _difference(path: Path, entry: FileEntry, thorough: bool) -> str:
    if entry.link:
        same = path.is_symlink() and str(path.readlink()) == entry.link
        return "" if same else f"is not the symbolic link to {entry.link} it was"
    try:
        stat = path.stat()
    except OSError:
        return "is missing"
    if stat.st_size != entry.size:
        return f"has {stat.st_size} bytes, was made with {entry.size}"
    if (thorough or stat.st_mtime_ns != entry.mtime_ns) and _sha256(path) != entry.sha256:
        return "has other contents than it was made with"
    return ""


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
