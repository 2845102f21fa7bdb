"""The monitor's speed and size: how soon ends are seen, at what cost, and memory over a million runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from pointsman.monitor.bus import Bus, audience
from pointsman.monitor.clock import SystemClock
from pointsman.monitor.journal import Journal
from pointsman.monitor.limits import Limits
from pointsman.monitor.watching import Watcher
from pointsman.runs.model import Run, RunState
from pointsman.runs.source import Changes
from tests.benchmarks.watching import Nothing, measured
from tests.unit.monitor.world import ManualClock, MemorySource, a_run, after

SECONDS = 20.0
MILLION, PAGE = 1_000_000, 1000


class Polled(MemorySource):
    """A source in memory that is looked at as SQLite's `data_version` is."""

    _seen = 0

    def wait(self, seconds: float) -> bool:
        time.sleep(seconds)
        changed, self._seen = self._seen != len(self.log), len(self.log)
        return changed

    def put(self, runs: Sequence[Run]) -> None:
        """Writes rows."""
        self.write(*runs)


@pytest.mark.parametrize("active", [100, 1_000, 10_000])
def test_ends_are_seen_soon_and_cheaply(active: int, tmp_path: Path) -> None:
    """Latency of detection and CPU with 1 % of the active runs changing a second, without a database's own cost."""
    source = Polled()
    measured(source, source.put, active, SECONDS, tmp_path).show("in memory")


class Endless(MemorySource):
    """A source whose runs have all ended, a thousand a look, and that keeps none."""

    def changes(self, cursor: str, limit: int = 1000) -> Changes:
        start = int(cursor or 0)
        end = min(start + PAGE, MILLION)
        time_ = after(start / PAGE)
        template = a_run(RunState.COMPLETED, start / PAGE, started_at=time_ - timedelta(seconds=9))
        runs = tuple(replace(template, id=f"run-{each:08}") for each in range(start, end))
        return Changes(runs, str(end))


def test_memory_is_flat_over_a_million_runs(tmp_path: Path) -> None:
    """A million runs end, a thousand a second of the monitor's clock, of which the journal keeps the last 100 s."""
    clock, source, journal = ManualClock(), Endless(), Journal(tmp_path / "journal.db")
    watcher = Watcher(source, journal, Limits(retention=100.0), clock)
    process, began = psutil.Process(), time.monotonic()
    for page in range(MILLION // PAGE):
        clock.pass_(1)
        watcher.step()
        watcher.due()
        if (page + 1) % 100 == 0:
            size = sum(each.stat().st_size for each in tmp_path.iterdir()) / 2**20
            print(
                f"    {(page + 1) * PAGE:>9} runs ended  memory {process.memory_info().rss / 2**20:6.1f} MiB"
                f"  journal {size:6.1f} MiB  {time.monotonic() - began:6.1f} s"
            )
    journal.close()


def test_deliveries_a_second(tmp_path: Path) -> None:
    """How many events one handler that does nothing is given a second, each settled on the disk."""
    clock, source, journal, handler = SystemClock(), MemorySource(), Journal(tmp_path / "journal.db"), Nothing()
    now = clock.now()
    ended = a_run(RunState.COMPLETED, created_at=now, updated_at=now, started_at=now, finished_at=now)
    source.write(*(replace(ended, id=f"run-{each}") for each in range(PAGE)))
    Watcher(source, journal, Limits(), clock, audience([handler])).step()
    bus = Bus(journal, [handler], clock, steps=lambda run: source.steps(run.id))
    began = time.monotonic()
    while bus.turn(handler.name):
        pass
    print(f"    {PAGE / (time.monotonic() - began):7.0f} deliveries a second")
    journal.close()
