"""The monitor's own time: a wall clock for what is written down, a steady one that shows when the wall clock jumped."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """The wall clock, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that only ever grow, by the pace of the wall clock, from an unknown beginning."""
        ...


class SystemClock:
    """The machine's."""

    def now(self) -> datetime:
        """The wall clock, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since boot, sleep apart."""
        return time.monotonic()
