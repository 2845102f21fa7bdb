"""The handler `metrics`: runs that ended and stalled, counted, and how long they took."""

from __future__ import annotations

import itertools
import threading
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from pointsman.metrics_page.families import COUNTER, Family, Sample
from pointsman.monitor.events import Event, EventKind
from pointsman.monitor.handlers.naming import ENDINGS, text_of
from pointsman.monitor.handlers.summary import elapsed
from pointsman.monitor.handling import Occurrence
from pointsman.telemetry.names import APPROVAL_WAIT, WORKFLOW_SECONDS

PREFIX: Final = "pointsman_monitor_"
MOST_KINDS: Final = 100
"""Kinds of runs beyond these are counted as `other`: a label must be known in number."""
OTHER: Final = "other"

# A second delivery follows the first within minutes; the ids of so many events are 8 MB.
_REMEMBERED: Final = 1 << 16
_COUNTED: Final = ENDINGS | {EventKind.STALLED, EventKind.RECOVERED}
Labels = tuple[tuple[str, str], ...]


@dataclass
class Durations:
    """A histogram over `bounds` in seconds: `buckets` count what fell into each, and beyond the last."""

    bounds: tuple[float, ...]
    buckets: list[int] = field(default_factory=list)
    sum: float = 0.0

    def add(self, seconds: float) -> None:
        """Counts one."""
        self.buckets = self.buckets or [0] * (len(self.bounds) + 1)
        self.buckets[bisect_left(self.bounds, seconds)] += 1
        self.sum += seconds


class Metrics:
    """Counts each event once: by its id in this process, and after a restart by what the journal says was counted."""

    name = "metrics"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._kinds: set[str] = set()
        self._ended: dict[Labels, int] = {}
        self._stalls: dict[Labels, int] = {}
        self._recovered: dict[Labels, int] = {}
        self._ran: dict[Labels, Durations] = {}
        self._queued: dict[Labels, Durations] = {}

    def wants(self, kind: EventKind) -> bool:
        """Ends, stalls and recoveries."""
        return kind in _COUNTED

    def handle(self, occurrence: Occurrence) -> str:
        """Counts; a second call does not."""
        return "counted" if self._counted(occurrence.event) else "is counted already"

    def restore(self, events: Iterable[Event]) -> None:
        """Counts at start what was delivered to this handler before: the journal's events whose delivery is done."""
        for event in events:
            if self.wants(event.kind):
                self._counted(event)

    def families(self) -> tuple[Family, ...]:
        """What the page shows."""
        with self._lock:
            return (
                _counter("runs_ended", "Runs that ended, by kind of run and how.", self._ended),
                _counter("run_stalls", "Stalls of runs, by kind of run and of stall.", self._stalls),
                _counter("runs_recovered", "Runs that went on after a stall.", self._recovered),
                *histogram("run_duration", "How long runs took that ended.", self._ran),
                *histogram("run_queue", "How long runs waited to begin.", self._queued),
            )

    def _counted(self, event: Event) -> bool:
        run = event.run
        with self._lock:
            if event.id in self._seen:
                return False
            self._seen[event.id] = None
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
            kind = ("run_kind", self._kind(text_of(run.kind)))
            if event.kind is EventKind.STALLED:
                _add(self._stalls, (kind, ("stall", event.stall.value if event.stall else "")))
            elif event.kind is EventKind.RECOVERED:
                _add(self._recovered, (kind,))
            else:
                ended = (kind, ("state", event.kind.value.removeprefix("run_")))
                _add(self._ended, ended)
                _observe(self._ran, ended, WORKFLOW_SECONDS.boundaries, elapsed(run.started_at, run.finished_at))
                _observe(self._queued, (kind,), APPROVAL_WAIT.boundaries, elapsed(run.created_at, run.started_at))
        return True

    def _kind(self, kind: str) -> str:
        if kind not in self._kinds and len(self._kinds) == MOST_KINDS:
            return OTHER
        self._kinds.add(kind)
        return kind


def _add(counts: dict[Labels, int], labels: Labels) -> None:
    counts[labels] = counts.get(labels, 0) + 1


def _observe(into: dict[Labels, Durations], labels: Labels, bounds: tuple[float, ...], seconds: float | None) -> None:
    if seconds is not None:
        into.setdefault(labels, Durations(bounds)).add(seconds)


def _counter(name: str, meaning: str, counts: dict[Labels, int]) -> Family:
    samples = tuple(Sample(float(count), dict(labels)) for labels, count in counts.items())
    return Family(f"{PREFIX}{name}_total", meaning, samples, COUNTER)


def histogram(name: str, meaning: str, durations: dict[Labels, Durations]) -> Iterator[Family]:
    """A histogram of seconds, as the counters that it consists of; `name` is without prefix and unit."""
    full = f"{PREFIX}{name}_seconds"
    yield Family(f"{full}_bucket", meaning, tuple(_buckets(durations)), COUNTER)
    sums = tuple(Sample(each.sum, dict(labels)) for labels, each in durations.items())
    yield Family(f"{full}_sum", "Their seconds in all.", sums, COUNTER)
    counts = tuple(Sample(float(sum(each.buckets)), dict(labels)) for labels, each in durations.items())
    yield Family(f"{full}_count", "Their number.", counts, COUNTER)


def _buckets(durations: dict[Labels, Durations]) -> Iterator[Sample]:
    for labels, each in durations.items():
        bounds = (*(f"{bound:g}" for bound in each.bounds), "+Inf")
        for bound, total in zip(bounds, itertools.accumulate(each.buckets), strict=True):
            yield Sample(float(total), {**dict(labels), "le": bound})
