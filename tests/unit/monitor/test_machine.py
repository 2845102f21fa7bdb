"""The rules of detection, one by one: what is told of a run, when, and what is not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from pointsman.monitor import machine
from pointsman.monitor.events import Event, EventKind, Stall
from pointsman.monitor.limits import Bounds
from pointsman.monitor.watched import Watched
from pointsman.runs.model import Run, RunState
from tests.unit.monitor.world import a_run, after, moved

MINUTE = 60.0
BOUNDS = Bounds(queued=10 * MINUTE, silent=30 * MINUTE, approval=240 * MINUTE, running=90 * MINUTE, settle=2.0)
Q, R, W = RunState.QUEUED, RunState.RUNNING, RunState.WAITING_FOR_APPROVAL
COMPLETED, FAILED, CANCELLED = RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED


class Eye:
    """Looks at one run again and again."""

    def __init__(self, *, live: bool = True, skew: float = 0.0) -> None:
        self.live, self.skew = live, skew
        self.watched: Watched | None = None
        self.events: list[Event] = []

    def look(self, run: Run | None, at: float, *, live: bool | None = None) -> list[str]:
        """What is told of the run at a time, in seconds."""
        self.watched, events = machine.seen(
            self.watched, run, after(at), BOUNDS, live=self.live if live is None else live, skew=self.skew
        )
        self.events += events
        return words(events)

    def wait(self, at: float) -> list[str]:
        """What time alone brings."""
        assert self.watched is not None
        return self.look(self.watched.run, at)


def words(events: Iterable[Event]) -> list[str]:
    """Events as short words: kind without `run_`, stall, attempt where it is not the first."""
    told = []
    for each in events:
        word = each.kind.removeprefix("run_") + (f" {each.stall}" if each.stall else "")
        told.append(word + (f" #{each.run.attempt}" if each.run.attempt > 1 else ""))
    return told


@pytest.mark.parametrize(("state", "word"), [(COMPLETED, "completed"), (FAILED, "failed"), (CANCELLED, "cancelled")])
def test_every_end_is_told_once(state: RunState, word: str) -> None:
    """A run that queues, runs and ends is told as started and ended; the same row read again tells nothing."""
    eye, run = Eye(), a_run()
    assert eye.look(run, 0) == []
    run = moved(run, R, 5)
    assert eye.look(run, 5) == ["started"]
    run = moved(run, state, 9)
    assert eye.look(run, 9) == [word]
    assert eye.look(run, 10) == []
    assert eye.watched is not None
    assert (eye.watched.due_at, eye.watched.ran) == (None, 4.0)


def test_an_end_is_seen_though_the_run_was_not() -> None:
    """A run that began and ended between two looks is told, with the times of its row."""
    eye = Eye()
    assert eye.look(a_run(COMPLETED, 50, started_at=after(20)), 51) == ["completed"]
    assert eye.watched is not None
    assert eye.watched.ran == 30.0


def test_an_end_of_long_ago_is_not_told_anew() -> None:
    """A row of before the retention, touched now, was told when the journal still knew it."""
    eye = Eye()
    late = BOUNDS.retention + 60
    assert eye.look(replace(a_run(COMPLETED, 0), updated_at=after(late)), late) == []


def test_queued_too_long_ends_when_it_runs() -> None:
    """The limit of a queue is told when it is reached, once, and is over when the run starts."""
    eye, run = Eye(), a_run()
    eye.look(run, 0)
    assert eye.watched is not None
    assert eye.watched.due_at == after(600).timestamp()
    assert eye.wait(599) == []
    assert eye.wait(600) == ["stalled queued_too_long"]
    assert eye.wait(6000) == []
    assert eye.look(moved(run, R, 6001), 6001) == ["recovered queued_too_long", "started"]


def test_silence_is_told_and_ends_with_a_sign_of_life() -> None:
    """Neither heartbeat nor step: silent after its limit; a step is life; a second silence is an event of its own."""
    eye, run = Eye(), a_run(R)
    eye.look(run, 0)
    run = replace(run, heartbeat_at=after(60), updated_at=after(60))
    assert eye.look(run, 60) == []
    assert eye.wait(60 + 1799) == []
    assert eye.wait(60 + 1800) == ["stalled silent"]
    run = replace(run, done_steps=1, total_steps=3)
    assert eye.look(run, 2000) == ["recovered silent"]
    assert eye.wait(2000 + 1800) == ["stalled silent"]
    stalls = [each for each in eye.events if each.kind is EventKind.STALLED]
    assert [each.ordinal for each in stalls] == [0, 1]
    assert stalls[0].id != stalls[1].id


def test_running_too_long_is_told_beside_silence() -> None:
    """A run with life in it is told when it runs beyond its limit; silence comes on top; its end ends both."""
    eye, run = Eye(), a_run(R)
    eye.look(run, 0)
    for minute in range(20, 90, 20):
        run = replace(run, heartbeat_at=after(minute * MINUTE))
        assert eye.look(run, minute * MINUTE) == []
    assert eye.wait(90 * MINUTE) == ["stalled running_too_long"]
    assert eye.wait(110 * MINUTE) == ["stalled silent"]
    run = replace(run, heartbeat_at=after(111 * MINUTE))
    assert eye.look(run, 111 * MINUTE) == ["recovered silent"]
    assert eye.look(moved(run, COMPLETED, 120 * MINUTE), 120 * MINUTE) == ["completed"]


def test_waiting_for_approval_is_never_silent() -> None:
    """It is told, it has a limit of its own, and what it waited is neither silence nor running time."""
    eye, run = Eye(), a_run(R)
    eye.look(run, 0)
    run = moved(run, W, 60 * MINUTE, heartbeat_at=after(50 * MINUTE))
    assert eye.look(run, 60 * MINUTE) == ["waiting"]
    assert eye.wait(299 * MINUTE) == []
    assert eye.wait(300 * MINUTE) == ["stalled approval_too_long"]
    run = moved(run, R, 400 * MINUTE)
    assert eye.look(run, 400 * MINUTE) == ["recovered approval_too_long"]
    run = replace(run, heartbeat_at=after(410 * MINUTE))
    assert eye.look(run, 429 * MINUTE) == []
    assert eye.wait(430 * MINUTE) == ["stalled running_too_long"]
    run = moved(run, W, 431 * MINUTE)
    assert eye.look(run, 431 * MINUTE) == ["waiting"]


def test_a_silent_run_that_waits_is_not_silent_any_more() -> None:
    """Its silence is over as soon as it waits for people."""
    eye, run = Eye(), a_run(R)
    eye.look(run, 0)
    eye.wait(31 * MINUTE)
    assert eye.look(moved(run, W, 32 * MINUTE), 32 * MINUTE) == ["recovered silent", "waiting"]


@pytest.mark.parametrize("ahead", [3600.0, -3600.0])
def test_a_writer_whose_clock_is_off_is_neither_silent_nor_alive_for_that(ahead: float) -> None:
    """While the monitor looks on, a change is of now: silence is counted by one clock, whatever the rows say."""
    eye = Eye(skew=-ahead)
    run = a_run(R, ahead)
    assert eye.look(run, 0) == ["started"]
    run = replace(run, heartbeat_at=after(600 + ahead), updated_at=after(600 + ahead))
    assert eye.look(run, 600) == []
    assert eye.wait(600 + 1799) == []
    assert eye.wait(600 + 1800) == ["stalled silent"]


def test_a_row_of_the_future_is_of_now() -> None:
    """A clock ahead, not yet known as such, delays nothing beyond the limit."""
    eye = Eye()
    eye.look(a_run(R, 7200), 0)
    assert eye.wait(1800) == ["stalled silent"]


def test_what_changed_while_the_monitor_was_away_is_of_when_the_row_says() -> None:
    """After a restart, silence counts from the last heartbeat, not from the monitor's return."""
    eye, run = Eye(), a_run(R)
    eye.look(run, 0)
    run = replace(run, heartbeat_at=after(20 * MINUTE), updated_at=after(20 * MINUTE))
    assert eye.look(run, 49 * MINUTE, live=False) == []
    assert eye.wait(50 * MINUTE) == ["stalled silent"]


