"""Backups made for tests: whole ones by the writer itself, wrong ones by hand."""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pointsman.backup.model import LOCK, MANIFEST, MARKER, STATE, Manifest, Member, VolumeCopy, volume_member
from pointsman.backup.writing import Writer

LOKI = volume_member("loki")
# Does not compress: each byte of it stands in the file as it is.
NOISE = random.Random(7).randbytes(40_000)
Entry = tuple[tarfile.TarInfo, bytes]


class Quiet:
    """A reporter that says nothing, and remembers what ended."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def begin(self, name: str, total: int | None = None) -> None:
        """Nothing."""

    def advance(self, count: int) -> None:
        """Nothing."""

    def end(self, text: str) -> None:
        """Remembered."""
        self.ended.append(text)


def entry(name: str, content: bytes | None = b"", **attributes: Any) -> Entry:
    """A file, or with None a folder; `attributes` are those of a TarInfo."""
    info = tarfile.TarInfo(name)
    if content is None:
        info.type, info.mode = tarfile.DIRTYPE, 0o755
    info.size = len(content or b"")
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, content or b""


def tree(*entries: Entry) -> bytes:
    """The tar of a volume."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, content in entries:
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


GOOD = tree(entry("loki", None), entry("loki/wal", None), entry("loki/wal/00000000", NOISE))


def manifest(members: Iterable[Member] = (), **changes: Any) -> Manifest:
    """A manifest of environment `dev` that names these members; members of volumes hold one file."""
    named = {each.name: each for each in members}
    volumes = [
        VolumeCopy(
            service=Path(name).stem, volume=f"pointsman-dev-{Path(name).stem}-data", member=each, root="loki", files=1
        )
        for name, each in named.items()
        if name.endswith(".tar")
    ]
    plain = Manifest(
        format=1,
        environment="dev",
        estate="0123456789ab",
        created="2026-05-04T12:00:00+00:00",
        pointsman="0.1.0",
        services=[],
        volumes=volumes,
        state=named.get(STATE),
        lock=named.get(LOCK),
        spec="{}\n",
    )
    return plain.model_copy(update=changes)


def written(path: Path, volume: bytes = GOOD) -> Path:
    """A backup as Pointsman writes it."""
    copy = path.with_suffix(".spool")
    copy.write_bytes(volume)
    with Writer(path, lambda count: None) as writer:
        members = [writer.add_file(LOKI, copy), writer.add(STATE, b'{"version": 3}'), writer.add(LOCK, b"{}")]
        writer.finish(manifest(members))
    return path


def member(name: str, content: bytes) -> Member:
    """What a manifest says of a member."""
    return Member(name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest())


def forged(path: Path, entries: Sequence[Entry]) -> Path:
    """A gzipped tar of any entries."""
    path.write_bytes(gzip.compress(tree(*entries)))
    return path


def members(volume: bytes = GOOD, **changes: Any) -> list[Entry]:
    """The entries of a backup with one volume, to be changed by a test."""
    text = manifest([member(LOKI, volume)], **changes).model_dump_json().encode()
    return [entry(MARKER, b"1\n"), entry(LOKI, volume), entry(MANIFEST, text)]
