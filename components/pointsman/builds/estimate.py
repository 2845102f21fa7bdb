"""How long builds still take: expected seconds from the pins, scaled by how this machine has done so far."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Literal

State = Literal["waiting", "running", "done", "failed"]
REFERENCE_CORES = 2
# Compiling scales with cores, downloading and linking do not: no machine is taken for more than four times as quick.
# So a build that went on with a killed run's caches does not promise that the next one takes no time.
_BEST_SCALE = 0.25
_TELLING_SECONDS = 60.0


@dataclass
class Task:
    """One piece of work that is shown. `expected` is in seconds on the reference machine; times are clock readings."""

    name: str
    version: str
    expected: float
    state: State = "waiting"
    started: float = 0.0
    ended: float = 0.0
    fraction: float | None = None
    text: str = ""

    def elapsed(self, now: float) -> float:
        """Seconds of work so far."""
        if self.state == "waiting":
            return 0.0
        return (now if self.state == "running" else self.ended) - self.started


def initial_scale(cores: int | None = None) -> float:
    """What the expected seconds are multiplied by before anything was built here: by the count of cores."""
    return max(_BEST_SCALE, REFERENCE_CORES / (cores or os.cpu_count() or REFERENCE_CORES))


@dataclass
class Schedule:
    """All work of a run in order, and what is known of this machine's speed.

    `history` holds (elapsed, expected) seconds of builds that this machine finished before.
    """

    tasks: dict[str, Task] = field(default_factory=dict)
    history: list[tuple[float, float]] = field(default_factory=list)
    cores: int | None = None

    def scale(self) -> float:
        """This machine's seconds for one expected second."""
        done = [*self.history, *((t.ended - t.started, t.expected) for t in self.tasks.values() if t.state == "done")]
        # Short builds tell of downloads and of a first look at the standard library, not of how quickly this one goes.
        telling = [(elapsed, expected) for elapsed, expected in done if expected >= _TELLING_SECONDS]
        if not telling:
            return initial_scale(self.cores)
        return max(_BEST_SCALE, sum(elapsed for elapsed, _ in telling) / sum(expected for _, expected in telling))

    def left(self, task: Task, now: float) -> float:
        """Seconds that one task still takes."""
        if task.state in ("done", "failed"):
            return 0.0
        expected = task.expected * self.scale()
        if task.state == "waiting":
            return expected
        elapsed = task.elapsed(now)
        by_pins = max(expected - elapsed, 0.1 * elapsed)
        if not task.fraction:
            return by_pins
        by_fraction = elapsed * (1 - task.fraction) / task.fraction
        # The further a build is, the more its own count of packages says than the pins do.
        return task.fraction * by_fraction + (1 - task.fraction) * by_pins

    def total_left(self, now: float) -> float:
        """Seconds that all tasks together still take."""
        return sum(self.left(task, now) for task in self.tasks.values())
