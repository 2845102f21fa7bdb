"""The runs of a demo, read back from the store that the monitor would watch."""

from __future__ import annotations

from pathlib import Path

from pointsman.demo.runs import ENDING, WatchedRuns
from pointsman.runs.model import Run, RunState
from pointsman.runs.opening import opened
from pointsman.runs.simulating import How
from pointsman.spec.runs import StoreSettings

STORE = StoreSettings(artifacts=".state/artifacts/{run_id}")
ENDS = {How.COMPLETING: RunState.COMPLETED, How.FAILING: RunState.FAILED, How.CANCELLING: RunState.CANCELLED}


def test_they_end_in_every_way(tmp_path: Path) -> None:
    """Those that are to end have, within the time that was given; one is silent, one waits for approval."""
    waited = list[float]()
    runs = WatchedRuns(STORE, tmp_path)
    runs.begin()
    runs.go_on(30, waited.append)
    assert sum(waited) == 30
    assert {how: len(ids) for how, ids in runs.made.items()} == {**ENDING, How.SILENT: 1, How.WAITING: 1}
    for how, ids in runs.made.items():
        stays = RunState.WAITING_FOR_APPROVAL if how is How.WAITING else RunState.RUNNING
        assert {found(tmp_path, each).state for each in ids} == {ENDS.get(how, stays)}


def test_the_next_demo_ends_what_was_left(tmp_path: Path) -> None:
    """However often it is run, one stalls and one waits."""
    first, second = WatchedRuns(STORE, tmp_path), WatchedRuns(STORE, tmp_path)
    first.begin()
    second.begin()
    for how in (How.SILENT, How.WAITING):
        assert found(tmp_path, first.made[how][0]).state is RunState.CANCELLED
        assert not found(tmp_path, second.made[how][0]).state.final


def found(base: Path, run_id: str) -> Run:
    """A run, read anew."""
    source = opened(STORE, base)
    try:
        run = source.run(run_id)
        assert run is not None
        return run
    finally:
        source.close()
