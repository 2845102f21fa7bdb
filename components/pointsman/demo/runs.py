"""Runs for the run monitor to watch while the demo goes on: they end in every way, one stalls, one is left waiting."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from pointsman.runs import simulating
from pointsman.runs.owned import init
from pointsman.runs.simulating import How
from pointsman.spec.runs import StoreSettings

KIND = "demo"
STEPS = 3
ENDING = {How.COMPLETING: 4, How.FAILING: 1, How.CANCELLING: 1}
# Above the longest silence that the spec's default allows: it stalls as soon as it is seen.
SILENT_FOR = timedelta(minutes=45)


class WatchedRuns:
    """What the demo puts into a store of Pointsman's own, and takes on step by step."""

    def __init__(self, store: StoreSettings, base: Path) -> None:
        self._store, self._base = store, base
        self.made: dict[How, list[str]] = {}

    def begin(self) -> None:
        """Ends what an earlier demo left, and begins anew. Raises UsageError and
        UnreachableError where the store is none to write to."""
        wanted = {**ENDING, How.SILENT: 1, How.WAITING: 1}
        init(self._store, self._base)
        simulating.cancel(self._store, KIND, base=self._base)
        for how, count in wanted.items():
            age = SILENT_FOR if how is How.SILENT else timedelta(0)
            self.made[how] = simulating.create(
                self._store, how, count, steps=STEPS, kind=KIND, age=age, base=self._base
            )

    def go_on(self, seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
        """Takes them to their ends, evenly over `seconds`."""
        for _ in range(STEPS):
            sleep(seconds / STEPS)
            simulating.advance(self._store, base=self._base)
