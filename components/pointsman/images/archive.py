"""Deterministic images: the same layout gives the same image id on every machine.

The archive is the form that `docker load` reads (manifest.json, image config, one layer). It is produced as a stream
in two passes, one that hashes the layer and one that sends it, so that no copy lies in memory or on disk.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

LAYOUT_VERSION: Final = 1
"""Counted up when this module makes other bytes of the same layout: part of every recipe hash."""

_EPOCH: Final = "1970-01-01T00:00:00Z"
_CHUNK: Final = 1 << 20


@dataclass(frozen=True)
class Entry:
    """One file or folder of the layer. `content` is bytes, a file on disk, or None for a folder."""

    path: str
    mode: int
    owner: int = 0
    content: bytes | Path | None = None


@dataclass(frozen=True)
class Layout:
    """Everything that an image is made of. A `layer`, a tar archive that is there already, stands for the entries."""

    entries: Sequence[Entry]
    user: int
    entrypoint: Sequence[str]
    architecture: str
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = ""
    layer: Path | None = None

    def stream(self) -> Iterator[bytes]:
        """The layer's bytes."""
        return layer_stream(self.entries) if self.layer is None else _chunks(self.layer)


@dataclass(frozen=True)
class Archive:
    """An image ready to be loaded: its id, its tag, and its bytes as a stream."""

    image_id: str
    tag: str
    layout: Layout
    config: bytes
    layer_size: int

    @property
    def size(self) -> int:
        """Bytes of the whole archive."""
        parts = (len(self.config), self.layer_size, len(self._manifest()))
        return sum(tarfile.BLOCKSIZE + size + _padding(size) for size in parts) + len(_end())

    def stream(self) -> Iterator[bytes]:
        """The archive's bytes, in chunks of at most 1 MiB."""
        yield from _member(self._config_name(), self.config)
        yield _header("layer.tar", 0o644, 0, self.layer_size, tarfile.REGTYPE)
        yield from self.layout.stream()
        yield bytes(_padding(self.layer_size))
        yield from _member("manifest.json", self._manifest())
        yield _end()

    def _config_name(self) -> str:
        return self.image_id.removeprefix("sha256:") + ".json"

    def _manifest(self) -> bytes:
        return _json([{"Config": self._config_name(), "RepoTags": [self.tag], "Layers": ["layer.tar"]}])


def assemble(layout: Layout, tag: str) -> Archive:
    """The archive of a layout; reads every file once to hash the layer."""
    digest, layer_size = hashlib.sha256(), 0
    for chunk in layout.stream():
        digest.update(chunk)
        layer_size += len(chunk)
    config = _config(layout, f"sha256:{digest.hexdigest()}")
    return Archive(f"sha256:{hashlib.sha256(config).hexdigest()}", tag, layout, config, layer_size)


def layer_stream(entries: Sequence[Entry]) -> Iterator[bytes]:
    """The layer as a tar stream: sorted, parents before children, no times, no names of users."""
    for entry in _complete(entries):
        name = entry.path.lstrip("/")
        if entry.content is None:
            yield _header(name + "/", entry.mode, entry.owner, 0, tarfile.DIRTYPE)
        elif isinstance(entry.content, bytes):
            yield from _member(name, entry.content, entry.mode, entry.owner)
        else:
            yield from _file(name, entry.content, entry.mode, entry.owner)
    yield _end()


def _complete(entries: Sequence[Entry]) -> list[Entry]:
    """The entries with the parents that nobody named (root's, 0755), sorted by path."""
    known = {entry.path: entry for entry in entries}
    for entry in entries:
        for parent in PurePosixPath(entry.path).parents:
            if str(parent) != "/":
                known.setdefault(str(parent), Entry(str(parent), 0o755))
    return [known[path] for path in sorted(known)]


def _config(layout: Layout, diff_id: str) -> bytes:
    environment = {"PATH": "/usr/bin:/bin", **layout.environment}
    return _json(
        {
            "architecture": layout.architecture,
            "os": "linux",
            "created": _EPOCH,
            "config": {
                "User": f"{layout.user}:{layout.user}",
                "Entrypoint": list(layout.entrypoint),
                "Env": [f"{name}={value}" for name, value in environment.items()],
                "WorkingDir": "/",
                "Labels": dict(layout.labels),
                **({"StopSignal": layout.stop_signal} if layout.stop_signal else {}),
            },
            "rootfs": {"type": "layers", "diff_ids": [diff_id]},
            "history": [{"created": _EPOCH, "created_by": "pointsman"}],
        }
    )


def _file(name: str, path: Path, mode: int, owner: int) -> Iterator[bytes]:
    size = path.stat().st_size
    yield _header(name, mode, owner, size, tarfile.REGTYPE)
    yield from _chunks(path)
    yield bytes(_padding(size))


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _member(name: str, content: bytes, mode: int = 0o644, owner: int = 0) -> Iterator[bytes]:
    yield _header(name, mode, owner, len(content), tarfile.REGTYPE)
    yield content + bytes(_padding(len(content)))


def _header(name: str, mode: int, owner: int, size: int, kind: bytes) -> bytes:
    info = tarfile.TarInfo(name)
    info.mode, info.uid, info.gid, info.size, info.mtime, info.type = mode, owner, owner, size, 0, kind
    return info.tobuf(format=tarfile.USTAR_FORMAT)


def _padding(size: int) -> int:
    return -size % tarfile.BLOCKSIZE


def _end() -> bytes:
    return bytes(2 * tarfile.BLOCKSIZE)


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
