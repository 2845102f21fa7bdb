"""Random histories: whatever is written and however it is read, the last thing told of a run is what is there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pointsman.runs import schema
from pointsman.runs.model import RunState
from tests.unit.runs.conftest import Store

IDS = [f"r{number}" for number in range(5)]
STATES = [str(state) for state in RunState]
WRITES = st.one_of(
    st.tuples(st.just("run"), st.sampled_from(IDS), st.sampled_from(STATES)),
    st.tuples(st.just("step"), st.sampled_from(IDS), st.integers(0, 2), st.sampled_from(STATES)),
    st.tuples(st.just("delete"), st.sampled_from(IDS)),
)
READS = st.one_of(st.tuples(st.just("read"), st.integers(1, 3)), st.just(("restart",)), st.just(("lose",)))
HISTORIES = st.lists(st.one_of(WRITES, READS), max_size=40)


FUNCTION_FIXTURE = [HealthCheck.function_scoped_fixture]


@settings(max_examples=25, deadline=None, suppress_health_check=FUNCTION_FIXTURE)
@given(history=HISTORIES)
@pytest.mark.parametrize("counted", [True, False], ids=["counter", "clock"])
def test_the_last_thing_told_is_what_is_there(store: Store, history: list[Any], counted: bool) -> None:
    """On both databases, by the counter and by the times that writers set."""
    (store.base / "mapping.yaml").write_text("runs: {}\nsteps: {}\n")
    store.settings = store.settings.model_copy(update={"mapping": None if counted else "mapping.yaml"})
    store.execute("DELETE FROM steps", "DELETE FROM runs", "DELETE FROM changes")
    _live(store, history)


def _live(store: Store, history: list[Any]) -> None:
    """Writes and reads as the history says: in pages, by new readers, with cursors from before.

    At the end it is read until nothing is new: a look of several pages is of the time when it began.
    """
    source, cursor, kept = store.source(), "", ""
    told: dict[str, Any] = {}

    def read(limit: int) -> bool:
        nonlocal cursor
        found = source.changes(cursor, limit=limit)
        assert not found.malformed
        told.update({run.id: (run.state, run.total_steps, run.done_steps) for run in found.runs})
        cursor = found.cursor
        return found.more or bool(found.runs)

    for what, *more in history:
        match what:
            case "read":
                kept = cursor
                read(*more)
            case "restart":
                source.close()
                source = store.source()
            case "lose":
                cursor = kept
            case _:
                _write(store, what, *more)
    while read(2):
        pass
    assert {run_id: told.get(run_id) for run_id in _there(store)} == _there(store)
    assert source.there(IDS) == set(_there(store))
    source.close()


def _write(store: Store, what: str, run_id: str, *more: Any) -> None:
    if what == "delete":
        store.delete(run_id)
    elif what == "run":
        store.run(run_id, more[0], at=datetime.now(UTC))
    elif run_id in _there(store):
        store.step(run_id, *more)


def _there(store: Store) -> dict[str, Any]:
    """What the database has, asked without Pointsman's reader."""
    runs, steps = schema.runs.c, schema.steps.c
    with store.engine.connect() as connection:
        states = connection.execute(sa.select(runs.id, runs.state)).all()
        of_steps = connection.execute(sa.select(steps.run_id, steps.state)).all()
    counts = {row.id: [step.state for step in of_steps if step.run_id == row.id] for row in states}
    return {row.id: (row.state, len(counts[row.id]), counts[row.id].count("completed")) for row in states}
