"""What it costs to follow a store: CPU and latency with many active runs of which one in a hundred changes each second.

Printed; nothing is asserted. Latency is from before the writer's commit to the read that tells it; CPU is of the
reading process alone, as a share of one core, the sleep between looks included.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pointsman.runs import simulating
from pointsman.runs.opening import opened
from pointsman.spec.runs import StoreSettings
from tests.benchmarks.measuring import timed
from tests.benchmarks.storing import WRITER
from tests.postgres import serving

SECONDS = 20
SOURCE = Path(__file__).parents[2] / "components"


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreSettings]:
    """An empty place for a store."""
    with ExitStack() as running:
        if request.param == "sqlite":
            yield StoreSettings(url=f"sqlite:///{tmp_path}/runs.db")
        else:
            yield running.enter_context(serving()).database().settings()


@pytest.mark.parametrize("active", [100, 1000, 10000])
def test_following(store: StoreSettings, active: int) -> None:
    """The source alone: what the monitor does with what it is told comes on top."""
    simulating.create(store, simulating.How.STALLING, active)
    source = opened(store)
    found = source.changes("")
    first = timed(lambda: _drain(store))
    while found.more:
        found = source.changes(found.cursor)
    command = [sys.executable, "-c", WRITER, store.model_dump_json(), str(SECONDS), "0"]
    writer = subprocess.Popen(command, env={"PYTHONPATH": str(SOURCE)})
    latencies, reads, begun, used = list[float](), 0, time.monotonic(), _processor_seconds()
    while writer.poll() is None:
        if source.wait(1):
            found = source.changes(found.cursor)
            now = datetime.now(UTC)
            latencies += [(now - run.heartbeat_at).total_seconds() for run in found.runs if run.heartbeat_at]
            reads += 1
    share = (_processor_seconds() - used) / (time.monotonic() - begun)
    source.close()
    latencies.sort()
    p50, p99 = statistics.median(latencies), latencies[int(len(latencies) * 0.99)]
    print(
        f"\n  {store.url.partition(':')[0]}, {active} active, {len(latencies) / SECONDS:.0f} changes/s: "
        f"latency p50 {p50:.3f} s, p99 {p99:.3f} s, CPU {share * 100:.2f} % of a core, "
        f"{reads / SECONDS:.1f} reads/s; from nothing {first:.2f} s"
    )


def _drain(store: StoreSettings) -> None:
    source, cursor, more = opened(store), "", True
    while more:
        found = source.changes(cursor)
        cursor, more = found.cursor, found.more
    source.close()


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
