"""How often a request is tried again and how long is waited: bounded, with jitter, and as GitHub asks."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pointsman.github.failures import Answer, Lost

# Statuses of a server or a proxy in trouble; 501 and 505 do not get better by waiting.
PASSING = frozenset({500, 502, 503, 504})


@dataclass(frozen=True)
class Clock:
    """Time and chance, for tests to put their own in: `now` is the wall clock in UTC, `random` is in [0, 1)."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random


@dataclass(frozen=True)
class Patience:
    """At most `tries` tries of a request, and at most `budget` seconds of waiting between them.

    Between tries it waits up to `first` seconds, doubled each time, at most `longest` ("full jitter"); a rate limit is
    waited for as long as GitHub says when that fits the budget, else given up at once.
    """

    tries: int = 5
    budget: float = 60.0
    first: float = 0.5
    longest: float = 10.0

    def wait(self, failure: Answer | Lost, repeatable: bool, attempt: int, waited: float, clock: Clock) -> float | None:
        """Seconds to wait before trying again after try number `attempt`, or None to give up."""
        if attempt >= self.tries or not self._again(failure, repeatable):
            return None
        if isinstance(failure, Answer) and failure.limited:
            # A moment more than GitHub says, and not the same for everyone who waits.
            wait = failure.pause(clock.now()) + clock.random()
        else:
            wait = min(self.longest, self.first * 2 ** (attempt - 1)) * clock.random()
        return wait if waited + wait <= self.budget else None

    @staticmethod
    def _again(failure: Answer | Lost, repeatable: bool) -> bool:
        if isinstance(failure, Lost):
            return repeatable or not failure.sent
        return failure.limited or (repeatable and failure.status in PASSING)


HURRIED = Patience(tries=1, budget=0.0)
