"""What the monitor keeps of a run between two looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pointsman.monitor.events import Stall
from pointsman.runs.model import Run


@dataclass(frozen=True)
class Watched:
    """A run under watch. All times are seconds since 1970 by the monitor's clock.

    `run` is the run as its source had it last, `attempt` the number that events bear: it grows too where a source
    runs a run again and does not count. `since` is when the present state began, `active_at` when the run last showed
    life, `began` when it began to run, moved on by the time that it waited for approval (None before). `stalls` are
    those that were told and are not over. `told` counts the events of this attempt by kind and stall. `settling` is
    when an end was seen that is half written. `due_at` is when time alone may bring the next event.
    """

    run: Run
    attempt: int
    since: float
    active_at: float
    began: float | None = None
    stalls: frozenset[Stall] = frozenset()
    told: Mapping[str, int] = field(default_factory=dict)
    settling: float | None = None
    due_at: float | None = None
    ended_at: float | None = None
    gone: bool = False

    @property
    def source(self) -> str:
        """Where it was read."""
        return self.run.source

    @property
    def ran(self) -> float | None:
        """Seconds that the attempt ran, waits for approval apart; None where it has not ended or began unseen."""
        if self.ended_at is None or self.began is None:
            return None
        return max(0.0, self.ended_at - self.began)
