"""What a backup holds: the names of its members and its manifest.

A backup is a gzipped tar. `format` comes first, so that a foreign or newer file is known by its first bytes;
`manifest.json` comes last, so that a file that ends too early has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Protocol

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

FORMAT: Final = 1
"""The format that this Pointsman writes, and the newest that it reads."""

FOLDER: Final = "pointsman-backup"
MARKER: Final = f"{FOLDER}/format"
MANIFEST: Final = f"{FOLDER}/manifest.json"
STATE: Final = f"{FOLDER}/state.json"
LOCK: Final = f"{FOLDER}/images.lock.json"

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Size = Annotated[int, Field(ge=0)]


def volume_member(service: str) -> str:
    """The member that holds the data of a service."""
    return f"{FOLDER}/volumes/{service}.tar"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Member(_Part):
    """A member as it must be found: `size` is in bytes."""

    name: str
    size: Size
    sha256: Sha256


class ServiceVersion(_Part):
    """A service as it was: `kind` is its name in images/catalogue.yaml, `image` the image's name for people."""

    name: str
    kind: str
    version: str
    image: str


class VolumeCopy(_Part):
    """The data of one service. `root` is the folder that all paths of the member begin with; `files` counts them."""

    service: str
    volume: str
    member: Member
    root: str
    files: Size


class Manifest(_Part):
    """All that a backup says of itself. `created` is in UTC, ISO 8601; `spec` is the whole spec as YAML."""

    format: int
    environment: str
    estate: str
    created: str
    pointsman: str
    services: list[ServiceVersion]
    volumes: list[VolumeCopy]
    state: Member | None
    lock: Member | None
    spec: str

    @property
    def members(self) -> list[Member]:
        """Every member but the marker and the manifest itself."""
        return [*(each.member for each in self.volumes), *(each for each in (self.state, self.lock) if each)]

    def version(self, service: str) -> ServiceVersion | None:
        """A service by name."""
        return next((each for each in self.services if each.name == service), None)


@dataclass(frozen=True)
class Backup:
    """A backup that was read and checked to its last byte; `state` and `lock` are the texts of those members."""

    path: Path
    manifest: Manifest
    state: bytes | None = None
    lock: bytes | None = None


class Reporter(Protocol):
    """What long work tells: one step after the other, with the bytes that are done."""

    def begin(self, name: str, total: int | None = None) -> None:
        """A step begins; `total` is in bytes, where it is known."""

    def advance(self, count: int) -> None:
        """So many more bytes are done."""

    def end(self, text: str) -> None:
        """The step is done; `text` says with what result."""
