"""The run monitor as a process of its own: how soon it sees ends, at what cost, and what days of runs leave behind.

Printed; nothing is asserted. CPU is of the monitor's process alone, as a share of one core.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from pointsman.monitor import records
from pointsman.monitor.events import EventKind
from pointsman.monitor.journal import Journal
from pointsman.runs import simulating
from pointsman.runs.simulating import How
from tests.benchmarks.storing import WRITER
from tests.postgres import Database, serving
from tests.standins.sinks import HttpSink, until
from tests.unit.monitor.running.world import ROOT, Running, Site

SECONDS = 30
SETTLE_SECONDS = 5
OFF = {"enabled": False}
# A week of a run every three minutes, in a quarter of an hour.
SOAK_SECONDS = float(os.environ.get("POINTSMAN_SOAK_SECONDS", 900))
DAYS, RUNS_A_DAY = 7, 480


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Database | None]:
    """An empty one of each kind; None is SQLite's."""
    with ExitStack() as running:
        yield running.enter_context(serving()).database() if request.param == "postgresql" else None


@pytest.mark.parametrize("active", [100, 1000, 10000])
def test_ends_are_seen_soon_and_cheaply(database: Database | None, active: int, tmp_path: Path) -> None:
    """1 % of the active runs change a second, one in ten of those ends; the time is from before the writer's commit
    until the monitor has read it."""
    with HttpSink() as sink:
        site = Site(tmp_path, sink, database, traces=None)
        site.settle(archive=OFF, reports=OFF, traces=None)
        site.write("alerts.yaml", {"rules": {name: {"enabled": False} for name in ("RunCompleted", "RunFailed")}})
        simulating.create(site.store, How.STALLING, active, steps=0, base=site.folder)
        with site.monitor() as monitor:
            until(lambda: _seen(monitor, active), "all runs are known, and logged as begun", 300)
            time.sleep(SETTLE_SECONDS)
            process = psutil.Process(monitor.process.pid)
            command = [sys.executable, "-c", WRITER, site.store.model_dump_json(), str(SECONDS), "10"]
            writer = subprocess.Popen(command, env={"PYTHONPATH": str(ROOT / "components")}, cwd=site.folder)
            began, used = time.monotonic(), _processor_seconds(process)
            writer.wait()
            share = (_processor_seconds(process) - used) / (time.monotonic() - began)
            time.sleep(SETTLE_SECONDS)
            memory = process.memory_info().rss / 2**20
        latencies = sorted(_latencies(site))
    kind = "postgresql" if database else "sqlite"
    p50, p99 = statistics.median(latencies), latencies[int(0.99 * (len(latencies) - 1))]
    print(
        f"\n    {kind:<10} {active:>6} active  ends seen {len(latencies):>4}  p50 {p50:.3f} s  p99 {p99:.3f} s"
        f"  CPU {100 * share:.2f} % of a core  {memory:.0f} MiB"
    )


def test_a_week_of_runs(tmp_path: Path) -> None:
    """Runs of seven days in fifteen minutes, with every handler: memory, descriptors and lag, a line a minute."""
    with HttpSink() as sink:
        site = Site(tmp_path, sink)
        site.settle(
            limits={"retention": f"{round(SOAK_SECONDS / DAYS)}s"}, archive={"min_free": "1B", "keep_size": "1MiB"}
        )
        begun, made, told = time.monotonic(), 0, 0.0
        with site.monitor() as monitor:
            process = psutil.Process(monitor.process.pid)
            until(lambda: _answers(monitor), "it answers", 60)
            while (passed := time.monotonic() - begun) < SOAK_SECONDS:
                due = int(passed / SOAK_SECONDS * DAYS * RUNS_A_DAY) - made
                for how, count in ((How.COMPLETING, due - due // 10), (How.FAILING, due // 10)):
                    if count > 0:
                        simulating.create(site.store, how, count, steps=2, base=site.folder)
                made += max(0, due)
                simulating.advance(site.store, base=site.folder)
                if passed >= told:
                    told += SOAK_SECONDS / 15
                    _show(process, monitor, site, passed, made)
                time.sleep(1)
            until(lambda: not site.pending(), "all is delivered", 60)
            _show(process, monitor, site, time.monotonic() - begun, made)


def _show(process: psutil.Process, monitor: Running, site: Site, passed: float, made: int) -> None:
    journal = sum(each.stat().st_size for each in (site.folder / ".state/monitor").iterdir()) / 2**20
    queues, lags = monitor.page("queue_depth").values(), monitor.page("poll_lag_seconds").values()
    print(
        f"    {passed:5.0f} s  day {passed / SOAK_SECONDS * DAYS:3.1f}  runs {made:>5}"
        f"  memory {process.memory_info().rss / 2**20:6.1f} MiB  descriptors {process.num_fds():>3}"
        f"  threads {process.num_threads():>2}  lag {max(lags, default=0):5.2f} s  waiting {int(sum(queues)):>3}"
        f"  dead {int(sum(monitor.page('dead_letters').values()))}  journal {journal:5.2f} MiB",
        flush=True,
    )


def _answers(monitor: Running) -> bool:
    try:
        return monitor.get("/healthz").status_code == 200
    except OSError:
        return False
    except Exception as error:
        if "Connect" in type(error).__name__:
            return False
        raise


def _seen(monitor: Running, active: int) -> bool:
    if not _answers(monitor) or sum(monitor.page("runs{").values()) < active:
        return False
    return not sum(monitor.page("queue_depth").values())


def _latencies(site: Site) -> Iterator[float]:
    journal = Journal(site.folder / ".state/monitor/journal.db")
    for (body,) in journal.rows("SELECT body FROM events"):
        event = records.event_of(json.loads(body))
        if event.kind is EventKind.COMPLETED:
            yield (event.at - event.run.updated_at).total_seconds()
    journal.close()


def _processor_seconds(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)
