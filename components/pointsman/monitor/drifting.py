"""Clocks that are not what they seem: the monitor's own, when it is set, and the writers', when they are off."""

from __future__ import annotations

import logging
from collections import deque
from datetime import datetime

from pointsman.monitor.clock import Clock
from pointsman.runs.model import Run

# The wall clock was set, or the machine slept, where it and the steady one differ by more than this between two looks.
JUMP_SECONDS = 5.0
# Writers' clocks that are off by less count as right; how far off is the least of so many changes, once some are known.
SKEW_SECONDS, LAST, SOME = 2.0, 32, 8

_log = logging.getLogger(__name__)


class Jumps:
    """By how much the wall clock jumped between two looks at it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wall, self._steady = clock.now().timestamp(), clock.monotonic()

    def looked(self) -> tuple[datetime, float]:
        """The time now, and the jump since the last look in seconds; 0 where there was none."""
        now, steady = self._clock.now(), self._clock.monotonic()
        jump = (now.timestamp() - self._wall) - (steady - self._steady)
        self._wall, self._steady = now.timestamp(), steady
        if abs(jump) <= JUMP_SECONDS:
            return now, 0.0
        _log.warning("the clock jumped by %.0f s: all that is reckoned in time moves with it", jump)
        return now, jump


class Skew:
    """How many seconds the monitor's clock is ahead of the writers', learned from changes that were just made."""

    def __init__(self, known: float) -> None:
        self.seconds = known
        self._moves: deque[float] = deque(maxlen=LAST)

    def measure(self, before: Run, run: Run, now: datetime) -> None:
        """Takes a change that was made while the monitor looked on: its lateness is the difference, or more."""
        if run.updated_at > before.updated_at:
            written_at = max(run.updated_at, run.heartbeat_at or run.updated_at)
            self._moves.append((now - written_at).total_seconds())

    def settle(self, source: str) -> float:
        """What it is now; the one known before, while it is about the same."""
        if len(self._moves) >= SOME:
            least = min(self._moves)
            least = least if abs(least) >= SKEW_SECONDS else 0.0
            if abs(least - self.seconds) >= SKEW_SECONDS:
                _log.warning("the clock of %s's writers is %.0f s behind the monitor's", source, least)
                self.seconds = least
        return self.seconds
