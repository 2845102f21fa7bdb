"""How long runs of a kind ran before: the last few hundred, from which a limit of running time follows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from pointsman.monitor.journal import Journal
from pointsman.monitor.limits import Durations, summed_up

KEPT = 500
FRESH_SECONDS = 30.0
# More kinds than this are read anew in turn.
MOST_KINDS = 1000

_ADD = "INSERT INTO durations (source, kind, at, seconds) VALUES (?, ?, ?, ?)"
_LAST = "SELECT seconds FROM durations WHERE source = ? AND kind = ? ORDER BY seq DESC LIMIT ?"
_TRIM = """DELETE FROM durations WHERE source = ? AND kind = ? AND seq <=
    (SELECT seq FROM durations WHERE source = ? AND kind = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)"""


class History:
    """Durations of completed runs, in seconds, by source and kind."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known: dict[tuple[str, str], tuple[float, Durations]] = {}

    def of(self, source: str, kind: str, now: float) -> Durations:
        """What is known of a kind, up to half a minute old."""
        read_at, durations = self._known.get((source, kind), (0.0, Durations()))
        if 0 <= now - read_at < FRESH_SECONDS:
            return durations
        durations = summed_up([row[0] for row in self._journal.rows(_LAST, (source, kind, KEPT))])
        if len(self._known) >= MOST_KINDS:
            self._known.clear()
        self._known[source, kind] = now, durations
        return durations

    def add(self, within: sqlite3.Connection, rows: Iterable[tuple[str, str, float, float]]) -> None:
        """Adds runs as (source, kind, when it ended, seconds)."""
        within.executemany(_ADD, rows)

    def trim(self, within: sqlite3.Connection, before: float) -> None:
        """Drops all but the last of each kind, and what ended before a time."""
        within.execute("DELETE FROM durations WHERE at < ?", (before,))
        crowded = "SELECT source, kind FROM durations GROUP BY 1, 2 HAVING count(*) > ?"
        for source, kind in within.execute(crowded, (KEPT,)).fetchall():
            within.execute(_TRIM, (source, kind, source, kind, KEPT))
