"""The state of alerts in a SQLite file: survives the process, and a kill at any moment."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from pointsman.channels.notification import Alert
from pointsman.errors import UnreachableError
from pointsman.monitor.alerting.state import Entry, Stage

_SCHEMA = """\
CREATE TABLE IF NOT EXISTS alerts (
    channel TEXT NOT NULL, event_id TEXT NOT NULL, rule TEXT NOT NULL, source TEXT NOT NULL, run_id TEXT NOT NULL,
    event TEXT NOT NULL, stage TEXT NOT NULL, alert TEXT NOT NULL, at REAL NOT NULL, due REAL NOT NULL,
    PRIMARY KEY (channel, event_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS alerts_of_run ON alerts (channel, source, run_id, stage);
CREATE INDEX IF NOT EXISTS alerts_at_stage ON alerts (channel, stage, at);
CREATE INDEX IF NOT EXISTS alerts_done ON alerts (at) WHERE stage = 'done';
CREATE TABLE IF NOT EXISTS alert_rules_told (
    channel TEXT NOT NULL, rule TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (channel, rule)) WITHOUT ROWID;
"""
_COLUMNS = "channel, event_id, rule, source, run_id, event, stage, alert, at, due"
BUSY_SECONDS = 5.0


class SqliteState:
    """A state in the file at `path`, in tables of its own, so that it may be the monitor's journal.

    Raises UnreachableError where the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._lock = Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None)
            self._base.execute("PRAGMA journal_mode=WAL")
            # A power failure must not forget that a channel was told.
            self._base.execute("PRAGMA synchronous=FULL")
            self._base.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            problem = f"the state of alerts {path} cannot be opened: {error}"
            raise UnreachableError(problem, remedy=f"ls -l {path.parent}") from None

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._base.close()

    def entry(self, channel: str, event_id: str) -> Entry | None:
        """See AlertState."""
        found = self._entries("channel = ? AND event_id = ?", channel, event_id)
        return found[0] if found else None

    def of_run(self, channel: str, source: str, run_id: str) -> tuple[Entry, ...]:
        """See AlertState."""
        where = "channel = ? AND source = ? AND run_id = ? AND stage IN ('trying', 'held', 'open') ORDER BY at"
        return self._entries(where, channel, source, run_id)

    def at_stage(self, channel: str, stage: Stage, limit: int = 10_000) -> tuple[Entry, ...]:
        """See AlertState."""
        return self._entries("channel = ? AND stage = ? ORDER BY at LIMIT ?", channel, stage.value, limit)

    def put(self, entries: Iterable[Entry]) -> None:
        """See AlertState."""
        rows = [_row(each) for each in entries]
        with self._writing() as base:
            base.executemany(f"INSERT OR REPLACE INTO alerts ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def told(self, channel: str, rule: str) -> datetime | None:
        """See AlertState."""
        found = self._asked("SELECT at FROM alert_rules_told WHERE channel = ? AND rule = ?", channel, rule)
        return _time(found[0][0]) if found else None

    def tell(self, channel: str, rules: Iterable[str], at: datetime) -> None:
        """See AlertState."""
        rows = [(channel, rule, at.timestamp()) for rule in rules]
        with self._writing() as base:
            base.executemany("INSERT OR REPLACE INTO alert_rules_told (channel, rule, at) VALUES (?, ?, ?)", rows)

    def forget(self, before: datetime) -> int:
        """See AlertState."""
        with self._writing() as base:
            return base.execute("DELETE FROM alerts WHERE stage = 'done' AND at < ?", (before.timestamp(),)).rowcount

    def _entries(self, where: str, *values: Any) -> tuple[Entry, ...]:
        return tuple(_read(row) for row in self._asked(f"SELECT {_COLUMNS} FROM alerts WHERE {where}", *values))

    def _asked(self, query: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._base.execute(query, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield self._base
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
            self._base.execute("COMMIT")


def _row(entry: Entry) -> tuple[Any, ...]:
    alert = json.dumps(asdict(entry.alert), ensure_ascii=False)
    names = (entry.channel, entry.event_id, entry.rule, entry.source, entry.run_id, entry.event, entry.stage.value)
    return (*names, alert, entry.at.timestamp(), entry.due.timestamp())


def _read(row: Any) -> Entry:
    channel, event_id, rule, source, run_id, event, stage, alert, at, due = row
    names = (channel, event_id, rule, source, run_id, event)
    return Entry(*names, Stage(stage), Alert(**json.loads(alert)), _time(at), _time(due))


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
