"""Deliveries in the journal: which handler is still to be given which event, when next, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pointsman.monitor import crashing, records
from pointsman.monitor.events import Event
from pointsman.monitor.handling import Occurrence
from pointsman.monitor.journal import Journal
from pointsman.runs.model import Step

# An error's text beyond this says no more to a person.
ERROR_LENGTH = 2000

_CLAIM = """SELECT d.event, d.attempts, e.body, e.steps FROM deliveries d JOIN events e ON e.seq = d.event
    WHERE d.handler = ? AND d.state = 'pending' AND d.next_at <= ? ORDER BY d.next_at, d.event LIMIT ?"""
_TRIED = "UPDATE deliveries SET attempts = attempts + 1, next_at = ? WHERE event = ? AND handler = ?"
_SETTLE = """UPDATE deliveries SET state = ?, settled_at = ?, note = ?, error = ?
    WHERE event = ? AND handler = ? AND state = 'pending'"""
_LATER = """UPDATE deliveries SET attempts = ?, next_at = ?, error = ?
    WHERE event = ? AND handler = ? AND state = 'pending'"""
_LETTERS = "SELECT e.body, d.handler, d.state, d.attempts, d.note, d.error, d.settled_at, d.next_at, e.steps " + (
    "FROM deliveries d JOIN events e ON e.seq = d.event"
)


@dataclass(frozen=True)
class Claim:
    """A delivery that is being tried, for the `attempts`th time; `steps` is None before the first reading of them."""

    seq: int
    handler: str
    attempts: int
    event: Event
    steps: tuple[Step, ...] | None


@dataclass(frozen=True)
class Letter:
    """A delivery as people see it: `state` is pending, done or dead, `note` is what the handler said of its work,
    `error` why it failed last, `at` when it was settled or, pending, when it is tried next (UTC)."""

    event: Event
    handler: str
    state: str
    attempts: int
    note: str
    error: str
    at: datetime
    steps: tuple[Step, ...] = ()

    @property
    def occurrence(self) -> Occurrence:
        """What the handler was given."""
        return Occurrence(self.event, self.steps)


# Seconds until a delivery is tried again after this attempt.
Waits = Callable[[Claim], float]


class Letters:
    """The part of the journal that the delivering writes.

    A power failure may undo its last notes, and then a handler is asked again: nothing waits for the disk here.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def claim(self, handler: str, now: float, waits: Waits, limit: int) -> list[Claim]:
        """What is due to a handler, oldest first, each counted as tried and due again after its wait.

        So an event at which the process dies each time comes to the dead letters as well.
        """
        if not self._journal.rows(_CLAIM, (handler, now, 1)):
            return []
        with self._journal.transaction(synced=False) as within:
            found = within.execute(_CLAIM, (handler, now, limit)).fetchall()
            claims = [_claim(handler, *row) for row in found]
            within.executemany(_TRIED, [(now + waits(each), each.seq, handler) for each in claims])
            crashing.point("bus-before-claim-commit")
        return claims

    def keep_steps(self, claim: Claim, steps: Iterable[Step]) -> None:
        """Notes the steps of the run as they are given to every handler, now and in later attempts."""
        text = records.text([records.of_step(each) for each in steps])
        with self._journal.transaction(synced=False) as within:
            within.execute("UPDATE events SET steps = ? WHERE seq = ? AND steps IS NULL", (text, claim.seq))

    def steps(self, claim: Claim) -> tuple[Step, ...] | None:
        """The steps that were noted, since the claim too."""
        return _steps(self._journal.rows("SELECT steps FROM events WHERE seq = ?", (claim.seq,))[0][0])

    def done(self, claim: Claim, note: str, now: float) -> None:
        """The handler did it."""
        self._settle(claim, "done", now, note, "")

    def dead(self, claim: Claim, error: str, now: float) -> None:
        """It is given up, until people ask for it."""
        self._settle(claim, "dead", now, "", error)

    def later(self, claim: Claim, error: str, next_at: float, *, counted: bool = True) -> None:
        """It is tried again at `next_at`; not `counted` as an attempt where the handler was never asked."""
        values = (claim.attempts - (not counted), next_at, error[:ERROR_LENGTH], claim.seq, claim.handler)
        with self._journal.transaction(synced=False) as within:
            within.execute(_LATER, values)

    def _settle(self, claim: Claim, state: str, now: float, note: str, error: str) -> None:
        values = (state, now, note[:ERROR_LENGTH], error[:ERROR_LENGTH], claim.seq, claim.handler)
        with self._journal.transaction(synced=False) as within:
            within.execute(_SETTLE, values)
            crashing.point("bus-before-settle-commit")

    def next_at(self, handler: str) -> float | None:
        """When the next delivery to a handler is due, in seconds since 1970; None where there is none."""
        statement = "SELECT min(next_at) FROM deliveries WHERE handler = ? AND state = 'pending'"
        found: float | None = self._journal.rows(statement, (handler,))[0][0]
        return found

    def give_up_strangers(self, handlers: Collection[str], now: float) -> int:
        """Deliveries to handlers that are not there any more become dead letters; returns how many."""
        statement = """UPDATE deliveries SET state = 'dead', settled_at = ?, error = 'there is no such handler any more'
            WHERE state = 'pending' AND handler NOT IN (SELECT value FROM json_each(?))"""
        with self._journal.transaction() as within:
            return within.execute(statement, (now, records.text(sorted(handlers)))).rowcount

    def retry(self, now: float, handler: str = "", event_ids: Collection[str] = ()) -> int:
        """Dead letters are tried again, from the first attempt on: all, or those of a handler, or of these events.

        Returns how many.
        """
        statement = """UPDATE deliveries SET state = 'pending', attempts = 0, next_at = :now, settled_at = NULL
            WHERE state = 'dead' AND (:handler = '' OR handler = :handler) AND (:ids = '[]' OR event IN
            (SELECT seq FROM events WHERE id IN (SELECT value FROM json_each(:ids))))"""
        values = {"now": now, "handler": handler, "ids": records.text(sorted(event_ids))}
        with self._journal.transaction() as within:
            return within.execute(statement, values).rowcount

    def dead_letters(self, handler: str = "", limit: int = 1000) -> list[Letter]:
        """What was given up, oldest event first."""
        where = " WHERE d.state = 'dead' AND (? = '' OR d.handler = ?) ORDER BY d.event, d.handler LIMIT ?"
        return [_letter(row) for row in self._journal.rows(_LETTERS + where, (handler, handler, limit))]

    def of_event(self, event_id: str) -> list[Letter]:
        """The deliveries of an event, by handler."""
        rows = self._journal.rows(_LETTERS + " WHERE e.id = ? ORDER BY d.handler", (event_id,))
        return [_letter(row) for row in rows]

    def done_by(self, handler: str, limit: int) -> list[Event]:
        """The last events that a handler has done, oldest first."""
        statement = """SELECT e.body FROM deliveries d JOIN events e ON e.seq = d.event
            WHERE d.handler = ? AND d.state = 'done' ORDER BY d.event DESC LIMIT ?"""
        return [
            records.event_of(json.loads(row[0])) for row in reversed(self._journal.rows(statement, (handler, limit)))
        ]

    def pending(self) -> dict[str, int]:
        """How many deliveries are to be made, by handler."""
        return self._counts("pending")

    def dead_counts(self) -> dict[str, int]:
        """How many were given up, by handler."""
        return self._counts("dead")

    def _counts(self, state: str) -> dict[str, int]:
        # Not a bound value: the query planner takes a partial index only for what it can see.
        statement = f"SELECT handler, count(*) FROM deliveries WHERE state = '{state}' GROUP BY handler"
        return dict(self._journal.rows(statement))


def _claim(handler: str, seq: int, attempts: int, body: str, steps: str | None) -> Claim:
    return Claim(seq, handler, attempts + 1, records.event_of(json.loads(body)), _steps(steps))


def _steps(text: str | None) -> tuple[Step, ...] | None:
    return None if text is None else tuple(records.step_of(each) for each in json.loads(text))


def _letter(row: tuple[Any, ...]) -> Letter:
    body, handler, state, attempts, note, error, settled_at, next_at, steps = row
    at = datetime.fromtimestamp(next_at if settled_at is None else settled_at, UTC)
    return Letter(records.event_of(json.loads(body)), handler, state, attempts, note, error, at, _steps(steps) or ())
