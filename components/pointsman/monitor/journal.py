"""The monitor's journal: one SQLite file of its own, in which a transaction is whole or never was.

It holds what is known of every run, how far each source was read, what was told, and to which handler each event is
still to be delivered. Any number of processes may have it open; one at a time writes.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pointsman.errors import PointsmanError

SCHEMA_VERSION = 1
BUSY_SECONDS = 5.0
# A write-ahead log that once grew is cut back to this many bytes.
LOG_BYTES = 64 * 2**20

_SCHEMA = """
CREATE TABLE sources (name TEXT PRIMARY KEY, cursor TEXT NOT NULL DEFAULT '', skew REAL NOT NULL DEFAULT 0);
CREATE TABLE watched (
    source TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL,
    since REAL NOT NULL, active_at REAL NOT NULL, began REAL, settling REAL, due_at REAL, ended_at REAL,
    gone INTEGER NOT NULL, stalls TEXT NOT NULL, told TEXT NOT NULL, run TEXT NOT NULL,
    PRIMARY KEY (source, id)
);
CREATE INDEX watched_due ON watched (source, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX watched_active ON watched (source, id) WHERE ended_at IS NULL;
CREATE INDEX watched_ended ON watched (ended_at) WHERE ended_at IS NOT NULL;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at REAL NOT NULL,
    source TEXT NOT NULL, run_id TEXT NOT NULL, body TEXT NOT NULL, steps TEXT
);
CREATE INDEX events_of_run ON events (source, run_id, seq);
CREATE INDEX events_at ON events (at);
CREATE TABLE deliveries (
    event INTEGER NOT NULL REFERENCES events (seq) ON DELETE CASCADE, handler TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0, next_at REAL NOT NULL, settled_at REAL,
    note TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (event, handler)
) WITHOUT ROWID;
CREATE INDEX deliveries_pending ON deliveries (handler, next_at, event) WHERE state = 'pending';
CREATE INDEX deliveries_dead ON deliveries (handler, event) WHERE state = 'dead';
CREATE TABLE durations (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, kind TEXT NOT NULL, at REAL NOT NULL,
    seconds REAL NOT NULL
);
CREATE INDEX durations_of_kind ON durations (source, kind, seq);
"""


class JournalDown(PointsmanError):
    """The journal cannot be read or written now: a full disk, a lock, a damaged file. Nothing of it was done."""


class Journal:
    """The open file. Every method may be called from any thread; writers wait for one another."""

    def __init__(self, path: Path) -> None:
        """Opens it, made with mode 0600 where there is none. Raises JournalDown."""
        self.path = path
        self._lock = threading.RLock()
        self._synced = True
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise JournalDown(
                f"the monitor's journal {path} cannot be opened: {error.strerror}",
                remedy=f"let the monitor's user write {path.parent}, or name another journal in the spec",
            ) from error
        with self._errors_named():
            self._connection = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
            )
            for pragma in (
                "journal_mode=WAL",
                "synchronous=FULL",
                f"journal_size_limit={LOG_BYTES}",
                "foreign_keys=ON",
            ):
                self._connection.execute(f"PRAGMA {pragma}")
        self._made()

    def _made(self) -> None:
        with self.transaction() as transaction:
            version = transaction.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                for statement in _SCHEMA.split(";\n"):
                    transaction.execute(statement)
                transaction.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        if version not in (0, SCHEMA_VERSION):
            self.close()
            raise JournalDown(
                f"the monitor's journal {self.path} is of version {version}; this Pointsman knows {SCHEMA_VERSION}",
                remedy="run the Pointsman that wrote it, or name another journal in the spec",
            )

    @contextmanager
    def transaction(self, *, synced: bool = True) -> Iterator[sqlite3.Connection]:
        """All that is written within is kept together, or not at all, whenever the process is killed.

        `synced` has it on the disk before this returns: without it a power failure may undo the last ones, for which
        what follows from doing them again must be harmless. Raises JournalDown where the file refuses.
        """
        with self._lock, self._errors_named():
            if synced is not self._synced:
                self._connection.execute(f"PRAGMA synchronous={'FULL' if synced else 'NORMAL'}")
                self._synced = synced
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """What a short query finds. Raises JournalDown."""
        with self._lock, self._errors_named():
            return self._connection.execute(statement, values).fetchall()

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError | sqlite3.DataError):
                raise
            raise JournalDown(
                f"the monitor's journal {self.path}: {error}",
                remedy="free the disk or the lock; a damaged file may be moved away: what ended lately is then told "
                "again under the same event ids, and handlers find their work done",
            ) from error
