"""Databases of somebody else's: other names, other words, other times; half-written rows; and what a migration adds."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from pointsman.errors import UsageError
from pointsman.runs import owned, simulating
from pointsman.runs.model import RunState
from pointsman.runs.source import SourceDown
from tests.unit.runs.conftest import KINDS, Store, ago

MAPPING = {
    "runs": {
        "table": "executions",
        "columns": {
            "id": "execution",
            "name": "title",
            "state": "status",
            "created_at": "inserted",
            "updated_at": "touched",
            "kind": None,
        },
        "states": {"active": "running", "ok": "completed", "bad": "failed"},
        "labels": {"team": "owner"},
    },
    "steps": {
        "table": "execution_steps",
        "columns": {"run_id": "execution", "name": "title", "state": "status", "updated_at": "touched"},
        "states": {"ok": "completed"},
    },
}
TABLES = (
    "CREATE TABLE executions (execution TEXT PRIMARY KEY, title TEXT, status TEXT, inserted {time}, touched {time}, "
    "owner TEXT, kind INTEGER)",
    "CREATE TABLE execution_steps (execution TEXT, title TEXT, status TEXT, touched {time})",
)
TIMES = {"sqlite": ("TEXT", "REAL", "INTEGER"), "postgresql": ("timestamptz", "timestamp", "double precision")}


@pytest.fixture(params=[(kind, time_type) for kind in KINDS for time_type in TIMES[kind]], ids="-".join)
def foreign(request: pytest.FixtureRequest, new_store: Callable[..., Store], tmp_path: Path) -> Store:
    """An empty database of somebody else's, with each kind of times; not migrated."""
    kind, time_type = request.param
    return _foreign(kind, time_type, new_store, tmp_path)


@pytest.fixture(params=KINDS)
def plain(request: pytest.FixtureRequest, new_store: Callable[..., Store], tmp_path: Path) -> Store:
    """One of each kind alone."""
    return _foreign(request.param, TIMES[request.param][0], new_store, tmp_path)


def _foreign(kind: str, time_type: str, new_store: Callable[..., Store], tmp_path: Path) -> Store:
    mapping = MAPPING | ({"numbers": "milliseconds"} if time_type == "INTEGER" else {})
    (tmp_path / "mapping.yaml").write_text(yaml.safe_dump(mapping))
    (tmp_path / ".state").mkdir()
    store = new_store(kind, mapping="mapping.yaml")
    store.execute(*(statement.format(time=time_type) for statement in TABLES))
    store.time_type = time_type  # type: ignore[attr-defined]
    return store


def written(store: Store, at: datetime) -> str:
    """A time as the database has it."""
    match store.time_type:  # type: ignore[attr-defined]
        case "INTEGER":
            return str(int(at.timestamp() * 1000))
        case "REAL" | "double precision":
            return str(at.timestamp())
    return f"'{at.replace(tzinfo=None).isoformat(' ')}'"


def put(store: Store, run_id: str, status: str = "active", at: datetime | None = None) -> None:
    """Write a run as that database's own program would."""
    when = written(store, at or datetime.now(UTC))
    store.execute(
        f"DELETE FROM executions WHERE execution = '{run_id}'",
        f"INSERT INTO executions VALUES ('{run_id}', 'a title', '{status}', {when}, {when}, 'blue', 7)",
    )


@pytest.mark.parametrize("migrated", [False, True])
def test_a_run_is_read_by_the_mapping(foreign: Store, migrated: bool) -> None:
    """Names, words for states, times, labels; what is left out is not read, whatever a column is called."""
    if migrated:
        owned.migrate(foreign.settings, foreign.base)
    at = datetime.now(UTC).replace(microsecond=0)
    put(foreign, "e1", at=at)
    source = foreign.source()
    found = source.changes("")
    (run,) = found.runs
    assert (run.id, run.name, run.state, run.kind, run.labels) == (
        "e1",
        "a title",
        RunState.RUNNING,
        "run",
        {"team": "blue"},
    )
    assert run.created_at == run.updated_at == at
    later = at + timedelta(seconds=1)
    foreign.execute(f"INSERT INTO execution_steps VALUES ('e1', 'build', 'ok', {written(foreign, later)})")
    (run,) = source.changes(found.cursor).runs
    assert (run.total_steps, run.done_steps, run.updated_at) == (1, 1, later)
    assert [step.name for step in source.steps("e1")] == ["build"]


