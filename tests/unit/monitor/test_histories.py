"""Random histories of a run, held against a simple model of what is to be told of it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.monitor import machine
from pointsman.monitor.events import Event, EventKind, Stall
from pointsman.monitor.journal import Journal
from pointsman.monitor.limits import Bounds, KindLimits, Limits
from pointsman.monitor.watched import Watched
from pointsman.monitor.watching import Watcher
from pointsman.runs.model import Run, RunState
from tests.unit.monitor.world import ManualClock, MemorySource, a_run, after, moved

Q, R, W = RunState.QUEUED, RunState.RUNNING, RunState.WAITING_FOR_APPROVAL
BOUNDS = Bounds(queued=40, silent=30, approval=60, running=100)
LIMITS = Limits(KindLimits(queued=40, silent=30, approval=60, running=100))
ENDS = {EventKind.COMPLETED, EventKind.FAILED, EventKind.CANCELLED}

# Seconds that pass before something is done, and what: a state is written, a heartbeat, a next attempt, the row goes.
Action = tuple[int, RunState | str]
actions = st.lists(
    st.tuples(
        st.integers(1, 50), st.sampled_from([*RunState, R, R, W, "beat", "beat", "attempt", "delete", "nothing"])
    ),
    min_size=1,
    max_size=25,
)


def said(events: Sequence[Event]) -> list[str]:
    """Events as the model words them."""
    return [f"{each.run.attempt} {each.kind} {each.stall or ''}" for each in events]


@dataclass
class Model:
    """A patient person with stopwatches: `stay` in the state, `quiet` since a sign of life, `ran` for running alone."""

    attempt: int = 0
    state: RunState | None = None
    stay: float = 0
    quiet: float = 0
    ran: float = 0
    started: bool = False
    stalls: set[Stall] = field(default_factory=set)
    says: list[str] = field(default_factory=list)

    def say(self, what: EventKind, stall: Stall | str = "") -> None:
        self.says.append(f"{self.attempt} {what} {stall}")

    def over(self, *stalls: Stall) -> None:
        for stall in sorted(self.stalls.intersection(stalls)):
            self.say(EventKind.RECOVERED, stall)
            self.stalls.discard(stall)

    def passes(self, seconds: float) -> None:
        self.stay += seconds
        self.quiet += seconds
        self.ran += seconds if self.state is R else 0
        over = {
            Q: {Stall.QUEUED: self.stay >= 40},
            W: {Stall.APPROVAL: self.stay >= 60},
            R: {Stall.SILENT: self.quiet >= 30, Stall.RUNNING: self.ran >= 100},
        }
        for stall, reached in over.get(self.state or RunState.COMPLETED, {}).items():
            if reached and stall not in self.stalls:
                self.stalls.add(stall)
                self.say(EventKind.STALLED, stall)

    def another(self) -> None:
        self.over(*Stall)
        self.attempt += 1
        self.state, self.ran, self.started = None, 0, False

    def gone(self) -> None:
        self.say(EventKind.DELETED)
        self.stalls.clear()
        self.another()

    def row(self, state: RunState) -> None:
        if self.state is None and self.attempt == 0:
            self.attempt = 1
        if self.state and self.state.final and not state.final:
            self.another()
        before, self.state, self.quiet = self.state, state, 0
        if state is before:
            self.over(Stall.SILENT)
            return
        self.stay = 0
        if state.final:
            self.stalls.clear()
            self.say(EventKind(f"run_{state}"))
        elif state is Q:
            self.ran = 0
            self.over(*Stall)
        else:
            self.over(Stall.QUEUED, Stall.SILENT, Stall.APPROVAL)
            if state is W:
                self.say(EventKind.WAITING)
            elif not self.started:
                self.started = True
                self.say(EventKind.STARTED)


def written(run: Run | None, what: RunState | str, at: float) -> Run | None:
    """What a careful writer makes of the row."""
    if isinstance(what, RunState):
        return moved(run, what, at) if run else a_run(what, at)
    if what == "delete":
        return run if run and run.state.final else None
    if what == "beat" and run and not run.state.final:
        return replace(run, heartbeat_at=after(at), updated_at=after(at))
    if what == "attempt" and run:
        return replace(moved(run, Q, at), attempt=run.attempt + 1)
    return run


@settings(max_examples=150, deadline=None)
@given(actions)
def test_what_is_told_is_what_the_model_says(history: list[Action]) -> None:
    """For every history of a careful writer, watched all the time: the same events, of the same attempts, in order."""
    model, at = Model(), 0.0
    run: Run | None = None
    watched: Watched | None = None
    events: list[Event] = []
    for seconds, what in history:
        at += seconds
        if watched is not None and not (run is None and watched.gone):
            watched, told = machine.seen(watched, run, after(at), BOUNDS)
            events += told
            model.passes(seconds)
        before, run = run, written(run, what, at)
        if run is before:
            continue
        watched, told = machine.seen(watched, run, after(at), BOUNDS)
        events += told
        if run is None:
            model.gone()
        else:
            if what == "attempt":
                model.another()
            model.row(run.state)
    assert said(events) == model.says
    assert len({each.id for each in events}) == len(events)


# A dirty row: its state, how far its writer's clock is off, whether it bears its times and how many steps it has done.
dirty = st.builds(
    lambda state, off, whole, steps, attempt: (state, off, whole, steps, attempt),
    st.sampled_from(list(RunState)),
    st.integers(-100, 100),
    st.booleans(),
    st.integers(0, 3),
    st.integers(1, 3),
)
looks = st.lists(st.tuples(st.integers(0, 80), st.none() | dirty, st.booleans()), min_size=1, max_size=30)


@settings(max_examples=150, deadline=None)
@given(looks)
def test_whatever_is_written_nothing_is_doubled(
    history: list[tuple[int, tuple[RunState, int, bool, int, int] | None, bool]],
) -> None:
    """Half rows, lower attempts, clocks that are off, rows that go and come: ids are unique, a stall is over before it
    is told again, one that waits is not silent, and an attempt has one end unless it is corrected."""
    watched: Watched | None = None
    at, events = 0.0, list[Event]()
    for seconds, row, live in history:
        at += seconds
        run: Run | None = None
        if row:
            state, off, whole, steps, attempt = row
            run = a_run(state, at + off, attempt=attempt, total_steps=3, done_steps=steps)
            run = run if whole else replace(run, started_at=None, finished_at=None)
        if watched is None and run is None:
            continue
        watched, told = machine.seen(watched, run, after(at), BOUNDS, live=live)
        again, nothing = machine.seen(watched, run, after(at), BOUNDS, live=live)
        assert (again, nothing) == (watched, ())
        assert not any(
            each.stall is Stall.SILENT and each.kind is EventKind.STALLED for each in told if each.run.state is W
        )
        events += told
    assert len({each.id for each in events}) == len(events)
    for stall in Stall:
        steps_of = [(each.run.attempt, each.kind) for each in events if each.stall is stall]
        for (attempt, kind), (later, next_kind) in pairwise(steps_of):
            assert attempt != later or kind is not next_kind
    ends = [(each.run.attempt, each.kind) for each in events if each.kind in ENDS]
    assert all(first != second for first, second in pairwise(ends))
    assert [each.run.attempt for each in events] == sorted(each.run.attempt for each in events)


@settings(max_examples=25, deadline=None)
@given(actions, st.sets(st.integers(0, 24)), st.sets(st.integers(0, 24)))
def test_restarts_and_second_readings_change_nothing(
    history: list[Action], restarts: set[int], readings: set[int]
) -> None:
    """Through the journal: a monitor that is restarted, and one that reads all anew, tell what one without a break
    tells, under the same ids."""
    assert _told(history, restarts, readings) == _told(history, set(), set())


def _told(history: list[Action], restarts: set[int], readings: set[int]) -> list[str]:
    clock, source = ManualClock(), MemorySource()
    run: Run | None = None
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "journal.db")
        watcher = Watcher(source, journal, LIMITS, clock)

        def look(seconds: int = 0) -> None:
            for passed in range(0, seconds + 1, 5):
                clock.pass_(min(5, seconds - passed))
                watcher.step()
                watcher.due()

        for number, (seconds, what) in enumerate(history):
            look(seconds)
            if number in readings:
                with journal.transaction() as within:
                    within.execute("UPDATE sources SET cursor = ''")
            if number in restarts | readings:
                watcher = Watcher(source, journal, LIMITS, clock)
            before, run = run, written(run, what, clock.at)
            if run is None:
                source.delete("r")
            elif run is not before:
                source.write(run)
            # A row that is gone is found when the round comes by.
            look(10 if run is None else 0)
        ids = [row[0] for row in journal.rows("SELECT id FROM events ORDER BY seq")]
        journal.close()
    return ids
