"""How long a run may be queued, silent, running or waiting for approval before people are told."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True)
class KindLimits:
    """The limits of one kind of run, in seconds.

    `running` is a fixed limit of running time; None asks the kind's own history: `times_p99` times the 99th percentile
    of how long its completed runs ran, never below `least_running`, and `unknown_running` while fewer than `samples` of
    them are known. Time spent waiting for approval is not running time.
    """

    queued: float = 30 * MINUTE
    silent: float = 30 * MINUTE
    approval: float = DAY
    running: float | None = None
    times_p99: float = 3.0
    samples: int = 20
    least_running: float = 5 * MINUTE
    unknown_running: float = DAY


@dataclass(frozen=True)
class Bounds:
    """What holds for one run now, in seconds; `running_why` says where the limit of running time is from.

    `settle` is how long an end that is only half written may become whole; an attempt that ended more than
    `retention` before it was seen first is not told of.
    """

    queued: float
    silent: float
    approval: float
    running: float
    running_why: str = "its limit"
    settle: float = 2.0
    retention: float = 30 * DAY


@dataclass(frozen=True)
class Limits:
    """Limits of all runs: `kinds` names those that differ from `default`. `settle` and `retention` as in Bounds.

    The journal forgets what ended or was told more than `retention` seconds ago.
    """

    default: KindLimits = KindLimits()
    kinds: Mapping[str, KindLimits] = field(default_factory=dict)
    settle: float = 2.0
    retention: float = 30 * DAY

    def bounds(self, kind: str, durations: Durations) -> Bounds:
        """What holds for a run of this kind whose history is `durations`."""
        limits = self.kinds.get(kind, self.default)
        running, why = _running(limits, durations)
        return Bounds(limits.queued, limits.silent, limits.approval, running, why, self.settle, self.retention)


@dataclass(frozen=True)
class Durations:
    """What is known of how long completed runs of a kind ran: how many, and their 99th percentile in seconds."""

    count: int = 0
    p99: float = 0.0


def summed_up(seconds: Sequence[float]) -> Durations:
    """The 99th percentile by nearest rank: the least of `seconds` that 99 % of them do not exceed."""
    if not seconds:
        return Durations()
    return Durations(len(seconds), sorted(seconds)[math.ceil(0.99 * len(seconds)) - 1])


def span(seconds: float) -> str:
    """A length of time for people: `90 s`, `30 min`, `1.5 h`, `2 days`."""
    for least, unit, name in ((2 * DAY, DAY, "days"), (HOUR, HOUR, "h"), (2 * MINUTE, MINUTE, "min")):
        if seconds >= least:
            return f"{round(seconds / unit, 1):g} {name}"
    return f"{round(seconds, 1):g} s"


def _running(limits: KindLimits, durations: Durations) -> tuple[float, str]:
    if limits.running is not None:
        return limits.running, "its limit"
    if durations.count < limits.samples:
        return limits.unknown_running, "the limit while little is known of its kind"
    reached = max(limits.times_p99 * durations.p99, limits.least_running)
    return reached, f"{limits.times_p99:g} times the p99 of the last {durations.count} of its kind"