def test_without_a_counter_nothing_is_missed_or_told_twice(foreign: Store) -> None:
    """Changes of the same moment, of a clock that is behind by less than the overlap, and one in the future."""
    now = datetime.now(UTC)
    put(foreign, "future", at=now + timedelta(hours=2))
    source = foreign.source()
    found = source.changes("")
    assert [run.id for run in found.runs] == ["future"]
    put(foreign, "a", at=now)
    found = source.changes(found.cursor)
    assert [run.id for run in found.runs] == ["a"]
    put(foreign, "a", "bad", at=now)
    put(foreign, "behind", at=now - timedelta(seconds=0.9))
    found = source.changes(found.cursor)
    assert {(run.id, run.state) for run in found.runs} == {("behind", RunState.RUNNING), ("a", RunState.FAILED)}
    assert source.changes(found.cursor).runs == ()
    put(foreign, "future", "ok", at=now + timedelta(hours=3))
    assert [run.id for run in source.changes(found.cursor).runs] == ["future"]


@pytest.mark.parametrize("migrated", [False, True])
def test_half_written_rows_are_told_apart(plain: Store, migrated: bool) -> None:
    """They are named with the reason and hold up nobody; once they are whole they are runs."""
    if migrated:
        owned.migrate(plain.settings, plain.base)
    source = plain.source()
    cursor = source.changes("").cursor
    now = written(plain, datetime.now(UTC))
    plain.execute(
        f"INSERT INTO executions (execution, touched) VALUES ('no-state', {now})",
        f"INSERT INTO executions (execution, status, touched) VALUES ('odd-state', 'pausing', {now})",
    )
    put(plain, "whole")
    if plain.settings.url.startswith("sqlite"):
        plain.execute(
            f"INSERT INTO executions (execution, status, touched, inserted) VALUES ('odd-time', 'ok', {now}, 'soon')"
        )
    found = source.changes(cursor)
    assert [run.id for run in found.runs] == ["whole"]
    told = dict(found.malformed)
    assert told["no-state"] == "it has no state yet"
    assert "'pausing'; expected one of queued, running" in told["odd-state"]
    assert told.get("odd-time", "created_at is 'soon', which is no time") == "created_at is 'soon', which is no time"
    assert source.changes(found.cursor).malformed == ()
    plain.execute("UPDATE executions SET status = 'ok' WHERE execution = 'no-state'")
    found = source.changes(found.cursor)
    assert [(run.id, run.name, run.state) for run in found.runs] == [("no-state", "no-state", RunState.COMPLETED)]


def test_a_missing_column_is_named(plain: Store) -> None:
    """All of them at once, with the table, what the mapping says, and what there is."""
    mapping = yaml.safe_load((plain.base / "mapping.yaml").read_text())
    mapping["runs"]["columns"] |= {"state": "phase", "heartbeat_at": "pulse"}
    mapping["steps"]["table"] = "no_steps"
    (plain.base / "mapping.yaml").write_text(yaml.safe_dump(mapping))
    with pytest.raises(UsageError) as raised:
        plain.source().identity()
    said = str(raised.value)
    assert "table executions has no column phase, which the mapping names for state; it has execution, inserted" in said
    assert "table executions has no column pulse, which the mapping names for heartbeat_at" in said
    assert "there is no table no_steps" in said
    assert raised.value.exit_code == 2


def test_a_mapping_that_is_wrong_is_told_with_its_file(plain: Store) -> None:
    """Before anything is connected."""
    (plain.base / "mapping.yaml").write_text("runs: {columns: {status: x}, states: {a: odd}}\nnumbers: days\n")
    with pytest.raises(UsageError) as raised:
        plain.source()
    assert str(raised.value).count("mapping.yaml") == 4
    for fault in ("runs.columns.status", "runs.states.a", "numbers"):
        assert fault in str(raised.value)


def test_a_migration_leaves_the_tables_as_they_are(plain: Store) -> None:
    """It adds a counter and an identity, a second time nothing; without it, reading adds nothing at all."""
    before = _tables(plain)
    assert plain.source().identity().estate_id == ""
    assert _tables(plain) == before
    first = owned.migrate(plain.settings.model_copy(update={"estate_id": "mine"}), plain.base)
    assert owned.migrate(plain.settings, plain.base) == first
    assert (first.estate_id, first.schema_version) == ("mine", 1)
    after = _tables(plain)
    assert after["executions"] == before["executions"]
    assert after.keys() - before.keys() == {"pointsman_changes", "pointsman_identity"}
    assert any("migrate" in each for each in _unmigrated_advice(plain))


def _unmigrated_advice(plain: Store) -> tuple[str, ...]:
    added = plain.source().advice()
    assert not any("migrate" in each for each in added)
    assert any("execution_steps begins with run_id" in each for each in added)
    plain.execute("ALTER TABLE pointsman_changes RENAME TO elsewhere")
    return plain.source().advice()


def _tables(store: Store) -> dict[str, list[str]]:
    import sqlalchemy as sa

    inspector = sa.inspect(store.engine)
    return {name: [str(column) for column in inspector.get_columns(name)] for name in inspector.get_table_names()}


