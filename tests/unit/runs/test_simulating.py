"""Runs that are made up go as they were told to, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pointsman.errors import PointsmanError
from pointsman.runs import simulating
from pointsman.runs.model import FINAL, Run, RunState
from pointsman.runs.simulating import How
from tests.unit.runs.conftest import Store, ago

ENDS = {How.COMPLETING: RunState.COMPLETED, How.FAILING: RunState.FAILED, How.CANCELLING: RunState.CANCELLED}
STAYS = {
    How.STALLING: RunState.RUNNING,
    How.SILENT: RunState.RUNNING,
    How.WAITING: RunState.WAITING_FOR_APPROVAL,
    How.QUEUED: RunState.QUEUED,
}


def test_each_way_of_going(empty: Store) -> None:
    """Those that end do so after their steps, each step told; the others never do, and only one of them beats."""
    ids = {how: simulating.create(empty.settings, how, 2, steps=2, base=empty.base)[1] for how in How}
    source = empty.source()
    begun = {how: _run(source.run(run_id)) for how, run_id in ids.items()}
    assert {how: run.state for how, run in begun.items()} == dict.fromkeys(ENDS, RunState.RUNNING) | STAYS
    assert simulating.advance(empty.settings, base=empty.base) == 8
    half = {how: _run(source.run(run_id)) for how, run_id in ids.items()}
    assert {half[how].done_steps for how in ENDS} == {1}
    assert simulating.advance(empty.settings, base=empty.base) == 8
    over = {how: _run(source.run(run_id)) for how, run_id in ids.items()}
    assert {how: run.state for how, run in over.items()} == ENDS | STAYS
    assert over[How.FAILING].failed_steps == 1
    assert over[How.FAILING].error
    assert {how for how in STAYS if over[how].updated_at > begun[how].updated_at} == {How.STALLING}
    assert simulating.advance(empty.settings, base=empty.base) == 2


def test_a_run_may_have_begun_long_ago(empty: Store) -> None:
    """So that a stall need not be waited for; artifacts lie where the template says."""
    settings = empty.settings.model_copy(update={"artifacts": "artifacts/{run_id}"})
    (run_id,) = simulating.create(settings, How.SILENT, age=timedelta(hours=2), kind="nightly", base=empty.base)
    run = _run(empty.source(artifacts="artifacts/{run_id}").run(run_id))
    assert run.kind == "nightly"
    assert run.heartbeat_at == run.updated_at
    assert run.updated_at < ago(hours=1)
    assert run.artifacts is not None
    assert (run.artifacts / "output.log").is_file()


def test_a_run_may_have_no_steps(empty: Store) -> None:
    """It ends at the first step that is taken."""
    (run_id,) = simulating.create(empty.settings, How.COMPLETING, steps=0, base=empty.base)
    simulating.advance(empty.settings, base=empty.base)
    assert _run(empty.source().run(run_id)).state is RunState.COMPLETED


def test_those_of_a_kind_can_be_cancelled(empty: Store) -> None:
    """What has ended, and what is of another kind, stays as it is."""
    over, mine, other = (
        simulating.create(empty.settings, How.COMPLETING, steps=1, kind=kind, base=empty.base)[0]
        for kind in ("demo", "demo", "test")
    )
    simulating.advance(empty.settings, 1, base=empty.base)
    assert simulating.cancel(empty.settings, "demo", base=empty.base) == 1
    source = empty.source()
    states = [_run(source.run(each)).state for each in (over, mine, other)]
    assert states == [RunState.COMPLETED, RunState.CANCELLED, RunState.RUNNING]


def test_many_are_advanced_a_few_at_a_time(empty: Store) -> None:
    """Those first that have waited longest, until all are over."""
    ids = simulating.create(empty.settings, How.COMPLETING, 30, steps=1, base=empty.base)
    for _ in range(3):
        assert simulating.advance(empty.settings, 10, base=empty.base) == 10
    source = empty.source()
    assert all(_run(source.run(run_id)).state in FINAL for run_id in ids)


def test_without_a_store_nothing_is_advanced(empty: Store) -> None:
    """It is a message, not a traceback."""
    with pytest.raises(PointsmanError):
        simulating.advance(empty.settings, base=empty.base)


def _run(found: Run | None) -> Run:
    assert found is not None
    return found
