"""What the journal knows of runs: those under watch, how far each source was read, and what was told."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pointsman.monitor import records
from pointsman.monitor.events import Event, EventKind, Stall
from pointsman.monitor.journal import Journal
from pointsman.monitor.watched import Watched

# Which handlers, by name, an event of a kind is delivered to.
Audience = Callable[[EventKind], Sequence[str]]

_COLUMNS = (
    "source, id, kind, state, attempt, since, active_at, began, settling, due_at, ended_at, gone, stalls, told, run"
)
_LOAD = f"SELECT {_COLUMNS} FROM watched WHERE source = ? AND id IN (SELECT value FROM json_each(?))"
_KEEP = f"INSERT OR REPLACE INTO watched ({_COLUMNS}) VALUES ({', '.join('?' * 15)})"
_TELL = "INSERT OR IGNORE INTO events (id, at, source, run_id, body) VALUES (?, ?, ?, ?, ?)"
_DELIVER = "INSERT INTO deliveries (event, handler, next_at) VALUES (?, ?, ?)"
_SHIFT = """UPDATE watched SET since = since + :by, active_at = active_at + :by, began = began + :by,
    settling = settling + :by, due_at = due_at + :by WHERE source = :source AND ended_at IS NULL"""
_FORGET_RUNS = """DELETE FROM watched WHERE (source, id) IN
    (SELECT source, id FROM watched WHERE ended_at IS NOT NULL AND ended_at < ? ORDER BY ended_at LIMIT ?)"""
_FORGET_EVENTS = """DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE at < ? AND NOT EXISTS
    (SELECT 1 FROM deliveries WHERE event = seq AND state = 'pending') ORDER BY at LIMIT ?)"""


@dataclass(frozen=True)
class Read:
    """How far a source was read, and how many seconds the monitor's clock is ahead of its writers'."""

    cursor: str = ""
    skew: float = 0.0


class Register:
    """The part of the journal that the watching writes. What takes a connection is called within a transaction."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def read(self, source: str) -> Read:
        """How far a source was read."""
        found = self._journal.rows("SELECT cursor, skew FROM sources WHERE name = ?", (source,))
        return Read(*found[0]) if found else Read()

    def set_read(self, within: sqlite3.Connection, source: str, read: Read) -> None:
        """Notes how far a source was read."""
        within.execute("INSERT OR REPLACE INTO sources VALUES (?, ?, ?)", (source, read.cursor, read.skew))

    def watched(self, source: str, ids: Collection[str]) -> dict[str, Watched]:
        """What is known of these runs, by id."""
        rows = self._journal.rows(_LOAD, (source, records.text(list(ids))))
        return {row[1]: _watched(row) for row in rows}

    def keep(self, within: sqlite3.Connection, several: Iterable[Watched]) -> None:
        """Notes what is known of runs."""
        within.executemany(_KEEP, [_row(each) for each in several])

    def tell(self, within: sqlite3.Connection, events: Iterable[Event], audience: Audience) -> None:
        """Notes events, each with a delivery to everyone who wants it; one whose id was told already is passed over."""
        for event in events:
            at = event.at.timestamp()
            body = records.text(records.of_event(event))
            told = within.execute(_TELL, (event.id, at, event.run.source, event.run.id, body))
            if told.rowcount:
                seq = told.lastrowid
                within.executemany(_DELIVER, [(seq, handler, at) for handler in audience(event.kind)])

    def due(self, source: str, now: float, limit: int) -> list[str]:
        """Ids of runs for which time alone may have brought something, longest overdue first."""
        statement = "SELECT id FROM watched WHERE source = ? AND due_at <= ? ORDER BY due_at LIMIT ?"
        return [row[0] for row in self._journal.rows(statement, (source, now, limit))]

    def all_due(self, within: sqlite3.Connection, source: str, now: float) -> None:
        """Has every run of a source that has not ended held against its limits anew."""
        within.execute("UPDATE watched SET due_at = ? WHERE source = ? AND ended_at IS NULL", (now, source))

    def next_due(self, source: str) -> float | None:
        """When time alone may bring the next event, in seconds since 1970; None where nothing is waited for."""
        statement = "SELECT min(due_at) FROM watched WHERE source = ? AND due_at IS NOT NULL"
        found: float | None = self._journal.rows(statement, (source,))[0][0]
        return found

    def active(self, source: str, after: str, limit: int) -> list[str]:
        """Ids of runs that have not ended, in order, from the first beyond `after` on."""
        statement = "SELECT id FROM watched WHERE source = ? AND ended_at IS NULL AND id > ? ORDER BY id LIMIT ?"
        return [row[0] for row in self._journal.rows(statement, (source, after, limit))]

    def count_active(self, source: str) -> int:
        """How many runs have not ended."""
        statement = "SELECT count(*) FROM watched WHERE source = ? AND ended_at IS NULL"
        found: int = self._journal.rows(statement, (source,))[0][0]
        return found

    def shift(self, within: sqlite3.Connection, source: str, seconds: float, now: float) -> None:
        """Moves the times of a source's runs that have not ended, as the clock was moved, to `now`.

        Deliveries that were due by the old clock are due by the new one.
        """
        within.execute(_SHIFT, {"by": seconds, "source": source})
        if seconds < 0:
            was = now - seconds
            statement = "UPDATE deliveries SET next_at = ? WHERE state = 'pending' AND next_at > ? AND next_at <= ?"
            within.execute(statement, (now, now, was))

    def forget(self, within: sqlite3.Connection, before: float, limit: int) -> int:
        """Drops runs that ended, and events told, before a time, but no event that is still to be delivered.

        At most `limit` of each; returns how many rows went.
        """
        return sum(within.execute(each, (before, limit)).rowcount for each in (_FORGET_RUNS, _FORGET_EVENTS))

    def counts(self) -> dict[tuple[str, str, str], int]:
        """How many runs have not ended, by source, state and kind."""
        statement = "SELECT source, state, kind, count(*) FROM watched WHERE ended_at IS NULL GROUP BY 1, 2, 3"
        return {(source, state, kind): count for source, state, kind, count in self._journal.rows(statement)}

    def stalled(self, source: str) -> dict[str, frozenset[Stall]]:
        """Runs that are stalled now, by id, and how."""
        statement = "SELECT id, stalls FROM watched WHERE source = ? AND ended_at IS NULL AND stalls <> ''"
        return {row[0]: _stalls(row[1]) for row in self._journal.rows(statement, (source,))}

    def told(self, source: str, run_id: str) -> list[Event]:
        """What was told of a run, oldest first."""
        statement = "SELECT body FROM events WHERE source = ? AND run_id = ? ORDER BY seq"
        return [records.event_of(json.loads(row[0])) for row in self._journal.rows(statement, (source, run_id))]

    def latest(self, limit: int = 100) -> list[Event]:
        """What was told last, newest first."""
        rows = self._journal.rows("SELECT body FROM events ORDER BY seq DESC LIMIT ?", (limit,))
        return [records.event_of(json.loads(row[0])) for row in rows]


def _stalls(text: str) -> frozenset[Stall]:
    return frozenset(Stall(each) for each in text.split(",") if each)


def _row(each: Watched) -> tuple[object, ...]:
    run = each.run
    head = (run.source, run.id, run.kind, run.state.value, each.attempt, each.since, each.active_at, each.began)
    tail = (each.settling, each.due_at, each.ended_at, each.gone, ",".join(sorted(each.stalls)))
    return (*head, *tail, records.text(dict(each.told)), records.text(records.of_run(run)))


def _watched(row: tuple[Any, ...]) -> Watched:
    _, _, _, _, attempt, since, active_at, began, settling, due_at, ended_at, gone, stalls, told, run = row
    return Watched(
        run=records.run_of(json.loads(run)),
        attempt=attempt,
        since=since,
        active_at=active_at,
        began=began,
        stalls=_stalls(stalls),
        told=json.loads(told),
        settling=settling,
        due_at=due_at,
        ended_at=ended_at,
        gone=bool(gone),
    )
