"""Runs, steps and events as JSON in the journal. What has its default value is left out."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from pointsman.monitor.events import Event, EventKind, Stall
from pointsman.runs.model import Run, RunState, Step

Record = dict[str, Any]

_RUN_TIMES = ("created_at", "updated_at", "started_at", "finished_at", "heartbeat_at")
_STEP_TIMES = ("started_at", "finished_at", "updated_at")
_RUN_REST = ("error", "url", "trace_id", "total_steps", "done_steps", "failed_steps")


_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


def text(record: object) -> str:
    """JSON without spaces."""
    return _encoder.encode(record)


def of_run(run: Run) -> Record:
    """A run as JSON's values."""
    record: Record = {"id": run.id, "name": run.name, "kind": run.kind, "state": run.state.value}
    record |= {"source": run.source, "attempt": run.attempt}
    for name in _RUN_TIMES:
        if (time := getattr(run, name)) is not None:
            record[name] = time.isoformat()
    for name in _RUN_REST:
        if value := getattr(run, name):
            record[name] = value
    if run.artifacts is not None:
        record["artifacts"] = str(run.artifacts)
    if run.labels:
        record["labels"] = dict(run.labels)
    return record


def run_of(record: Record) -> Run:
    """The run that `of_run` was given."""
    values = dict(record)
    values["state"] = RunState(values["state"])
    if "artifacts" in values:
        values["artifacts"] = Path(values["artifacts"])
    return Run(**_with_times(values, _RUN_TIMES))


def of_step(step: Step) -> Record:
    """A step as JSON's values."""
    record: Record = {"run_id": step.run_id, "name": step.name, "state": step.state.value}
    record |= {"position": step.position, "kind": step.kind, "error": step.error}
    times = {name: getattr(step, name) for name in _STEP_TIMES}
    return record | {name: time.isoformat() for name, time in times.items() if time is not None}


def step_of(record: Record) -> Step:
    """The step that `of_step` was given."""
    return Step(**_with_times({**record, "state": RunState(record["state"])}, _STEP_TIMES))


def of_event(event: Event) -> Record:
    """An event as JSON's values."""
    record: Record = {"kind": event.kind.value, "run": of_run(event.run), "at": event.at.isoformat()}
    record |= {"reason": event.reason, "ordinal": event.ordinal}
    return record | ({"stall": event.stall.value} if event.stall else {})


def event_of(record: Record) -> Event:
    """The event that `of_event` was given."""
    return Event(
        kind=EventKind(record["kind"]),
        run=run_of(record["run"]),
        at=datetime.fromisoformat(record["at"]),
        reason=record["reason"],
        stall=Stall(record["stall"]) if "stall" in record else None,
        ordinal=record["ordinal"],
    )


def _with_times(values: Record, names: tuple[str, ...]) -> Record:
    for name in names:
        if name in values:
            values[name] = datetime.fromisoformat(values[name])
    return values
