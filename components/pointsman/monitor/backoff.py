"""When a delivery that failed is tried again, and when it is given up."""

from __future__ import annotations

import zlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Waits of `first` seconds, each `factor` times the last, none above `longest`; given up after `attempts`.

    Each wait is drawn out by up to `spread` of itself, by what is tried, so that a crowd does not come back at once.
    The defaults try for about an hour.
    """

    first: float = 1.0
    factor: float = 2.0
    longest: float = 600.0
    attempts: int = 15
    spread: float = 0.2

    def wait(self, tried: int, what: str) -> float:
        """Seconds to wait after `tried` attempts (1 or more) at `what`: the same for the same."""
        # Beyond 60 doublings a float has left every bound behind.
        plain = min(self.first * self.factor ** min(tried - 1, 60), self.longest)
        return plain * (1 + self.spread * zlib.crc32(f"{what}/{tried}".encode()) / 0xFFFFFFFF)

    def spent(self, tried: int) -> bool:
        """Whether there is to be no further attempt."""
        return tried >= self.attempts