def test_a_run_that_was_silent_before_the_monitor_came_is_told_at_once() -> None:
    """What a first look finds beyond its limits is stalled."""
    assert Eye().look(a_run(R, 0), 45 * MINUTE, live=False) == ["started", "stalled silent"]


def test_a_run_that_goes_back_to_the_queue_is_queued_anew() -> None:
    """It is not told as started twice, and its queue and its running are counted from the return."""
    eye, run = Eye(), a_run(R)
    eye.look(run, 0)
    run = moved(run, Q, 80 * MINUTE)
    assert eye.look(run, 80 * MINUTE) == []
    assert eye.wait(89 * MINUTE) == []
    assert eye.wait(90 * MINUTE) == ["stalled queued_too_long"]
    run = moved(run, R, 91 * MINUTE)
    assert eye.look(run, 91 * MINUTE) == ["recovered queued_too_long"]
    assert eye.wait(120 * MINUTE) == []


def test_an_older_row_than_the_end_is_a_stale_copy() -> None:
    """A replica that lags shows a run as running that ended: nothing is told, and the end stays."""
    eye, run = Eye(), a_run(R)
    eye.look(run, 0)
    stale = replace(run, heartbeat_at=after(5), updated_at=after(5))
    eye.look(moved(run, COMPLETED, 10), 10)
    assert eye.look(stale, 11) == []
    assert eye.look(moved(run, COMPLETED, 10), 12) == []


