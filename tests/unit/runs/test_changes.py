"""What a reader of a store of Pointsman's own is told, on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from pointsman.runs.model import RunState
from pointsman.runs.source import Page
from tests.unit.runs.conftest import Store, ago


def test_a_reader_begins_with_what_runs_and_what_ended_lately(store: Store) -> None:
    """Whatever its age, what is active; of what ended, the last hour."""
    store.run("old", "running", at=ago(days=30))
    store.run("waiting", "waiting_for_approval", at=ago(days=2))
    store.run("late", "failed", at=ago(minutes=20))
    store.run("gone", "completed", at=ago(hours=3))
    found = store.source().changes("")
    assert [run.id for run in found.runs] == ["old", "waiting", "late"]
    assert not found.more


def test_only_what_changed_is_told_next(store: Store) -> None:
    """A run, a heartbeat, a step: each brings its run, and nothing brings any other."""
    for name in "abcd":
        store.run(name)
    source = store.source()
    cursor = source.changes("").cursor
    assert source.changes(cursor).runs == ()
    store.step("c", 0, "running")
    store.run("a", heartbeat_at=datetime.now(UTC))
    store.run("e", "queued")
    found = source.changes(cursor)
    assert [run.id for run in found.runs] == ["c", "a", "e"]
    assert source.changes(found.cursor).runs == ()


def test_steps_are_summed_up_in_their_run(store: Store) -> None:
    """How many there are, are done, failed; a run changed when a step of it did."""
    begun = ago(hours=1)
    store.run("a", at=begun)
    for position, state in enumerate(("completed", "completed", "failed", "cancelled", "running")):
        store.step("a", position, state, at=begun + timedelta(minutes=position), error="it broke" * (state == "failed"))
    source = store.source()
    run = source.run("a")
    assert run is not None
    assert (run.total_steps, run.done_steps, run.failed_steps) == (5, 2, 1)
    assert run.updated_at == begun + timedelta(minutes=4)
    assert [step.position for step in source.steps("a")] == [0, 1, 2, 3, 4]
    assert source.steps("a")[2].error == "it broke"


def test_a_cursor_outlives_its_reader(store: Store) -> None:
    """What changed while nobody read is told to the next process, in pages that come to an end."""
    store.run("a")
    cursor = store.source().changes("").cursor
    for number in range(7):
        store.run(f"b{number}")
    source, told = store.source(), list[str]()
    for _ in range(4):
        found = source.changes(cursor, limit=3)
        told += [run.id for run in found.runs]
        cursor = found.cursor
        if not found.more:
            break
    assert told == [f"b{number}" for number in range(7)]
    assert source.changes(cursor).runs == ()


@pytest.mark.parametrize("beginning", [True, False])
def test_a_page_that_was_lost_is_told_again(store: Store, beginning: bool) -> None:
    """Who could not keep what a page told, and asks with the cursor from before, misses nothing."""
    source = store.source()
    cursor = "" if beginning else source.changes("").cursor
    names = {f"r{number}" for number in range(10)}
    for name in sorted(names):
        store.run(name)
    first = source.changes(cursor, limit=4)
    source.changes(first.cursor, limit=4)
    told, found = {run.id for run in first.runs}, source.changes(first.cursor, limit=4)
    told |= {run.id for run in found.runs}
    while found.more:
        found = source.changes(found.cursor, limit=4)
        told |= {run.id for run in found.runs}
    assert told == names


@pytest.mark.parametrize("cursor", ["nonsense", "[]", '{"store":"another","seq":{"seq":5}}', '{"begin":"x"}', "null"])
def test_a_cursor_of_another_store_begins_anew(store: Store, cursor: str) -> None:
    """It is no error: the journal may be older than the store."""
    store.run("a")
    assert [run.id for run in store.source().changes(cursor).runs] == ["a"]


def test_a_store_that_was_restored_is_read_anew(store: Store) -> None:
    """Its counter stands below the cursor's: what runs is told, not nothing for ever."""
    store.run("a")
    cursor = store.source().changes("").cursor.replace('"seq":{"seq":', '"seq":{"seq":9')
    seen = cursor.partition('"seen":"')[2].partition(":")[0]
    cursor = cursor.replace(f'"{seen}:{seen}:', '"99000000:99000000:') if seen else cursor
    assert [run.id for run in store.source().changes(cursor).runs] == ["a"]


def test_a_state_that_goes_backwards_is_told_as_it_is(store: Store) -> None:
    """Whether it is believed is not for the reader to say."""
    store.run("a", "completed", finished_at=datetime.now(UTC))
    source = store.source()
    cursor = source.changes("").cursor
    store.run("a", "running", finished_at=None)
    (run,) = source.changes(cursor).runs
    assert (run.state, run.finished_at) == (RunState.RUNNING, None)


