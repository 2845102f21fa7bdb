"""SQLite files that are missing, locked, corrupt, replaced; and writers that never wait for a reader."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pointsman.errors import UnreachableError, UsageError
from pointsman.runs import owned
from pointsman.runs.opening import opened
from pointsman.runs.source import SourceDown
from pointsman.runs.sqlite import BUSY_SECONDS, LOOK_SECONDS
from pointsman.spec.runs import StoreSettings
from tests.unit.runs.conftest import Store

URL = "sqlite:///.state/runs.db"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of Pointsman's own."""
    owned.init(URL, tmp_path)
    return Store(StoreSettings(url=URL), tmp_path)


def path_of(store: Store) -> Path:
    """Its file."""
    return store.base / ".state/runs.db"


def test_a_missing_file_is_down_until_it_is_there(tmp_path: Path) -> None:
    """Nothing is made in its place; once somebody makes it, it is read."""
    source = opened(StoreSettings(url=URL), tmp_path)
    for ask in (source.identity, lambda: source.changes(""), lambda: source.wait(0.01), lambda: source.run("a")):
        with pytest.raises(SourceDown, match=r"there is no .*runs\.db") as raised:
            ask()
        assert raised.value.reason == "missing"
        assert "pointsman runs init" in raised.value.remedy
    assert list(tmp_path.iterdir()) == []
    owned.init(URL, tmp_path)
    assert source.changes("").runs == ()
    source.close()


@pytest.mark.parametrize(
    "content", [b"this is no database, but it is long enough to be read as one" * 90, b"\0" * 8192]
)
def test_a_file_that_is_no_database_is_corrupt(tmp_path: Path, content: bytes) -> None:
    """Whatever it is."""
    (tmp_path / ".state").mkdir()
    (tmp_path / ".state/runs.db").write_bytes(content)
    with pytest.raises(SourceDown) as raised:
        opened(StoreSettings(url=URL), tmp_path).changes("")
    assert raised.value.reason == "corrupt"


