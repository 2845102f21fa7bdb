"""A source of runs in a database: proves who answers at each connection, and says in one word why none does."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.sql.expression import TableClause

from pointsman.errors import UsageError
from pointsman.runs import schema
from pointsman.runs.following import Following
from pointsman.runs.mapping import Layout, layout
from pointsman.runs.model import Run, Step
from pointsman.runs.reading import Reader
from pointsman.runs.rows import Artifacts
from pointsman.runs.source import Changes, Identity, Page, SourceDown
from pointsman.spec.runs import StoreMapping

PACE_SECONDS = 0.25
"""The least between two reads of changes: what comes in a burst is read together."""

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Wanted:
    """What a source is to be: `estate_id` is what it must say of itself, if anything; without `mapping` it is a store
    of Pointsman's own."""

    mapping: StoreMapping | None
    estate_id: str | None
    artifacts: Artifacts


@dataclass(frozen=True)
class Answering:
    """Where the server that answers is, by its own word, its database's name, and more of it for a message."""

    place: str
    database: str
    more: str = ""


class DatabaseSource(ABC):
    """What SQLite and PostgreSQL have in common as sources."""

    name = "store"

    def __init__(self, engine: sa.Engine, wanted: Wanted) -> None:
        self._engine, self._wanted = engine, wanted
        self._lock = threading.Lock()
        self._proved: tuple[Identity, Reader, Layout] | None = None
        self._read_at = 0.0
        self._unfinished: str | None = None

    @abstractmethod
    def wait(self, seconds: float) -> bool:
        """As RunSource says."""

    @abstractmethod
    def _answering(self, connection: sa.Connection) -> Answering:
        """Who answers."""

    @abstractmethod
    def _following(self, found: Layout) -> Following:
        """How changes are found in that layout."""

    @abstractmethod
    def _down(self, error: Exception) -> SourceDown:
        """What an error of the driver means."""

    @abstractmethod
    def _now(self) -> datetime:
        """The time, in UTC."""

    def identity(self) -> Identity:
        """Who answers now. Raises UsageError for a wrong server or schema, SourceDown where nobody answers."""
        self._forget()
        try:
            self._ask(lambda connection, reader: None)
        except SourceDown as error:
            if error.reason in ("schema", "wrong_server"):
                raise UsageError(error.message, remedy=error.remedy, detail=error.detail) from None
            raise
        assert self._proved is not None
        return self._proved[0]

    def advice(self) -> tuple[str, ...]:
        """What would make reading cheaper or surer, a sentence each; nothing for a store of Pointsman's own."""
        self._ask(lambda connection, reader: None)
        assert self._proved is not None
        found = self._proved[2]
        said = []
        if found.changes is None:
            said.append(
                "there is no change counter: changes are found by updated_at, which is as good as the writers' clocks; "
                "`pointsman runs migrate` adds one"
            )
        for key in ("id", "state", *(["updated_at"] if found.changes is None else [])):
            if key in found.runs.columns and key not in found.runs.indexed:
                said.append(
                    f"no index of {found.runs.table_name} begins with {key}: each read looks at the whole table"
                )
        if found.steps and "run_id" not in found.steps.indexed:
            said.append(f"no index of {found.steps.table_name} begins with run_id: each read looks at the whole table")
        return tuple(said)

    def changes(self, cursor: str, limit: int = 1000) -> Changes:
        """What changed since a cursor."""
        try:
            if cursor != self._unfinished:
                # What comes between two reads of one look is not looked for before the next look: it ends the wait.
                self._about_to_read()
            found = self._ask(lambda connection, reader: reader.changes(connection, cursor, limit))
            self._unfinished = found.cursor if found.more else None
            return found
        finally:
            self._read_at = time.monotonic()

    def there(self, run_ids: Collection[str]) -> frozenset[str]:
        """Which of them there are."""
        return self._ask(lambda connection, reader: reader.there(connection, run_ids))

    def run(self, run_id: str) -> Run | None:
        """One run."""
        return self._ask(lambda connection, reader: reader.run(connection, run_id))

    def steps(self, run_id: str) -> tuple[Step, ...]:
        """The steps of a run."""
        return self._ask(lambda connection, reader: reader.steps(connection, run_id))

    def runs(self, page: Page) -> Sequence[Run]:
        """A page of runs."""
        return self._ask(lambda connection, reader: reader.runs(connection, page))

    def close(self) -> None:
        """Lets go of all connections."""
        self._forget()
        self._engine.dispose()

    @abstractmethod
    def _about_to_read(self) -> None:
        """Before changes are read: what comes from here on is worth the next wait's while."""

    def _forget(self) -> None:
        """Whoever answers next has to prove itself."""
        self._proved = None

    def _pace(self) -> None:
        """Waits until enough may have come since the last read."""
        time.sleep(max(0.0, self._read_at + PACE_SECONDS - time.monotonic()))

    def _ask(self, call: Callable[[sa.Connection, Reader], _Answer], again: bool = True) -> _Answer:
        """The answer of one short transaction. A connection that had died meanwhile is made anew, once."""
        try:
            with self._engine.connect() as connection:
                return call(connection, self._prove(connection))
        except sa.exc.DBAPIError as error:
            if error.connection_invalidated and again:
                return self._ask(call, again=False)
            raise self._down(error) from None

    def _prove(self, connection: sa.Connection) -> Reader:
        """The reader of who answers, proved since the last connection was made."""
        with self._lock:
            if self._proved is None:
                try:
                    found = layout(connection, self._wanted.mapping)
                except UsageError as error:
                    raise SourceDown("schema", f"{error.message}\n{error.detail}", remedy=error.remedy) from None
                identity = self._checked(connection, found.identity, self._answering(connection))
                store = identity.estate_id or f"{identity.place}/{identity.database}"
                following = self._following(found)
                reader = Reader(found, following, self._wanted.artifacts, store, self._now)
                self._proved = identity, reader, found
            return self._proved[1]

    def _checked(self, connection: sa.Connection, table: TableClause | None, answering: Answering) -> Identity:
        row = None
        if table is not None:
            row = connection.execute(sa.select(table.c.estate_id, table.c.schema_version)).first()
        estate, version = (row.estate_id, row.schema_version) if row else ("", 0)
        wanted = self._wanted.estate_id
        who = f"database {answering.database} at {answering.place}{answering.more}"
        if wanted and estate != wanted:
            said = f"of estate {estate}" if estate else "of no estate that it could name"
            raise SourceDown(
                "wrong_server",
                f"another server answered: {who} is {said}; expected estate {wanted}",
                remedy="check host and port of the store's url: another database of this machine may listen there; "
                "where it is the right one, correct estate_id",
            )
        if row and version != schema.VERSION:
            raise SourceDown(
                "schema",
                f"{who} has version {version} of the schema; this Pointsman reads version {schema.VERSION}",
                remedy="use the Pointsman that made it, or a newer one",
            )
        return Identity(self._engine.dialect.name, answering.place, answering.database, version, estate)