def test_an_end_that_is_corrected_is_told() -> None:
    """Completed, then written as failed: the failure is told; a third word back is an event of its own too."""
    eye, run = Eye(), a_run(R)
    eye.look(run, 0)
    run = moved(run, COMPLETED, 10)
    eye.look(run, 10)
    assert eye.look(replace(run, state=FAILED, updated_at=after(20)), 20) == ["failed"]
    assert eye.look(replace(run, state=COMPLETED, updated_at=after(30)), 30) == ["completed"]
    assert len({each.id for each in eye.events}) == len(eye.events)


def test_words_added_to_an_end_tell_nothing() -> None:
    """An error text that comes after the end is kept, and no second end."""
    eye, run = Eye(), a_run(FAILED)
    eye.look(run, 0)
    assert eye.look(replace(run, error="out of memory", updated_at=after(3)), 3) == []
    assert eye.watched is not None
    assert eye.watched.run.error == "out of memory"


def test_a_higher_attempt_is_a_run_of_its_own() -> None:
    """Each attempt is told, under ids of its own, with limits from its own beginning."""
    eye, run = Eye(), a_run(R)
    eye.look(run, 0)
    run = moved(run, FAILED, 60 * MINUTE)
    eye.look(run, 60 * MINUTE)
    run = replace(moved(run, Q, 100 * MINUTE), attempt=2)
    assert eye.look(run, 100 * MINUTE) == []
    assert eye.wait(109 * MINUTE) == []
    run = moved(run, R, 109 * MINUTE)
    assert eye.look(run, 109 * MINUTE) == ["started #2"]
    assert eye.look(moved(run, FAILED, 130 * MINUTE), 130 * MINUTE) == ["failed #2"]
    assert len({each.id for each in eye.events}) == 4


def test_a_run_again_without_a_count_is_counted() -> None:
    """A source that keeps no attempts: an ended run that runs again is the second, and its end is told."""
    eye, run = Eye(), a_run(R)
    eye.look(run, 0)
    run = moved(run, COMPLETED, 10)
    eye.look(run, 10)
    run = moved(run, R, 20, started_at=after(20))
    assert eye.look(run, 20) == ["started #2"]
    assert eye.look(moved(run, COMPLETED, 30), 30) == ["completed #2"]


def test_a_run_again_between_two_looks_is_told() -> None:
    """It ended, ran and ended again unseen: another start and another finish are another end."""
    eye, run = Eye(), a_run(COMPLETED, 10)
    eye.look(run, 10)
    again = moved(run, COMPLETED, 20, started_at=after(15))
    assert eye.look(again, 20) == ["completed #2"]


def test_a_run_again_by_a_writer_with_a_slow_clock_is_told() -> None:
    """The second attempt's times are before the first's end: another starting time says that it is another."""
    eye, run = Eye(), a_run(R, 100)
    eye.look(run, 100)
    eye.look(moved(run, COMPLETED, 110), 110)
    again = moved(run, R, 60, started_at=after(60))
    assert eye.look(again, 120) == ["started #2"]


