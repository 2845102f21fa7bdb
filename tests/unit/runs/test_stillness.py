"""A store in a folder that the monitor cannot write, as in a container: read whether or not a writer has it open."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from pointsman.runs import owned
from pointsman.runs.opening import opened
from pointsman.runs.stillness import stillness
from pointsman.spec.runs import StoreSettings

NOBODY = 65534
INSERT = "INSERT INTO runs (id, name, kind, state, attempt, created_at, updated_at) VALUES (?, 'a', 'b', ?, 1, ?, ?)"
AT = "2026-01-01T00:00:00.000000Z"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of a store that others may enter and none but its owner may write."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    owned.init(f"sqlite:///{made}/runs.db")
    yield made
    made.chmod(0o755)
    shutil.rmtree(made)


def write(connection: sqlite3.Connection, run_id: str, state: str = "running") -> None:
    """A run more."""
    with connection:
        connection.execute(INSERT, (run_id, state, AT, AT))


def reading(folder: Path, to_us: Connection) -> None:
    """A reader that may not write there, until it is told to stop."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    source, cursor = opened(StoreSettings(url=f"sqlite:///{folder}/runs.db")), ""
    while to_us.recv():
        try:
            assert stillness(folder / "runs.db") is None or not os.access(folder, os.W_OK)
            source.wait(0.01)
            found = source.changes(cursor)
            cursor = found.cursor
            to_us.send(sorted(run.id for run in found.runs))
        except Exception as error:
            to_us.send(repr(error))


@pytest.fixture
def look(folder: Path) -> Iterator[Callable[[], object]]:
    """What such a reader finds next."""
    if os.geteuid() != 0:
        folder.chmod(0o555)
    here, there = multiprocessing.Pipe()
    reader = multiprocessing.get_context("fork").Process(target=reading, args=(folder, there), daemon=True)
    reader.start()

    def ask() -> object:
        here.send(True)
        return here.recv() if here.poll(20) else "no answer"

    yield ask
    here.send(False)
    reader.join(10)


@pytest.fixture
def writable(folder: Path) -> Callable[[], sqlite3.Connection]:
    """New connections of a writer."""

    def connect() -> sqlite3.Connection:
        folder.chmod(0o755)
        return sqlite3.connect(folder / "runs.db")

    return connect


def test_it_is_read_while_nobody_writes_and_while_somebody_does(
    writable: Callable[[], sqlite3.Connection], look: Callable[[], object]
) -> None:
    """Whatever was written last is found, whether the writer is still there or came and went between two looks."""
    assert look() == []
    with closing(writable()) as connection:
        write(connection, "gone at once")
    assert look() == ["gone at once"]
    with closing(writable()) as connection:
        write(connection, "still there")
        assert look() == ["still there"]
        write(connection, "and again")
    assert look() == ["and again"]
    with closing(writable()) as connection:
        write(connection, "another one")
    assert look() == ["another one"]


def test_only_a_wal_file_nobody_has_open_is_still(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the other modes a writer changes the file itself, and SQLite's own locks are needed."""
    file = folder / "runs.db"
    monkeypatch.setattr("pointsman.runs.stillness.os.access", lambda path, mode: False)
    with closing(sqlite3.connect(file)) as connection:
        write(connection, "the first")
    assert stillness(file) is not None
    with closing(sqlite3.connect(file)) as connection:
        write(connection, "a")
        assert stillness(file) is None
    before = stillness(file)
    with closing(sqlite3.connect(file)) as connection:
        write(connection, "b")
    assert stillness(file) not in (None, before)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    assert stillness(file) is None
