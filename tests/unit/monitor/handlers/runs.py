"""Runs, steps and events for tests of handlers."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pointsman.monitor.events import Event, EventKind
from pointsman.monitor.handling import Occurrence
from pointsman.runs.model import Run, RunState, Step

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    """So long after the run began."""
    return START + timedelta(seconds=seconds)


def run(run_id: str = "deploy-1", artifacts: Path | None = None, **more: Any) -> Run:
    """A run that waited 10 s and completed after 100 s."""
    given: dict[str, Any] = {
        "name": "deploy shop",
        "kind": "deployment",
        "state": RunState.COMPLETED,
        "created_at": after(-10),
        "updated_at": after(100),
        "started_at": after(0),
        "finished_at": after(100),
    }
    return Run(id=run_id, artifacts=artifacts, **(given | more))


def steps(run_id: str = "deploy-1") -> tuple[Step, ...]:
    """One that went well, an agent that failed, and one that never began."""
    return (
        Step(run_id, "build", RunState.COMPLETED, 0, "step", after(0), after(40), after(40)),
        Step(run_id, "review", RunState.FAILED, 1, "agent", after(40), after(100), after(100), "no <answer> & no end"),
        Step(run_id, "publish", RunState.QUEUED, 2),
    )


def occurrence(of: Run, kind: EventKind = EventKind.COMPLETED, ordinal: int = 0, with_steps: bool = True) -> Occurrence:
    """The end of a run."""
    event = Event(kind, of, after(101), "all 3 steps are done", ordinal=ordinal)
    return Occurrence(event, steps(of.id) if with_steps else ())


def artifacts(folder: Path) -> Path:
    """A folder with a text, bytes that cannot be compressed, an empty file, an empty folder and a link inside."""
    (folder / "logs" / "deep").mkdir(parents=True)
    (folder / "logs" / "build.log").write_text("compiled\n" * 5000)
    (folder / "logs" / "deep" / "noise.bin").write_bytes(random.Random(1).randbytes(20_000))
    (folder / "empty.txt").touch()
    (folder / "nothing").mkdir()
    (folder / "latest.log").symlink_to("logs/build.log")
    return folder
