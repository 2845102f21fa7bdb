"""A point in time that a wait may not pass."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Deadline:
    """`started` and `seconds` are in seconds of the monotonic clock."""

    started: float
    seconds: float

    @classmethod
    def within(cls, seconds: float) -> Deadline:
        """A deadline that many seconds from now."""
        return cls(time.monotonic(), seconds)

    @property
    def elapsed(self) -> float:
        """Seconds since the wait began."""
        return time.monotonic() - self.started

    @property
    def left(self) -> float:
        """Seconds that are left, never less than zero."""
        return max(0.0, self.seconds - self.elapsed)

    @property
    def passed(self) -> bool:
        """Whether the time is up."""
        return self.elapsed > self.seconds
