"""What is of PostgreSQL alone: transactions that overlap, roles, NOTIFY, a server that goes, or is another."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from pointsman.errors import UnreachableError, UsageError
from pointsman.runs import owned
from pointsman.runs.opening import opened
from pointsman.runs.postgres import PostgresSource
from pointsman.runs.source import SourceDown
from tests.postgres import Server, serving
from tests.unit.runs.conftest import Store, ago

ROW = "(id, name, kind, state, created_at, updated_at) VALUES ('{id}', 'a', 'b', 'running', now(), clock_timestamp())"


@pytest.fixture
def store(new_store: Callable[..., Store]) -> Store:
    """A store of Pointsman's own."""
    made = new_store("postgresql")
    owned.init(made.settings)
    return made


def connected(store: Store) -> psycopg.Connection[tuple[object, ...]]:
    """A writer that commits when it is told to."""
    url = sa.make_url(store.settings.url)
    password = Path(str(store.settings.password_file)).read_text()
    return psycopg.connect(
        host=url.host, port=url.port, user=url.username, dbname=url.database, password=password, autocommit=False
    )


def test_who_began_first_and_committed_last_is_told(store: Store) -> None:
    """Numbers of a sequence are not given in the order of commits: what commits late stands below the cursor."""
    source = store.source()
    cursor = source.changes("").cursor
    with connected(store) as slow, connected(store) as quick:
        slow.execute("INSERT INTO runs " + ROW.format(id="slow"))
        quick.execute("INSERT INTO runs " + ROW.format(id="quick"))
        quick.commit()
        found = source.changes(cursor)
        assert [run.id for run in found.runs] == ["quick"]
        assert source.changes(found.cursor).runs == ()
        slow.commit()
        store.run("after")
        assert [run.id for run in source.changes(found.cursor).runs] == ["slow", "after"]


def test_a_transaction_that_ends_between_pages_is_told(store: Store) -> None:
    """Pages are of one look: what commits meanwhile comes with the next."""
    source = store.source()
    cursor = source.changes("").cursor
    with connected(store) as slow:
        slow.execute("INSERT INTO runs " + ROW.format(id="slow"))
        for number in range(6):
            store.run(f"r{number}")
        found = source.changes(cursor, limit=4)
        assert found.more
        slow.commit()
        told = {run.id for run in found.runs}
        for _ in range(4):
            found = source.changes(found.cursor, limit=4)
            told |= {run.id for run in found.runs}
    assert told == {"slow", *(f"r{number}" for number in range(6))}


def test_what_was_rolled_back_is_not_told(store: Store) -> None:
    """It never was."""
    source = store.source()
    cursor = source.changes("").cursor
    with connected(store) as writer:
        writer.execute("INSERT INTO runs " + ROW.format(id="never"))
        writer.rollback()
    assert source.changes(cursor).runs == ()


def test_the_counter_makes_no_writer_wait_for_another(store: Store) -> None:
    """Two transactions that are open at once change steps of the same two runs, in opposite order: neither waits."""
    for name in ("a", "b"):
        store.run(name)
        store.step(name, 0, "queued")
        store.step(name, 1, "queued")
    change = "UPDATE steps SET state = 'running' WHERE run_id = '{}' AND position = {}"
    with connected(store) as one, connected(store) as other:
        for connection in (one, other):
            connection.execute("SET lock_timeout = '300ms'")
        one.execute(change.format("a", 0))
        other.execute(change.format("b", 1))
        one.execute(change.format("b", 0))
        other.execute(change.format("a", 1))
        one.commit()
        other.commit()


def test_a_role_that_may_write_runs_needs_no_more(store: Store) -> None:
    """The counter's triggers run with the rights of who made them, and a reader needs SELECT alone."""
    role = f"writer_{store.settings.url[-8:]}"
    store.execute(
        f"CREATE ROLE {role} LOGIN PASSWORD 'only-of-this-test'",
        f"GRANT INSERT, SELECT, UPDATE ON runs, steps TO {role}",
    )
    source = store.source()
    cursor = source.changes("").cursor
    with connected(store) as writer:
        writer.execute(f"SET ROLE {role}")
        writer.execute("INSERT INTO runs " + ROW.format(id="a"))
        writer.commit()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            writer.execute("SELECT * FROM changes")
    assert [run.id for run in source.changes(cursor).runs] == ["a"]
    password = store.base / "password"
    password.write_text("only-of-this-test\n")
    url = store.settings.url.replace("pointsman@", f"{role}@")
    refused = opened(store.settings.model_copy(update={"url": url, "password_file": str(password)}))
    with pytest.raises(SourceDown, match="permission denied for table store_identity") as raised:
        refused.changes("")
    assert raised.value.reason == "refused"
    assert "grant SELECT" in raised.value.remedy


def test_a_reader_cannot_write(store: Store) -> None:
    """Its sessions are read-only, whatever its role may do."""
    source = store.source()
    source.changes("")
    with source._engine.connect() as connection, pytest.raises(sa.exc.DBAPIError, match="read-only transaction"):
        connection.exec_driver_sql("DELETE FROM runs")


