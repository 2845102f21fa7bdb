"""Who leads: of several monitors on one store one at a time acts, and another takes over when it dies.

On one machine that is a lock on a file beside the journal, which the kernel releases with the process that holds it. On
PostgreSQL there is an advisory lock as well, which the server releases with the session.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import psycopg

from pointsman.errors import UnreachableError
from pointsman.runs.opening import Place
from pointsman.runs.postgres import Address
from pointsman.runs.source import SourceDown

# "pmon": the first half of the advisory lock's key. The second tells apart tables of one database.
_KEY = 0x706D6F6E
_LOOK_SECONDS = 1.0
# A leader whose machine is gone is noticed by the server after 5 + 3 × 2 s; one whose server is gone notices as soon.
_SESSION = {"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3"}
_NOTICED_MILLISECONDS = 5000


class Lease(Protocol):
    """The right to act, of one monitor at a time."""

    def take(self) -> bool:
        """Tries to get it, at once; whether it is ours now. Raises UnreachableError where nobody could get it."""
        ...

    def held(self) -> bool:
        """Whether it is still ours."""
        ...

    def release(self) -> None:
        """Lets another one have it."""
        ...


class FileLease:
    """A lock on a file; who has it is written there, for people."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Locks the file; it is made where there is none."""
        if self._descriptor is not None:
            return True
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UnreachableError(
                f"the lease {self._file} cannot be opened: {error.strerror}",
                remedy=f"let the monitor's user write {self._file.parent}, or name another `state` in the spec",
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()} on {socket.gethostname()}\n".encode())
        self._descriptor = descriptor
        return True

    def held(self) -> bool:
        """A file that was removed or replaced locks nobody out."""
        if self._descriptor is None:
            return False
        mine = os.fstat(self._descriptor)
        with contextlib.suppress(OSError):
            there = self._file.stat()
            return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)
        return False

    def release(self) -> None:
        """Unlocks it; the file stays."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class AdvisoryLease:
    """A lock of the database, held by a session of its own. `table` is the one that holds the runs.

    While the server does not answer it stays ours: nobody finds anything then, what was found is still delivered, and
    that the server is away is told. When it answers again it decides anew.
    """

    def __init__(self, address: Address, table: str) -> None:
        self._address = address
        self._key = zlib.crc32(table.encode()) - 2**31
        self._session: psycopg.Connection[Any] | None = None
        self._ours = False
        self._looked_at = 0.0

    def take(self) -> bool:
        """Asks the server; one that does not answer gives the lease to nobody."""
        if not self._ours:
            self._ours = self._locked()
        return self._ours

    def held(self) -> bool:
        """Looks once a second whether its session lives, and asks for the lock again where it does not."""
        if not self._ours or time.monotonic() - self._looked_at < _LOOK_SECONDS:
            return self._ours
        self._looked_at = time.monotonic()
        if self._session is not None:
            try:
                self._session.execute("SELECT 1")
            except psycopg.Error:
                self._close()
        if self._session is None:
            with contextlib.suppress(UnreachableError):
                self._ours = self._locked()
        return self._ours

    def release(self) -> None:
        """Ends the session, and the lock with it."""
        self._close()
        self._ours = False

    def _locked(self) -> bool:
        try:
            session = self._session = self._address.connect(
                _SESSION, autocommit=True, tcp_user_timeout=_NOTICED_MILLISECONDS
            )
            row = session.execute("SELECT pg_try_advisory_lock(%s, %s)", (_KEY, self._key)).fetchone()
        except (psycopg.Error, SourceDown) as error:
            self._close()
            said = " ".join(str(error).split())
            raise UnreachableError(f"PostgreSQL at {self._address.shown} gives no lease: {said}") from None
        if row is not None and row[0]:
            return True
        self._close()
        return False

    def _close(self) -> None:
        if self._session is not None:
            with contextlib.suppress(psycopg.Error):
                self._session.close()
        self._session = None


class Both:
    """Several leases that are had together, or not at all."""

    def __init__(self, leases: Sequence[Lease]) -> None:
        self._leases = leases

    def take(self) -> bool:
        """All of them, in their order."""
        try:
            if all(each.take() for each in self._leases):
                return True
        except UnreachableError:
            self.release()
            raise
        self.release()
        return False

    def held(self) -> bool:
        """All of them."""
        return all(each.held() for each in self._leases)

    def release(self) -> None:
        """All of them, the last first."""
        for each in reversed(self._leases):
            each.release()


def lease(file: Path, place: Place) -> Lease:
    """The lease of a store: `file` on this machine, and the lock of PostgreSQL where it is one."""
    if place.address is None:
        return FileLease(file)
    table = place.mapping.runs.table if place.mapping else "runs"
    return Both((FileLease(file), AdvisoryLease(place.address, table)))
