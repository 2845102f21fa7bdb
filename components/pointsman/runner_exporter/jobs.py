"""Whether a job runs: the runner program starts one process called Runner.Worker for each job, below its unit.

The processes are looked up in /proc, which needs no D-Bus and no rights but that other users' processes are shown.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from pointsman.metrics_page.families import Family, one

PROC = Path("/proc")
WORKER = "Runner.Worker"
_READ = 4096


def read(unit: str, proc: Path = PROC, now: float | None = None) -> list[Family]:
    """Whether a worker of `unit` runs, and since when; `now` is seconds since boot."""
    begun = [start for start in (_begun(entry, unit) for entry in _processes(proc)) if start is not None]
    boot = time.clock_gettime(time.CLOCK_BOOTTIME) if now is None else now
    return [
        one("pointsman_runner_job_running", "Whether the runner runs a job.", bool(begun)),
        one(
            "pointsman_runner_job_seconds",
            "How long the present job has run, 0 without one.",
            round(max(boot - min(begun), 0.0), 2) if begun else 0.0,
        ),
    ]


def _processes(proc: Path) -> list[Path]:
    return [entry for entry in proc.iterdir() if entry.name.isdigit()]


def _begun(process: Path, unit: str) -> float | None:
    """When it began in seconds since boot, None for what is no worker of the unit or has gone meanwhile."""
    try:
        if _text(process / "comm").strip() != WORKER:
            return None
        groups = _text(process / "cgroup").splitlines()
        if not any(unit in group.split(":", 2)[-1].split("/") for group in groups):
            return None
        # The name, in brackets, may hold anything: fields are counted from its end ("proc_pid_stat", field 22).
        ticks = int(_text(process / "stat").rpartition(")")[2].split()[19])
    except OSError:
        return None
    return ticks / os.sysconf("SC_CLK_TCK")


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_READ).decode("utf-8", "replace")