def test_a_notification_ends_waiting_at_once(store: Store) -> None:
    """Half a second after the commit at most; without one the whole time passes."""
    source = store.source()
    cursor = source.changes("").cursor
    assert source.wait(5)
    cursor = source.changes(cursor).cursor
    begun = time.monotonic()
    assert not source.wait(1)
    assert time.monotonic() - begun >= 0.9
    committed: list[float] = []

    def write() -> None:
        store.run("a")
        committed.append(time.monotonic())

    writer = threading.Timer(0.6, write)
    writer.start()
    assert source.wait(10)
    seen = time.monotonic()
    writer.join()
    assert seen - committed[0] < 0.5
    assert [run.id for run in source.changes(cursor).runs] == ["a"]


def test_changes_are_kept_for_an_hour_and_not_for_ever(store: Store) -> None:
    """Old ones go while new ones come; a reader that was away for longer begins anew, with what ended meanwhile."""
    store.run("ended", "completed", at=ago(hours=30))
    store.run("runs", at=ago(hours=50))
    store.execute("UPDATE changes SET at = now() - interval '2 hours'")
    for _ in range(3):
        with store.engine.begin() as connection:
            rows = ", ".join(ROW.partition("VALUES ")[2].format(id=f"n{_}-{number}") for number in range(1000))
            connection.exec_driver_sql(f"INSERT INTO runs {ROW.partition('VALUES')[0]} VALUES {rows}")
    with store.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM changes")) == 3000
    source = store.source()
    position = json.loads(source.changes("", limit=5000).cursor)
    position["xact"]["at"] -= 36 * 3600
    found = source.changes(json.dumps(position), limit=5000)
    assert {"ended", "runs", "n2-999"} <= {run.id for run in found.runs}


def test_another_server_is_refused(store: Store, server: Server) -> None:
    """One on the same address with another estate's store: told with what was asked and who answered."""
    settings = store.settings.model_copy(update={"estate_id": "mine"})
    with pytest.raises(UsageError) as raised:
        opened(settings).identity()
    said = str(raised.value)
    assert f"127.0.0.1:{server.port}" in said
    assert "PostgreSQL " in said
    assert "expected estate mine" in said
    assert "another database of this machine may listen there" in said


def test_a_reader_notices_when_another_server_takes_over(store: Store) -> None:
    """At the next connection, not at the next start: nothing of the other is told as if it were ours."""
    estate = store.source().identity().estate_id
    source = store.source(estate_id=estate)
    cursor = source.changes("").cursor
    store.execute("UPDATE store_identity SET estate_id = 'theirs'")
    store.run("theirs")
    source._engine.dispose()
    with pytest.raises(SourceDown) as raised:
        source.changes(cursor)
    assert raised.value.reason == "wrong_server"


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"url": "/no_such_database"}, "missing", 'database "no_such_database" does not exist'),
        ({"password_file": "/no/such/file"}, "refused", "password file /no/such/file cannot be read"),
        ({"password_file": None}, "refused", "no password supplied"),
    ],
)
def test_a_server_that_does_not_let_in_is_down(
    store: Store, change: dict[str, str | None], reason: str, words: str
) -> None:
    """With what the server says, and never the password."""
    if (name := change.get("url")) is not None:
        change = {"url": store.settings.url.rpartition("/")[0] + name}
    with pytest.raises(SourceDown, match=words) as raised:
        opened(store.settings.model_copy(update=change)).changes("")
    assert raised.value.reason == reason
    assert Path(str(store.settings.password_file)).read_text() not in str(raised.value)


def test_a_lock_of_the_tables_is_told(store: Store) -> None:
    """Such as of a migration that takes long: down within seconds, not for as long as it takes."""
    source = store.source()
    cursor = source.changes("").cursor
    with connected(store) as owner:
        owner.execute("LOCK TABLE runs IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(SourceDown) as raised:
            source.run("a")
        assert raised.value.reason == "locked"
    assert source.changes(cursor).runs == ()


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server that a test may stop."""
    with serving() as running:
        yield running


def test_a_server_that_goes_and_comes_back(own_server: Server) -> None:
    """Down while it is away, whoever asks; afterwards what was written meanwhile is told, and notifications come."""
    settings = own_server.database().settings()
    owned.init(settings)
    store = Store(settings, Path("/"))
    source = store.source()
    assert isinstance(source, PostgresSource)
    cursor = source.changes("").cursor
    source.wait(0.1)
    own_server.stop()
    for ask in (lambda: source.changes(cursor), lambda: source.run("a"), source.identity):
        with pytest.raises(SourceDown) as raised:
            ask()
        source.wait(0.01)
        assert raised.value.reason == "refused"
    with pytest.raises(UnreachableError):
        owned.init(settings)
    own_server.start()
    store.run("a")
    found = source.changes(cursor)
    assert [run.id for run in found.runs] == ["a"]
    source.wait(0.1)
    found = source.changes(found.cursor)
    threading.Timer(0.3, lambda: store.run("b")).start()
    assert source.wait(10)
    assert [run.id for run in source.changes(found.cursor).runs] == ["b"]
    source.close()
