"""Runs in PostgreSQL: read-only sessions with limits of their own, woken by NOTIFY where a change counter is."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from pointsman.runs.database import Answering, DatabaseSource, Wanted
from pointsman.runs.following import Clock, Following, PostgresCounter
from pointsman.runs.mapping import Layout
from pointsman.runs.source import SourceDown
from pointsman.runs.triggers import CHANNEL

POLL_SECONDS = 0.5
"""Between two reads where nothing notifies."""
CONNECT_SECONDS = 5
# In milliseconds. No statement of ours takes long, waits long for a lock, or is left open: writers go first.
_READ_ONLY = {
    "default_transaction_read_only": "on",
    "statement_timeout": "10000",
    "lock_timeout": "2000",
    "idle_in_transaction_session_timeout": "10000",
}
# A server whose machine is gone is noticed after 10 + 3 × 5 s.
_KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
_NO_DATABASE = "3D000"
_REASONS = {
    _NO_DATABASE: ("missing", "create the database, or correct the store's url"),
    "42P01": ("schema", "correct the mapping"),
    "42703": ("schema", "correct the mapping"),
    "42501": (
        "refused",
        "grant SELECT on the tables of runs, and on those that Pointsman added, to the user of the url",
    ),
    "55P03": ("locked", "something changes the tables themselves: wait for it"),
    "57014": ("locked", "the server is busy, or an index is missing: `pointsman monitor check` names it"),
    "XX001": ("corrupt", "restore the database from a backup"),
    "XX002": ("corrupt", "REINDEX, or restore the database from a backup"),
}


class Address:
    """Where a PostgreSQL is, without its password: that is read from its file at each connection."""

    def __init__(self, url: str, password_file: Path | None) -> None:
        parsed = sa.make_url(url)
        self._parameters: dict[str, Any] = {
            **parsed.query,
            "host": parsed.host,
            "port": parsed.port or 5432,
            "user": parsed.username,
            "dbname": parsed.database,
        }
        self._password_file = password_file
        self.shown = f"{parsed.host}:{parsed.port or 5432}/{parsed.database}"

    def connect(self, settings: dict[str, str], **more: Any) -> psycopg.Connection[Any]:
        """A connection with settings of its session. Raises SourceDown for a password file that cannot be read."""
        options = " ".join(f"-c {key}={value}" for key, value in {"timezone": "UTC", **settings}.items())
        parameters = {"connect_timeout": CONNECT_SECONDS, **_KEEPALIVE, **self._parameters, "options": options}
        return psycopg.connect(
            **parameters, password=self._password(), application_name="pointsman", client_encoding="utf8", **more
        )

    def _password(self) -> str | None:
        if self._password_file is None:
            return None
        try:
            return self._password_file.read_text("utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise SourceDown(
                "refused",
                f"the store's password file {self._password_file} cannot be read: {error}",
                remedy="correct password_file, or the file's owner and mode",
            ) from None


class PostgresSource(DatabaseSource):
    """The source of a `postgresql:` address."""

    def __init__(self, address: Address, wanted: Wanted) -> None:
        self._address = address
        self._listening: psycopg.Connection[Any] | None = None
        engine = sa.create_engine(
            "postgresql+psycopg://",
            creator=lambda: address.connect(_READ_ONLY),
            isolation_level="REPEATABLE READ",
            pool_size=4,
            pool_recycle=1800,
        )
        # Each new connection may be to another server.
        sa.event.listen(engine, "connect", lambda connection, record: self._forget())
        super().__init__(engine, wanted)

    def wait(self, seconds: float) -> bool:
        """Until a notification; where there is none, until the next read is due."""
        until = time.monotonic() + seconds
        self._pace()
        if self._proved is None or self._proved[2].changes is None:
            time.sleep(max(0.0, min(until, self._read_at + POLL_SECONDS) - time.monotonic()))
            return True
        try:
            if self._listening is None:
                # What came before anybody listened was not told.
                self._listen()
                return True
            left = max(0.0, until - time.monotonic())
            return any(True for _ in self._listening.notifies(timeout=left, stop_after=1))
        except psycopg.Error as error:
            self._deafen()
            raise self._down(error) from None

    def close(self) -> None:
        """Lets go of all connections."""
        self._deafen()
        super().close()

    def _about_to_read(self) -> None:
        """What was notified before a read is in it."""
        if self._listening is not None:
            try:
                for _ in self._listening.notifies(timeout=0):
                    pass
            except psycopg.Error:
                self._deafen()

    def _listen(self) -> None:
        self._listening = self._address.connect(_READ_ONLY, autocommit=True)
        self._listening.execute(f"LISTEN {CHANNEL}")

    def _deafen(self) -> None:
        if self._listening is not None:
            with contextlib.suppress(psycopg.Error):
                self._listening.close()
        self._listening = None

    def _answering(self, connection: sa.Connection) -> Answering:
        row = connection.exec_driver_sql(
            "SELECT current_database(), host(inet_server_addr()), inet_server_port(), current_setting('server_version')"
        ).one()
        place = f"{row[1]}:{row[2]}" if row[1] else "a local socket"
        return Answering(place, row[0], f", PostgreSQL {row[3].split()[0]}, asked as {self._address.shown},")

    def _following(self, found: Layout) -> Following:
        if found.changes is not None:
            return PostgresCounter(found.changes)
        return Clock(found, lambda connection: connection.scalar(sa.select(sa.func.now())).astimezone(UTC))  # type: ignore[union-attr]

    def _now(self) -> datetime:
        return datetime.now(UTC)

    def _down(self, error: Exception) -> SourceDown:
        cause = getattr(error, "orig", error)
        said = " ".join(str(cause).split())
        # What refuses a connection has no code, only words.
        code = getattr(cause, "sqlstate", None) or (_NO_DATABASE if "does not exist" in said else "")
        reason, remedy = _REASONS.get(code, ("refused", "check that the server runs, and url and password_file"))
        self._forget()
        return SourceDown(reason, f"PostgreSQL at {self._address.shown}: {said}", remedy=remedy)
