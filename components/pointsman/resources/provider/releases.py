"""Releases of a config directory in a Docker volume: two slots and a `current` link between them.

A release is written into the slot that is not in force, through the engine's archive API and a container that is
created but never started: this works with remote engines and images without a shell, and keeps owners and modes.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docker import APIClient

SLOTS = ("a", "b")
LINK = "current"
# Names the files of a slot, so that a look at one small file tells which release is in force.
STAMP = ".release"
READ_ONLY_FOR_SERVICE = 0o440
NONE: Mapping[str, str] = MappingProxyType({})


def digest(files: Mapping[str, str]) -> str:
    """Twelve hex digits that name a set of files."""
    return hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Live:
    """The release in force: its slot and its digest."""

    slot: str
    release: str

    @property
    def other(self) -> str:
        """The slot that may be written."""
        return SLOTS[1 - SLOTS.index(self.slot)]


@dataclass(frozen=True)
class Volume:
    """A config volume seen through a container that mounts it at `directory`."""

    client: APIClient
    container: str
    directory: str

    def live(self) -> Live | None:
        """The release in force; None where there is none yet, or the volume was emptied."""
        stamp = self._file(f"{self.directory}/{LINK}/{STAMP}")
        if stamp is None:
            return None
        slot, _, release = stamp.decode().strip().partition(" ")
        return Live(slot, release) if slot in SLOTS and release else None

    def write(self, slot: str, files: Mapping[str, str], user: int, secrets: Mapping[str, str] = NONE) -> int:
        """Puts the files into a slot in place of whatever was there; returns their modification time.

        `secrets` lie beside them and have no part in what the release is called.
        """
        written = int(time.time())
        archive = slot_archive(slot, files, user, written, secrets)
        self.client.put_archive(self.container, self.directory, archive)
        return written

    def point(self, slot: str) -> None:
        """Puts the slot in force."""
        link = tarfile.TarInfo(LINK)
        link.type, link.linkname = tarfile.SYMTYPE, slot
        self.client.put_archive(self.container, self.directory, _tar([(link, b"")]))

    def _file(self, path: str) -> bytes | None:
        from docker.errors import APIError, NotFound

        try:
            chunks, _ = self.client.get_archive(self.container, path)
        except NotFound:
            return None
        except APIError as error:
            # An emptied volume leaves no link to follow; the engine words that differently from version to version.
            if error.status_code in (400, 500):
                return None
            raise
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            member = archive.extractfile(archive.next())  # type: ignore[arg-type]
            return member.read() if member else None


@contextmanager
def opened(
    client: APIClient, volume: str, directory: str, image: str, writer: str, labels: Mapping[str, str]
) -> Iterator[Volume]:
    """The volume, made where it is missing, through a container called `writer` that never runs and is gone after."""
    client.create_volume(volume, labels=dict(labels))
    remove_writer(client, writer)
    host_config = client.create_host_config(binds=[f"{volume}:{directory}:rw"])
    client.create_container(
        image, ["never-started"], name=writer, host_config=host_config, labels=dict(labels), user="0"
    )
    try:
        yield Volume(client, writer, directory)
    finally:
        remove_writer(client, writer)


def remove_writer(client: APIClient, writer: str) -> None:
    """Removes the writing container, also one that a killed run left."""
    from docker.errors import NotFound

    try:
        client.remove_container(writer, force=True)
    except NotFound:
        return


def slot_archive(
    slot: str, files: Mapping[str, str], user: int, written: int, secrets: Mapping[str, str] = NONE
) -> bytes:
    """A tar that empties the slot and fills it.

    The slot first appears in it as a file: the engine then removes the directory that is there with all it holds, which
    is the only way to delete in a volume without running anything.
    """
    clear = tarfile.TarInfo(slot)
    folder = tarfile.TarInfo(slot)
    folder.type, folder.mode = tarfile.DIRTYPE, 0o755
    members: list[tuple[tarfile.TarInfo, bytes]] = [(clear, b""), (folder, b"")]
    for name in sorted({parent for path in (*files, *secrets) for parent in _parents(path)}):
        below = tarfile.TarInfo(f"{slot}/{name}")
        below.type, below.mode = tarfile.DIRTYPE, 0o755
        members.append((below, b""))
    stamped = {**files, **secrets, STAMP: f"{slot} {digest(files)}\n"}
    for path, text in sorted(stamped.items()):
        item = tarfile.TarInfo(f"{slot}/{path}")
        item.mode, item.mtime, item.uid, item.gid = READ_ONLY_FOR_SERVICE, written, user, user
        members.append((item, text.encode()))
    return _tar(members)


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: end + 1]) for end in range(len(parts))]


def _tar(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for item, content in members:
            item.size = len(content)
            archive.addfile(item, io.BytesIO(content))
    return buffer.getvalue()
