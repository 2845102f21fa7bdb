"""The monitor's figures of itself: what it read, found and delivered, and how late."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from pointsman.metrics_page.families import COUNTER, Family, Sample, each
from pointsman.monitor.bus import Delivered, Outcome
from pointsman.monitor.clock import Clock
from pointsman.monitor.events import Event, EventKind
from pointsman.monitor.handlers.metrics import MOST_KINDS, OTHER, PREFIX, Durations, Labels, histogram
from pointsman.monitor.handlers.naming import text_of

# Found within a second is the aim, and within ten the bound.
LATENCY_BOUNDS: Final = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0)
# Handlers work for milliseconds, or for as long as a large archive takes.
HANDLER_BOUNDS: Final = (0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 600.0)
# Events whose change was written at a moment; a stall comes of time alone.
_CHANGES: Final = frozenset({EventKind.STARTED, EventKind.COMPLETED, EventKind.FAILED, EventKind.CANCELLED})


@dataclass
class SourceState:
    """How reading a source goes. Times are of the steady clock, `succeeded_at` is in seconds since 1970.

    `down` is the reason in a word, empty while it answers; `since` is when it went away.
    """

    polls: int = 0
    succeeded_at: float = 0.0
    read_at: float | None = None
    down: str = ""
    said: str = ""
    since: float = 0.0
    malformed: int = 0


@dataclass
class Measures:
    """All figures of one process. Every method may be called from any thread."""

    clock: Clock
    sources: dict[str, SourceState] = field(default_factory=dict)
    _detections: Counter[str] = field(default_factory=Counter)
    _failures: Counter[str] = field(default_factory=Counter)
    _latency: dict[Labels, Durations] = field(default_factory=dict)
    _handling: dict[Labels, Durations] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def polled(self, source: str, malformed: int = 0) -> None:
        """A source was read to its end."""
        with self._lock:
            state = self.sources.setdefault(source, SourceState())
            state.polls += 1
            state.malformed += malformed
            state.read_at, state.succeeded_at = self.clock.monotonic(), self.clock.now().timestamp()
            state.down = state.said = ""

    def failed(self, source: str, reason: str, said: str) -> bool:
        """A source did not answer; whether that is news."""
        with self._lock:
            state = self.sources.setdefault(source, SourceState())
            state.polls += 1
            is_new = state.down != reason
            if not state.down:
                state.since = self.clock.monotonic()
            state.down, state.said = reason, said
            return is_new

    def detected(self, events: Iterable[Event], skew: float, *, live: bool) -> None:
        """Events were found; `live` while the source is read as it changes, so that lateness means something."""
        with self._lock:
            for event in events:
                self._detections[event.kind.value] += 1
                if live and event.kind in _CHANGES:
                    self._latency.setdefault((), Durations(LATENCY_BOUNDS)).add(self._late(event, skew))

    def _late(self, event: Event, skew: float) -> float:
        """Seconds since the change was written: what was not there at the last look came later, whatever time it bears,
        as with rows that are filled in afterwards."""
        told = max(0.0, (event.at - event.run.updated_at).total_seconds() - skew)
        state = self.sources.get(event.run.source)
        return told if state is None or state.read_at is None else min(told, self.clock.monotonic() - state.read_at)

    def delivered(self, delivered: Delivered) -> None:
        """A handler was asked."""
        with self._lock:
            if delivered.outcome is not Outcome.DONE:
                self._failures[delivered.handler] += 1
            labels: Labels = (("handler", delivered.handler),)
            self._handling.setdefault(labels, Durations(HANDLER_BOUNDS)).add(delivered.seconds)

    def families(self, handlers: Iterable[str] = ()) -> Iterator[Family]:
        """What the page shows of it; a handler of `handlers` that never failed has failed 0 times."""
        with self._lock:
            states = dict(self.sources)
            now = self.clock.monotonic()
            polls = {name: float(state.polls) for name, state in states.items()}
            lag = {name: now - state.read_at for name, state in states.items() if state.read_at is not None}
            last = {name: state.succeeded_at for name, state in states.items() if state.succeeded_at}
            up = {name: float(not state.down) for name, state in states.items()}
            malformed = {name: float(state.malformed) for name, state in states.items()}
            yield each(f"{PREFIX}polls_total", "Reads of a source, failed ones too.", "source", polls, COUNTER)
            yield each(f"{PREFIX}poll_lag_seconds", "How long ago a source was read to its end.", "source", lag)
            yield each(f"{PREFIX}last_success_timestamp_seconds", "When a source was last read.", "source", last)
            yield each(f"{PREFIX}source_up", "1 while a source answers.", "source", up)
            yield each(f"{PREFIX}malformed_total", "Rows that could not be read.", "source", malformed, COUNTER)
            found = {kind.value: float(self._detections[kind.value]) for kind in EventKind}
            yield each(f"{PREFIX}detections_total", "Events found, by kind.", "kind", found, COUNTER)
            yield from histogram("detection_latency", "How late changes were seen.", self._latency)
            yield from histogram("handler", "How long handlers worked at an event.", self._handling)
            failures = {name: float(self._failures[name]) for name in sorted({*handlers, *self._failures})}
            name = f"{PREFIX}handler_failures_total"
            yield each(name, "Deliveries that failed, to be tried again or given up.", "handler", failures, COUNTER)


def of_journal(
    counts: Mapping[tuple[str, str, str], int],
    pending: Mapping[str, int],
    dead: Mapping[str, int],
    names: Iterable[str],
) -> Iterator[Family]:
    """What the journal tells: runs that have not ended by (source, state, kind), and each handler's queues."""
    kinds = {kind for kind, _ in _by_kind(counts).most_common(MOST_KINDS)}
    runs: Counter[tuple[str, str]] = Counter()
    for (_, state, kind), count in counts.items():
        told = text_of(kind)
        runs[state, told if told in kinds else OTHER] += count
    samples = tuple(Sample(float(count), {"state": state, "kind": kind}) for (state, kind), count in runs.items())
    yield Family(f"{PREFIX}runs", "Runs that have not ended.", samples)
    every = sorted({*names, *pending, *dead})
    for name, meaning, found in (
        ("queue_depth", "Deliveries to be made.", pending),
        ("dead_letters", "Deliveries that were given up.", dead),
    ):
        yield each(f"{PREFIX}{name}", meaning, "handler", {handler: float(found.get(handler, 0)) for handler in every})


def _by_kind(counts: Mapping[tuple[str, str, str], int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_, _, kind), count in counts.items():
        found[text_of(kind)] += count
    return found