def test_a_counter_makes_update_times_needless(plain: Store) -> None:
    """Of a table without them: refused before, read after; when a run changed is when it was counted."""
    mapping = yaml.safe_load((plain.base / "mapping.yaml").read_text())
    mapping["runs"]["columns"]["updated_at"] = None
    mapping["steps"]["columns"]["updated_at"] = None
    (plain.base / "mapping.yaml").write_text(yaml.safe_dump(mapping))
    with pytest.raises(UsageError, match=r"no column updated_at, and there is no change counter"):
        plain.source().identity()
    owned.migrate(plain.settings, plain.base)
    put(plain, "a", at=ago(days=2))
    source = plain.source()
    cursor = source.changes("").cursor
    plain.execute("INSERT INTO execution_steps VALUES ('a', 'build', 'active', NULL)")
    (run,) = source.changes(cursor).runs
    assert run.updated_at > ago(minutes=1)


@pytest.mark.parametrize("how", ["init", "create"])
def test_the_tables_of_others_are_never_written(plain: Store, how: str) -> None:
    """Not by a simulation, not by making a store over them."""
    settings = plain.settings if how == "create" else plain.settings.model_copy(update={"mapping": None})
    plain.execute("CREATE TABLE runs (id TEXT)")
    with pytest.raises(UsageError):
        simulating.create(settings, simulating.How.FAILING, base=plain.base) if how == "create" else owned.init(
            settings, plain.base
        )


@pytest.mark.parametrize(
    ("kind", "id_type", "ids"),
    [
        ("sqlite", "INTEGER", ["1", "99"]),
        ("postgresql", "bigint", ["1", "99"]),
        ("postgresql", "uuid", [str(uuid.UUID(int=1)), str(uuid.UUID(int=2))]),
    ],
)
@pytest.mark.parametrize("migrated", [False, True])
def test_ids_that_are_no_text(
    new_store: Callable[..., Store], tmp_path: Path, kind: str, id_type: str, ids: list[str], migrated: bool
) -> None:
    """Numbers and UUIDs are text to Pointsman; states may be an enum of the database's."""
    (tmp_path / "mapping.yaml").write_text("runs: {states: {going: running}}\nsteps: {}\n")
    (tmp_path / ".state").mkdir()
    store, time_type = new_store(kind, mapping="mapping.yaml"), TIMES[kind][0]
    if kind == "postgresql":
        store.execute("CREATE TYPE phase AS ENUM ('going', 'completed')")
    phase = "phase" if kind == "postgresql" else "TEXT"
    store.execute(
        f"CREATE TABLE runs (id {id_type} PRIMARY KEY, state {phase}, updated_at {time_type})",
        f"CREATE TABLE steps (run_id {id_type}, name TEXT, state {phase}, updated_at {time_type})",
    )
    if migrated:
        owned.migrate(store.settings, store.base)
    now = f"'{datetime.now(UTC).isoformat()}'"
    store.execute(f"INSERT INTO runs VALUES ('{ids[0]}', 'going', {now})")
    source = store.source()
    found = source.changes("")
    store.execute(
        f"INSERT INTO runs VALUES ('{ids[1]}', 'going', {now})",
        f"INSERT INTO steps VALUES ('{ids[0]}', 'build', 'completed', {now})",
    )
    assert [run.id for run in found.runs] == ids[:1]
    assert {run.id: run.done_steps for run in source.changes(found.cursor).runs} == {ids[0]: 1, ids[1]: 0}
    assert source.there([*ids, "no-such", str(2**70)]) == set(ids)
    assert source.run("no-such") is None
    assert len(source.steps(ids[0])) == 1


def test_a_view_is_read_as_a_table_is(plain: Store) -> None:
    """What no mapping can say a view can; it cannot have triggers, and a migration says so."""
    put(plain, "a")
    plain.execute("CREATE VIEW seen AS SELECT execution AS id, status AS state, touched AS updated_at FROM executions")
    (plain.base / "mapping.yaml").write_text("runs: {table: seen, states: {active: running}}\n")
    assert [run.id for run in plain.source().changes("").runs] == ["a"]
    with pytest.raises(UsageError, match=r"(?i)view"):
        owned.migrate(plain.settings, plain.base)


def test_a_table_that_changes_meanwhile_is_down_with_its_reason(plain: Store) -> None:
    """A column renamed under a monitor that runs: it is told, and all is well once it is back."""
    put(plain, "a")
    source = plain.source()
    cursor = source.changes("").cursor
    plain.execute("ALTER TABLE executions RENAME COLUMN status TO phase")
    with pytest.raises(SourceDown) as raised:
        source.changes(cursor)
    assert raised.value.reason == "schema"
    with pytest.raises(SourceDown, match="has no column status"):
        source.changes(cursor)
    plain.execute("ALTER TABLE executions RENAME COLUMN phase TO status")
    put(plain, "b")
    time.sleep(0.01)
    assert "b" in {run.id for run in source.changes(cursor).runs}
