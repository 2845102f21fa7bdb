"""How a reader finds what changed since it last looked: by a change counter, or by the times that writers set.

A position is plain data that becomes the cursor's text. Each way knows where `now` is and which ids come after a
position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.sql.expression import TableClause

from pointsman.runs.mapping import Layout
from pointsman.runs.rows import raw_time, time_of
from pointsman.runs.triggers import KEPT_MINUTES

Position = dict[str, Any]
_SAMPLES = 20  # of the newest times: in text, what is no time may sort after all that are
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Found:
    """Ids whose runs changed, oldest change first, each with when it was counted (None where nothing counts), and where
    to go on. `again` says that some may have been told before."""

    ids: Mapping[Any, Any]
    position: Position
    more: bool
    again: bool = False


class Following(Protocol):
    """A way of finding changes."""

    way: str

    def now(self, connection: sa.Connection) -> Position:
        """The position after all that there is."""
        ...

    def after(self, connection: sa.Connection, position: Position, limit: int) -> Found | None:
        """What changed after a position; None where it is not of this database, or too long ago: begin anew."""
        ...


class SqliteCounter:
    """The counter of SQLite: writers come one after the other there, so that a number is never seen before a lower."""

    way = "seq"

    def __init__(self, changes: TableClause) -> None:
        columns = changes.c
        given = sa.table("sqlite_sequence", sa.column("name"), sa.column("seq", sa.Integer))
        self._last = sa.select(given.c.seq).where(given.c.name == changes.name)
        self._after = (
            sa.select(columns.run_id, columns.seq, columns.at)
            .where(columns.seq > sa.bindparam("seq"))
            .order_by(columns.seq)
            .limit(sa.bindparam("most"))
        )

    def now(self, connection: sa.Connection) -> Position:
        """The last number that was given."""
        return {"seq": connection.scalar(self._last) or 0}

    def after(self, connection: sa.Connection, position: Position, limit: int) -> Found | None:
        """A number that was never given is of another database, such as one that was restored."""
        if position["seq"] > self.now(connection)["seq"]:
            return None
        rows = connection.execute(self._after, {"seq": position["seq"], "most": limit}).all()
        last = rows[-1].seq if rows else position["seq"]
        return Found({row.run_id: row.at for row in rows}, {"seq": last}, len(rows) == limit)


class PostgresCounter:
    """The counter of PostgreSQL: all whose transactions were not visible to the last look, in whatever order they
    committed. A look that takes several reads is held together by the snapshot of the first; `seen` is the one before.
    """

    way = "xact"

    def __init__(self, changes: TableClause) -> None:
        where = f'"{changes.schema}"."{changes.name}"' if changes.schema else f'"{changes.name}"'
        self._now = sa.text("SELECT pg_current_snapshot()::text AS snapshot, extract(epoch FROM now())::float8 AS at")
        self._valid = sa.text(
            "SELECT pg_snapshot_xmax(CAST(:seen AS pg_snapshot)) <= pg_snapshot_xmax(pg_current_snapshot())"
        )
        self._after = sa.text(
            f"SELECT run_id, seq, at FROM {where} WHERE xact >= pg_snapshot_xmin(CAST(:seen AS pg_snapshot)) "
            "AND NOT pg_visible_in_snapshot(xact, CAST(:seen AS pg_snapshot)) AND seq > :seq ORDER BY seq LIMIT :most"
        )

    def now(self, connection: sa.Connection) -> Position:
        """The transactions that are visible."""
        row = connection.execute(self._now).one()
        return {"seen": row.snapshot, "at": row.at}

    def after(self, connection: sa.Connection, position: Position, limit: int) -> Found | None:
        """A snapshot of the future is of another server; one that is older than changes are kept begins anew."""
        now = self.now(connection)
        seen, seq = position["seen"], position.get("seq", 0)
        kept = (KEPT_MINUTES - 5) * 60
        if now["at"] - position["at"] > kept or not connection.scalar(self._valid, {"seen": seen}):
            return None
        rows = connection.execute(self._after, {"seen": seen, "seq": seq, "most": limit}).all()
        then: Position = position.get("then") or now
        more = len(rows) == limit
        following = {"seen": seen, "at": position["at"], "seq": rows[-1].seq, "then": then} if more else then
        return Found({row.run_id: row.at for row in rows}, following, more)


class Clock:
    """The times that writers set, where nothing counts. Those of the last `overlap` seconds are read again each time,
    for writers whose clock is behind or whose transaction took a while; a time in the future never becomes a position,
    or all that is set by a right clock would go unseen until then. `clock` tells the database's own time.
    """

    way = "time"

    def __init__(self, layout: Layout, clock: Callable[[sa.Connection], datetime]) -> None:
        self._unit, self._overlap, self._clock = layout.unit, timedelta(seconds=layout.overlap), clock
        parts = [(layout.runs, "id"), *([(layout.steps, "run_id")] if layout.steps else [])]
        self._marks = [
            (
                sa.select(at).where(at.is_not(None)).order_by(at.desc()).limit(_SAMPLES),
                sa.select(part.columns[key], at),
                at,
            )
            for part, key in parts
            if (at := part.columns.get("updated_at")) is not None
        ]

    def now(self, connection: sa.Connection) -> Position:
        """The newest time that is not in the future."""
        clock = self._clock(connection)
        newest = [time for samples, _, _ in self._marks for time, _ in self._samples(connection, samples)]
        return {"t": max((time for time in newest if time <= clock), default=clock).isoformat()}

    def after(self, connection: sa.Connection, position: Position, limit: int) -> Found | None:
        """All that was set from `overlap` before the position on, whatever the limit."""
        clock, since = self._clock(connection), datetime.fromisoformat(position["t"])
        newest, ids = since, dict[Any, datetime]()
        for samples, marks, at in self._marks:
            sample = next(iter(self._samples(connection, samples)), None)
            if sample is None:
                continue
            bound = raw_time(since - self._overlap, sample[1], self._unit)
            for run_id, raw in connection.execute(marks.where(at >= bound)):
                time = decoded(raw, self._unit)
                ids[run_id] = max(ids.get(run_id, LONG_AGO), time)
                newest = max(newest, time) if time <= clock else newest
        ordered = sorted(ids, key=lambda run_id: ids[run_id])
        return Found(dict.fromkeys(ordered), {"t": newest.isoformat()}, more=False, again=True)

    def _samples(self, connection: sa.Connection, samples: sa.Select[Any]) -> Iterator[tuple[datetime, Any]]:
        """The newest times that are times, each with its form in the database."""
        for raw in connection.scalars(samples):
            if (time := decoded(raw, self._unit)) is not LONG_AGO:
                yield time, raw


def decoded(raw: Any, unit: int) -> datetime:
    """A column's time; long ago for what is none."""
    try:
        return time_of(raw, unit) or LONG_AGO
    except ValueError:
        return LONG_AGO
