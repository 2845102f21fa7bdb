"""What an archive says of itself: `manifest.json`, its last member."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

FORMAT: Final = "pointsman.archive/1"
NAME: Final = "manifest.json"
FOLDER: Final = "artifacts/"
"""What the names of all members but the manifest begin with, so that no artifact can pass for it."""

Size = Annotated[int, Field(ge=0)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Member(_Part):
    """A file, an empty folder or a link inside the artifacts. `size` is in bytes; `path` is relative to the artifacts.

    `changed` says that the file was written to while it was read: here is what was read, up to its first size.
    """

    path: str
    kind: Literal["file", "folder", "link"] = "file"
    size: Size = 0
    sha256: Sha256
    changed: bool = False

    @property
    def name(self) -> str:
        """The member's name in the zip."""
        return f"{FOLDER}{self.path}{'/' if self.kind == 'folder' else ''}"


class Skipped(_Part):
    """What is not in the archive, and why."""

    path: str
    reason: str


class ArchivedRun(_Part):
    """Whose artifacts these are. Times are UTC."""

    source: str
    id: str
    attempt: int
    name: str
    kind: str
    state: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Manifest(_Part):
    """The whole. `events` are the ids of the events for which it was made, the newest last; `at` is when the newest was
    seen (UTC)."""

    format: Literal["pointsman.archive/1"] = FORMAT
    run: ArchivedRun
    artifacts: str
    events: tuple[str, ...]
    at: datetime
    members: tuple[Member, ...]
    skipped: tuple[Skipped, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(member.size for member in self.members)