def test_a_run_that_is_deleted_is_not_there(store: Store) -> None:
    """No change tells it; asked, the store says so. Made anew under its id it is a change, with its attempt."""
    store.run("a")
    store.run("b")
    source = store.source()
    cursor = source.changes("").cursor
    store.step("a", 0, "running")
    store.delete("a")
    found = source.changes(cursor)
    assert found.runs == ()
    assert source.there(["a", "b", "never"]) == {"b"}
    assert source.run("a") is None
    store.run("a", attempt=2)
    assert [(run.id, run.attempt) for run in source.changes(found.cursor).runs] == [("a", 2)]


def test_clocks_that_are_wrong_hide_nothing(store: Store) -> None:
    """A writer whose clock is a day ahead, one that is a day behind: both are told when they write, as written."""
    source = store.source()
    cursor = source.changes("").cursor
    ahead = datetime.now(UTC) + timedelta(days=1)
    store.run("ahead", at=ahead)
    found = source.changes(cursor)
    store.run("behind", "failed", at=ago(days=1), started_at=ahead, finished_at=ago(days=2))
    (run,) = source.changes(found.cursor).runs
    assert [each.updated_at for each in found.runs] == [ahead]
    assert run.id == "behind"
    assert run.started_at is not None
    assert run.finished_at is not None
    assert run.started_at > run.finished_at


@pytest.mark.parametrize("run_id", ["../../etc/passwd", "a/b\\c", "x" * 300, "ü ' \" ; --", "{run_id}", "%s", "\u202e"])
def test_any_text_is_an_id(store: Store, run_id: str) -> None:
    """Separators, 300 characters, quotes: as a row, as a parameter, and never a folder outside of the artifacts'."""
    store.run(run_id)
    store.step(run_id, 0, "completed")
    source = store.source(artifacts="artifacts/{run_id}")
    (run,) = source.changes("").runs
    assert run.id == run_id
    assert source.there([run_id]) == {run_id}
    assert len(source.steps(run_id)) == 1
    assert run.artifacts is None or run.artifacts.is_relative_to(store.base / "artifacts")
    assert run.artifacts is not None or run_id in ("../../etc/passwd", "x" * 300)
    assert source.there(["no\0id"]) == frozenset()


def test_a_list_is_narrowed_and_turned_over(store: Store) -> None:
    """Newest change first, by state and kind, page by page without a gap."""
    for number in range(9):
        store.run(
            f"r{number}", "failed" if number % 3 == 0 else "running", at=ago(minutes=number), kind=f"k{number % 2}"
        )
    source = store.source()
    whole, before = list[str](), ""
    while page := source.runs(Page(limit=4, before=before)):
        whole += [run.id for run in page]
        before = page[-1].id
    assert whole == [f"r{number}" for number in range(9)]
    failed = source.runs(Page(states=frozenset({RunState.FAILED}), kind="k0"))
    assert [run.id for run in failed] == ["r0", "r6"]


def test_waiting_ends_with_a_change(store: Store) -> None:
    """Within a second of it, and at the end of the time without one."""
    store.run("a")
    source = store.source()
    cursor = source.changes("").cursor
    source.wait(0)
    begun = time.monotonic()
    source.wait(0.4)
    assert time.monotonic() - begun >= 0.2
    source.changes(cursor)
    writer = threading.Timer(0.5, lambda: store.run("b"))
    writer.start()
    begun = time.monotonic()
    while not (found := source.changes(cursor).runs):
        assert time.monotonic() - begun < 10
        source.wait(10)
    assert time.monotonic() - begun < 1.5
    assert [run.id for run in found] == ["b"]
    writer.join()


def test_what_changes_between_the_pages_of_a_look_ends_the_wait(store: Store) -> None:
    """Where this look does not tell it, the next one begins at once."""
    for name in "ab":
        store.run(name)
    source = store.source()
    cursor = source.changes("").cursor
    source.wait(0)
    cursor = source.changes(cursor).cursor
    for name in "ab":
        store.run(name, "queued")
    page = source.changes(cursor, limit=1)
    told = {run.id: run.state for run in page.runs}
    store.run("a", "failed")
    while page.more:
        page = source.changes(page.cursor, limit=1)
        told |= {run.id: run.state for run in page.runs}
    begun = time.monotonic()
    if told["a"] is not RunState.FAILED:
        assert source.wait(10)
        told |= {run.id: run.state for run in source.changes(page.cursor).runs}
    assert told["a"] is RunState.FAILED
    assert time.monotonic() - begun < 2