def test_a_stall_of_an_attempt_that_was_replaced_is_over() -> None:
    """The next attempt ends what was told of the last as stalled."""
    eye, run = Eye(), a_run(R)
    eye.look(run, 0)
    eye.wait(31 * MINUTE)
    again = replace(moved(run, Q, 32 * MINUTE), attempt=2)
    assert eye.look(again, 32 * MINUTE) == ["recovered silent"]
    assert eye.events[-1].run.attempt == 1


def test_a_lower_attempt_is_a_stale_copy() -> None:
    """Nothing is told of an attempt that is over, and the limits of the present one hold."""
    eye, run = Eye(), a_run(R)
    second = replace(run, attempt=2, updated_at=after(10))
    eye.look(second, 10)
    assert eye.look(moved(run, FAILED, 5), 11) == []
    assert eye.look(moved(run, FAILED, 5), 10 + 1800) == ["stalled silent #2"]


def test_a_deleted_run_is_told_once_and_comes_back_as_another() -> None:
    """Its row went away before its end; a row of the same id later is told anew, an ended one's loss is not told."""
    eye, run = Eye(), a_run(R)
    eye.look(run, 0)
    eye.wait(31 * MINUTE)
    assert eye.look(None, 32 * MINUTE) == ["deleted"]
    assert eye.look(None, 33 * MINUTE) == []
    assert eye.look(run, 34 * MINUTE) == ["started #2"]
    assert eye.look(moved(run, COMPLETED, 35 * MINUTE), 35 * MINUTE) == ["completed #2"]
    assert eye.look(None, 36 * MINUTE) == []


@pytest.mark.parametrize(
    ("half", "missing"),
    [
        ({"finished_at": None}, "without a finishing time"),
        ({"total_steps": 3, "done_steps": 1}, "1 of 3 steps are done"),
    ],
)
def test_half_an_end_has_a_moment_to_become_whole(half: dict[str, object], missing: str) -> None:
    """An end is told when its row is whole, or after the moment as it is, and says what it lacks."""
    run = a_run(R)
    whole = moved(run, COMPLETED, 10, total_steps=3, done_steps=3)
    partly = replace(whole, **half)  # type: ignore[arg-type]  # any field of a run
    eye = Eye()
    eye.look(run, 0)
    assert eye.look(partly, 10) == []
    assert eye.look(whole, 11) == ["completed"]
    eye = Eye()
    eye.look(run, 0)
    assert eye.look(partly, 10) == []
    assert eye.wait(11.9) == []
    assert eye.wait(12) == ["completed"]
    assert missing in eye.events[-1].reason


def test_half_an_end_whose_row_goes_away_or_is_run_again_is_told() -> None:
    """What was seen of an end is not lost with its row."""
    run = a_run(R)
    partly = replace(moved(run, FAILED, 10), finished_at=None)
    for then, told in ((None, ["failed"]), (replace(run, attempt=2), ["failed", "started #2"])):
        eye = Eye()
        eye.look(run, 0)
        eye.look(partly, 10)
        assert eye.look(then, 11) == told


def test_a_running_row_without_a_start_began_when_it_was_seen() -> None:
    """The limit of running time holds without a starting time as well."""
    eye, run = Eye(), a_run()
    eye.look(run, 0)
    run = replace(run, state=R, updated_at=after(60))
    eye.look(run, 60)
    run = replace(run, heartbeat_at=after(80 * MINUTE))
    eye.look(run, 80 * MINUTE)
    assert eye.wait(60 + 90 * MINUTE) == ["stalled running_too_long"]


def test_neither_run_nor_watched_is_a_mistake() -> None:
    """There is nothing to judge."""
    with pytest.raises(ValueError, match="neither"):
        machine.seen(None, None, after(0), BOUNDS)


def test_silence_says_when_all_steps_have_ended() -> None:
    """A writer that died before it wrote the end is told apart by the reason."""
    eye = Eye()
    eye.look(a_run(R, total_steps=2, done_steps=2), 0)
    eye.wait(1800)
    assert eye.events[-1].stall is Stall.SILENT
    assert "all its steps have ended" in eye.events[-1].reason
