"""Runs in an SQLite file: read-only, in short transactions, woken by the file's own count of commits."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import sqlalchemy as sa

from pointsman.runs.database import Answering, DatabaseSource, Wanted
from pointsman.runs.following import Clock, Following, SqliteCounter
from pointsman.runs.mapping import Layout
from pointsman.runs.reading import Reader
from pointsman.runs.source import SourceDown
from pointsman.runs.stillness import Signature, stillness

LOOK_SECONDS = 0.15
"""Between two looks at `PRAGMA data_version`: some microseconds each."""
BUSY_SECONDS = 1.0
"""How long a read waits for a writer that locks readers out, which none does in WAL mode."""

_Answer = TypeVar("_Answer")


class SqliteSource(DatabaseSource):
    """The source of a `sqlite:` address. The file is never written."""

    def __init__(self, path: Path, wanted: Wanted) -> None:
        self._path = path
        self._watching: sqlite3.Connection | None = None
        self._version = -1
        self._file: tuple[int, int] | None = None
        self._still: Signature | None = None
        engine = sa.create_engine("sqlite://", creator=self._connect, poolclass=sa.QueuePool, pool_size=4)
        # The driver's own transactions begin with the first write: there is none, and a read is to see one state.
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        super().__init__(engine, wanted)

    def wait(self, seconds: float) -> bool:
        """Until another connection committed."""
        until = time.monotonic() + seconds
        self._pace()
        while self._look() == self._version:
            left = until - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(LOOK_SECONDS, left))
        return True

    def close(self) -> None:
        """Lets go of the file."""
        super().close()
        self._unwatch()

    def advice(self) -> tuple[str, ...]:
        """Also whether readers and writers may get into each other's way."""
        said = super().advice()
        mode = self._ask(lambda connection, reader: connection.exec_driver_sql("PRAGMA journal_mode").scalar())
        if mode == "wal":
            return said
        return (*said, f"journal_mode is {mode}: a read makes writers wait for its milliseconds; WAL does not")

    def _about_to_read(self) -> None:
        self._version = self._look()

    def _look(self) -> int:
        """The count of commits by others; -1 where it begins anew, since the file is another."""
        try:
            status = self._path.stat()
            if (status.st_dev, status.st_ino) != self._file:
                # A connection would go on reading what was deleted.
                self._unwatch()
                self._engine.dispose()
                self._forget()
                self._file = status.st_dev, status.st_ino
            if (still := self._stillness()) is not None:
                self._unwatch()
                return -still[1]
            if self._watching is None:
                self._watching = self._connect()
                self._version = -1
            return int(self._watching.execute("PRAGMA data_version").fetchone()[0])
        except (OSError, sqlite3.Error) as error:
            self._unwatch()
            raise self._down(error) from None

    def _ask(self, call: Callable[[sa.Connection, Reader], _Answer], again: bool = True) -> _Answer:
        """Once more where a file that was read as still has changed meanwhile."""
        before = self._stillness()
        answer = super()._ask(call, again)
        if before is not None and self._stillness() != before:
            return super()._ask(call, again)
        return answer

    def _stillness(self) -> Signature | None:
        """The file's, if it is still; connections of before it changed are let go of."""
        try:
            still = stillness(self._path)
        except OSError:
            # Whoever reads it says what is wrong with it.
            still = None
        if still != self._still:
            self._still = still
            self._engine.dispose()
        return still

    def _unwatch(self) -> None:
        if self._watching is not None:
            with contextlib.suppress(sqlite3.Error):
                self._watching.close()
        self._watching = None

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(self._path))}?mode=ro{'&immutable=1' if self._still else ''}",
            uri=True,
            timeout=BUSY_SECONDS,
            check_same_thread=False,
            isolation_level=None,
        )
        # One byte that is no UTF-8 in one row must not hide all others.
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        connection.execute("PRAGMA query_only = 1")
        return connection

    def _answering(self, connection: sa.Connection) -> Answering:
        return Answering(str(self._path), self._path.name)

    def _following(self, found: Layout) -> Following:
        return SqliteCounter(found.changes) if found.changes is not None else Clock(found, lambda _: self._now())

    def _now(self) -> datetime:
        return datetime.now(UTC)

    def _down(self, error: Exception) -> SourceDown:
        said = str(getattr(error, "orig", error))
        if not self._path.exists():
            return SourceDown(
                "missing",
                f"there is no {self._path}",
                remedy="`pointsman runs init` makes a store; a database of your own is named by `url`",
            )
        if "locked" in said or "busy" in said:
            return SourceDown(
                "locked",
                f"{self._path} has been locked by a writer for {BUSY_SECONDS:g} s",
                remedy="`PRAGMA journal_mode=WAL` lets readers and writers work at once",
            )
        if not (self._path.is_file() and os.access(self._path, os.R_OK)):
            return SourceDown(
                "refused", f"{self._path} is no file that this user may read", remedy="check its owner and mode"
            )
        if "not a database" in said or "malformed" in said or "disk I/O" in said:
            return SourceDown(
                "corrupt",
                f"{self._path} cannot be read as SQLite: {said}",
                remedy="stop its writers, then restore it from a backup, or try sqlite3's .recover",
            )
        if "no such" in said:
            self._forget()
            return SourceDown("schema", f"{self._path} changed its tables: {said}", remedy="correct the mapping")
        return SourceDown(
            "refused",
            f"{self._path} cannot be opened: {said}",
            remedy="WAL needs its -shm and -wal beside it, or a folder where they can be made",
        )
