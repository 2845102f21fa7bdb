"""What the monitor asks of a place where runs are: SQLite, PostgreSQL, GitHub."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from pointsman.errors import PointsmanError
from pointsman.runs.model import Run, RunState, Step


class SourceDown(PointsmanError):
    """The source does not answer now: missing, locked, corrupt or not reachable. The monitor tries again.

    `reason` is one word for a metric's label: missing, locked, corrupt, refused, schema, wrong_server.
    """

    def __init__(self, reason: str, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.reason = reason


@dataclass(frozen=True)
class Identity:
    """Which server answered: its kind (`sqlite`, `postgresql`, `github`), where it is (no password), and the proof:
    database's name, version of the schema, and the id of the estate that it was made for (empty in a user's own)."""

    kind: str
    place: str
    database: str
    schema_version: int
    estate_id: str


@dataclass(frozen=True)
class Changes:
    """The runs that changed since a cursor, oldest change first, and the cursor to go on from.

    `more` says that there are more already: ask again at once. `cursor` is opaque text that survives a restart.
    Rows that could not be read are in `malformed` as (run id, why) and are not in `runs`; the cursor is past them.
    """

    runs: tuple[Run, ...]
    cursor: str
    more: bool = False
    malformed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Page:
    """What a list of runs is narrowed to; newest change first."""

    states: frozenset[RunState] = frozenset()
    kind: str = ""
    limit: int = 100
    before: str = ""


class RunSource(Protocol):
    """A place where runs are read. Everything here is read-only, short, and raises SourceDown.

    The monitor's thread alone calls `changes`, `there` and `wait`; the rest may be called from any thread.
    """

    name: str

    def identity(self) -> Identity:
        """Who answers; checked at start and after every reconnect. Raises UsageError for a wrong server or schema."""
        ...

    def changes(self, cursor: str, limit: int = 1000) -> Changes:
        """What changed since `cursor`; an empty one begins with all that run, and what ended lately."""
        ...

    def there(self, run_ids: Collection[str]) -> frozenset[str]:
        """Which of them still exist."""
        ...

    def wait(self, seconds: float) -> bool:
        """Returns at the next change or after `seconds`, whichever is first; True when something may have changed."""
        ...

    def run(self, run_id: str) -> Run | None:
        """One run as it is now; None where there is none."""
        ...

    def steps(self, run_id: str) -> tuple[Step, ...]:
        """Its steps in their order."""
        ...

    def runs(self, page: Page) -> Sequence[Run]:
        """A list for people."""
        ...

    def close(self) -> None:
        """Lets go of connections."""
        ...
