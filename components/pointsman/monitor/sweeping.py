"""The round through all runs that have not ended, a few a second: a row that was deleted says nothing of itself."""

from __future__ import annotations

import math

from pointsman.monitor.register import Register

# A round takes a minute, or with few runs as many seconds as hundreds of runs, but never less than the second.
ROUND_SECONDS, LEAST_ROUND_SECONDS, LEAST_AT_ONCE = 60.0, 5.0, 100
STEP_SECONDS = 1.0


class Sweep:
    """Whose turn it is. `steady` is always the monitor's steady clock."""

    def __init__(self, register: Register, source: str, steady: float) -> None:
        self._register = register
        self._source = source
        self._next_at = self._began = steady
        self._beyond = ""
        self._size = LEAST_AT_ONCE

    def turn(self, steady: float) -> list[str]:
        """Ids of the runs to ask for now."""
        if steady < self._next_at:
            return []
        if not self._beyond:
            self._began = steady
            active = self._register.count_active(self._source)
            self._size = max(LEAST_AT_ONCE, math.ceil(active / ROUND_SECONDS * STEP_SECONDS))
        ids = self._register.active(self._source, self._beyond, self._size)
        self._next_at = steady + STEP_SECONDS
        if len(ids) < self._size:
            self._beyond = ""
            self._next_at = max(self._next_at, self._began + LEAST_ROUND_SECONDS)
        else:
            self._beyond = ids[-1]
        return ids
