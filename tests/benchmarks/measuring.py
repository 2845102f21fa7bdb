"""How figures are taken and printed: minimum, median and maximum of some runs, in seconds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def timed(call: Callable[[], object]) -> float:
    """Wall seconds of a call."""
    started = time.monotonic()
    call()
    return time.monotonic() - started


def show(what: str, values: list[float]) -> None:
    """One row of figures."""
    print(f"    {what:<44} min {min(values):6.2f}  median {statistics.median(values):6.2f}  max {max(values):6.2f}")
