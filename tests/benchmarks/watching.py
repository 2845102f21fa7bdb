"""Runs that come, live and end at a pace, and how soon a monitor sees it and at what cost of CPU."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from pointsman.monitor.bus import Bus, audience
from pointsman.monitor.clock import SystemClock
from pointsman.monitor.events import EventKind
from pointsman.monitor.handling import Occurrence
from pointsman.monitor.journal import Journal
from pointsman.monitor.limits import Limits
from pointsman.monitor.watching import Watcher
from pointsman.runs.model import Run, RunState
from pointsman.runs.source import RunSource

TICK = 0.1
# How often the loop looks whether the source changed, in seconds.
LOOK = 0.1
# Of the runs that change, one in so many ends and another begins in its place; the rest show life.
ENDING = 10

Write = Callable[[Sequence[Run]], None]


@dataclass(frozen=True)
class Figures:
    """What was measured at so many active runs: seconds until an end was in the journal, and a share of one core."""

    active: int
    latencies: list[float]
    cpu: float

    def show(self, what: str) -> None:
        """One row."""
        ordered = sorted(self.latencies)
        p50, p99 = statistics.median(ordered), ordered[int(0.99 * (len(ordered) - 1))]
        print(
            f"    {what:<10} {self.active:>6} active  ends seen {len(ordered):>5}"
            f"  p50 {p50:6.3f} s  p99 {p99:6.3f} s  CPU {100 * self.cpu:5.2f} % of a core"
        )


class Nothing:
    """A handler that costs nothing."""

    name = "nothing"

    def wants(self, kind: EventKind) -> bool:
        return kind is not EventKind.STARTED

    def handle(self, occurrence: Occurrence) -> str:
        return ""


def a_run(number: int, state: RunState = RunState.RUNNING) -> Run:
    """A run that began now, or ended now."""
    now = datetime.now(UTC)
    return Run(
        f"run-{number:08}", f"nightly {number}", f"kind-{number % 7}", state, now, now, now,
        finished_at=now if state.final else None, heartbeat_at=now, total_steps=5, done_steps=5 if state.final else 2,
    )  # fmt: skip


@dataclass
class Writers:
    """What is at work beside the monitor, in a thread of its own: `share` of `active` runs change a second."""

    write: Write
    active: int
    share: float = 0.01
    ended_at: dict[str, float] = field(default_factory=dict)
    cpu: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    def begin(self) -> None:
        """All runs begin."""
        self._numbers = count(self.active)
        self._running = [a_run(number) for number in range(self.active)]
        self.write(self._running)

    def work(self) -> None:
        """Until it is stopped."""
        place, due = 0, 0.0
        while not self._stop.wait(TICK):
            due += self.active * self.share * TICK
            changed = []
            for _ in range(int(due)):
                place = (place + 1) % self.active
                changed += self._changed(place, ends=place % ENDING == 0)
            due -= int(due)
            self.write(changed)
            at = time.monotonic()
            self.ended_at.update({run.id: at for run in changed if run.state.final})
            self.cpu = time.thread_time()

    def _changed(self, place: int, *, ends: bool) -> list[Run]:
        run, now = self._running[place], datetime.now(UTC)
        if not ends:
            self._running[place] = replace(run, heartbeat_at=now, updated_at=now)
            return [self._running[place]]
        self._running[place] = a_run(next(self._numbers))
        return [
            replace(run, state=RunState.COMPLETED, finished_at=now, updated_at=now, done_steps=run.total_steps),
            self._running[place],
        ]

    def stop(self) -> None:
        """No more."""
        self._stop.set()


def measured(source: RunSource, write: Write, active: int, seconds: float, folder: Path) -> Figures:
    """Has a monitor with one handler watch for so many seconds. CPU is all that is not the writers'.

    `write` inserts or replaces rows in what `source` reads, in this process.
    """
    clock, handler = SystemClock(), Nothing()
    journal = Journal(folder / "journal.db")
    watcher = Watcher(source, journal, Limits(), clock, audience([handler]))
    bus = Bus(journal, [handler], clock, steps=lambda run: source.steps(run.id))
    writers = Writers(write, active)
    writers.begin()
    while watcher.step().more:
        pass
    watcher.due()
    bus.start()
    thread = threading.Thread(target=writers.work, daemon=True)
    thread.start()
    seen_at: dict[str, float] = {}
    began, cpu = time.monotonic(), time.process_time()
    while time.monotonic() - began < seconds:
        changed = source.wait(LOOK)
        events = watcher.step().events if changed else ()
        events += watcher.due().events
        if events:
            bus.wake()
            at = time.monotonic()
            seen_at.update({each.run.id: at for each in events if each.kind is EventKind.COMPLETED})
    took, cpu = time.monotonic() - began, time.process_time() - cpu - writers.cpu
    writers.stop()
    thread.join()
    bus.stop()
    journal.close()
    latencies = [max(0.0, at - writers.ended_at[each]) for each, at in seen_at.items() if each in writers.ended_at]
    return Figures(active, latencies, cpu / took)