def test_a_damaged_page_is_corrupt(store: Store) -> None:
    """Of a database that was whole: told by the read that meets it."""
    store.run("a")
    store.engine.dispose()
    with sqlite3.connect(path_of(store)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'runs_by_state'").fetchone()
    with path_of(store).open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(SourceDown) as raised:
        store.source().changes("")
    assert raised.value.reason == "corrupt"


def test_an_empty_file_has_no_tables(tmp_path: Path) -> None:
    """To SQLite it is a database; the message says what makes a store of it."""
    (tmp_path / ".state").mkdir()
    (tmp_path / ".state/runs.db").touch()
    source = opened(StoreSettings(url=URL), tmp_path)
    with pytest.raises(UsageError, match=r"there is no table runs\n.*there is no table steps(.|\n)*runs init"):
        source.identity()
    with pytest.raises(SourceDown) as raised:
        source.changes("")
    assert raised.value.reason == "schema"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    """As is all that cannot be opened."""
    (tmp_path / ".state/runs.db").mkdir(parents=True)
    with pytest.raises(SourceDown) as raised:
        opened(StoreSettings(url=URL), tmp_path).changes("")
    assert raised.value.reason == "refused"


@pytest.mark.parametrize(
    ("statement", "reason", "words"),
    [
        (
            "UPDATE store_identity SET schema_version = 2",
            "schema",
            "version 2 of the schema; this Pointsman reads version 1",
        ),
        ("UPDATE store_identity SET estate_id = 'theirs'", "wrong_server", "of estate theirs; expected estate mine"),
        ("DELETE FROM store_identity", "wrong_server", "of no estate that it could name; expected estate mine"),
        ("ALTER TABLE runs RENAME COLUMN heartbeat_at TO pulse", "schema", "table runs has no column heartbeat_at"),
        ("DROP TABLE changes", "schema", "there is no table changes"),
    ],
)
def test_another_schema_or_estate_is_refused(tmp_path: Path, statement: str, reason: str, words: str) -> None:
    """At the start as a mistake of whoever set it up; later on as a source that is down."""
    settings = StoreSettings(url=URL, estate_id="mine")
    owned.init(settings, tmp_path)
    Store(settings, tmp_path).execute(statement)
    source = opened(settings, tmp_path)
    with pytest.raises(UsageError, match=words):
        source.identity()
    with pytest.raises(SourceDown, match=words) as raised:
        source.changes("")
    assert raised.value.reason == reason


def test_a_lock_that_keeps_readers_out_is_told(tmp_path: Path, store: Store) -> None:
    """Of a database without WAL, while somebody writes to it; afterwards it is read, with advice."""
    with sqlite3.connect(path_of(store)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    source = store.source()
    assert any("journal_mode is delete" in each for each in source.advice())
    with sqlite3.connect(path_of(store), isolation_level=None) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        begun = time.monotonic()
        with pytest.raises(SourceDown) as raised:
            source.changes("")
        assert raised.value.reason == "locked"
        assert time.monotonic() - begun < BUSY_SECONDS * 3
        writer.execute("ROLLBACK")
    assert source.changes("").runs == ()


def test_a_reader_never_keeps_a_writer_waiting(store: Store) -> None:
    """Not even in the middle of a read: it goes on seeing what it began with."""
    store.run("a")
    source = store.source()
    source.changes("")
    with source._engine.connect() as reading:
        before = reading.exec_driver_sql("SELECT count(*) FROM runs").scalar()
        with sqlite3.connect(path_of(store), timeout=0) as writer:
            writer.execute("UPDATE runs SET name = 'other'")
            writer.execute("DELETE FROM runs")
        assert reading.exec_driver_sql("SELECT count(*) FROM runs").scalar() == before == 1
    assert source.there(["a"]) == frozenset()


def test_the_file_is_never_written(store: Store) -> None:
    """Whatever is asked of a source: the bytes stay, and a write is refused by its connection."""
    store.run("a")
    store.engine.dispose()
    before = hashlib.sha256(path_of(store).read_bytes()).digest()
    source = store.source()
    found = source.changes("")
    source.wait(0)
    source.steps("a")
    source.advice()
    with source._engine.connect() as connection, pytest.raises(Exception, match="readonly"):
        connection.exec_driver_sql("DELETE FROM runs")
    source.close()
    assert hashlib.sha256(path_of(store).read_bytes()).digest() == before
    assert len(found.runs) == 1


def test_a_file_that_was_replaced_is_read_anew(store: Store, tmp_path: Path) -> None:
    """A connection would go on reading the one that was deleted; the new one proves itself first."""
    store.run("a")
    source = store.source()
    cursor = source.changes("").cursor
    other = tmp_path / "other"
    owned.init(URL, other)
    Store(StoreSettings(url=URL), other).run("b")
    for name in ("runs.db-wal", "runs.db-shm"):
        (tmp_path / ".state" / name).unlink(missing_ok=True)
    with sqlite3.connect(other / ".state/runs.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (other / ".state/runs.db").replace(path_of(store))
    assert source.wait(5)
    assert [run.id for run in source.changes(cursor).runs] == ["b"]


def test_text_that_is_no_text_hides_nobody_else(store: Store) -> None:
    """Bytes that are no UTF-8, a time that is a word, a number where a name is: one run, not the table."""
    store.execute(
        "INSERT INTO runs (id, name, kind, state, created_at, updated_at) "
        "VALUES ('bytes', CAST(x'ff41' AS TEXT), x'ff', 'running', '2026-01-01', '2026-01-01'), "
        "('word', 'a', 'b', 'running', 'yesterday', '2026-01-01'), "
        "('number', 'a', 'b', 'running', 1e300, '2026-01-01'), "
        "('attempt', 'a', 'b', 'running', '2026-01-01', '2026-01-01')",
        "UPDATE runs SET attempt = 'first' WHERE id = 'attempt'",
    )
    store.run("good")
    found = store.source().changes("")
    assert {run.id for run in found.runs} == {"bytes", "good"}
    assert {run_id for run_id, _ in found.malformed} == {"word", "number", "attempt"}


@pytest.mark.parametrize("verb", ["INSERT OR IGNORE", "INSERT OR REPLACE", "INSERT OR FAIL", "REPLACE"])
def test_no_way_of_writing_gets_past_the_counter(store: Store, verb: str) -> None:
    """What a statement says of conflicts holds for its triggers as well: theirs must not depend on it."""
    store.run("a")
    source = store.source()
    cursor = source.changes("").cursor
    row = "(run_id, position, name, state, updated_at) VALUES ('a', 0, 'x', 'running', '2026-01-01')"
    store.execute("DELETE FROM steps", f"{verb} INTO steps {row}")
    assert [run.total_steps for run in source.changes(cursor).runs] == [1]


def test_the_counter_does_not_grow_with_changes(store: Store) -> None:
    """One row a run, however often it changes; none for a run that is gone."""
    for _ in range(20):
        store.run("a")
        store.step("a", 0, "running")
    store.run("b")
    store.step("b", 0, "running")
    store.delete("b")
    with sqlite3.connect(path_of(store)) as connection:
        assert connection.execute("SELECT run_id FROM changes").fetchall() == [("a",)]


def test_a_commit_is_seen_within_looks(store: Store) -> None:
    """`wait` looks every 100 to 200 ms, and what one process commits another sees."""
    assert 0.1 <= LOOK_SECONDS <= 0.2
    source = store.source()
    cursor = source.changes("").cursor
    code = (
        f'import sqlite3; c = sqlite3.connect({str(path_of(store))!r}); c.execute("INSERT INTO runs (id, name, kind, '
    )
    code += "state, created_at, updated_at) VALUES ('a', 'a', 'a', 'queued', '2026-01-01', '2026-01-01')\"); c.commit()"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert source.wait(5)
    assert [run.id for run in source.changes(cursor).runs] == ["a"]
    assert not source.wait(0.3)


def test_a_store_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    """A file where the folder should be; tables that are somebody else's."""
    (tmp_path / "file").touch()
    with pytest.raises(UnreachableError, match=r"the folder .*file/deeper cannot be made: Not a directory"):
        owned.init("sqlite:///file/deeper/runs.db", tmp_path)
    with sqlite3.connect(tmp_path / "theirs.db") as connection:
        connection.execute("CREATE TABLE steps (id)")
    with pytest.raises(UsageError, match=r"tables that Pointsman did not make: steps"):
        owned.init("sqlite:///theirs.db", tmp_path)
