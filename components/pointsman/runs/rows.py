"""Rows of any database become runs and steps; what cannot be one says why."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pointsman.runs.mapping import Part
from pointsman.runs.model import Run, RunState, Step

_LONGEST_NAME = 255  # bytes of one part of a path: NAME_MAX of Linux's file systems
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time_of(value: Any, unit: int = 1) -> datetime | None:
    """A time as databases have it: text of ISO 8601, a number since 1970 (`unit` of them a second), or a time itself.
    Without a zone it is UTC. Raises ValueError for what is none."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return _EPOCH + timedelta(seconds=value / unit)
        except OverflowError:
            raise ValueError(f"{value} is no time") from None
    if not isinstance(value, datetime):
        raise ValueError(f"{value!r} is no time")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def raw_time(value: datetime, like: Any, unit: int = 1) -> Any:
    """A time in the form that a column has, for comparing; `like` is one of the column's values.

    Text is cut to the second and has no zone: it sorts before all other times of that second.
    """
    if isinstance(like, bool) or not isinstance(like, str | int | float):
        return value.replace(tzinfo=None) if isinstance(like, datetime) and like.tzinfo is None else value
    if isinstance(like, str):
        return value.replace(tzinfo=None).isoformat("T" if "T" in like else " ", "seconds")
    since = (value - _EPOCH).total_seconds() * unit
    return int(since) if isinstance(like, int) else since


class Artifacts:
    """Where a run's artifacts are: what its row says, else a template; relative paths begin at `base`."""

    def __init__(self, template: str | None, base: Path) -> None:
        self._template, self._base = template, Path(os.path.abspath(base))  # noqa: PTH100  a link stays one

    def of(self, run_id: str, told: str | None) -> Path | None:
        """The folder; None without one, and where the run's id would lead the template out of its own folder."""
        if told:
            return self._absolute(told)
        if not self._template:
            return None
        before, _, _ = self._template.partition("{run_id}")
        root = self._absolute(before if before.endswith("/") else os.path.dirname(before))  # noqa: PTH120
        found = self._absolute(self._template.replace("{run_id}", run_id))
        return found if root and found and found != root and found.is_relative_to(root) else None

    def _absolute(self, told: str) -> Path | None:
        if "\0" in told or any(len(part.encode()) > _LONGEST_NAME for part in told.split("/")):
            return None
        return Path(os.path.abspath(self._base / told))  # noqa: PTH100  a link stays one


def run_of(
    row: Mapping[str, Any], steps: tuple[int, int, int, Any], part: Part, unit: int, artifacts: Artifacts
) -> Run:
    """A run of its row and of its steps: how many there are, are completed, failed, and when one changed last.

    `row["changed_at"]` is when the change counter saw it, for a table that does not tell. Raises ValueError that says
    what is wrong with a row that is half written.
    """
    run_id = row["id"]
    if run_id is None or isinstance(run_id, bytes) or not str(run_id).strip():
        raise ValueError(f"{run_id!r} is no id")
    run_id = str(run_id)
    times = {
        key: _time(key, row.get(key), unit)
        for key in ("created_at", "started_at", "finished_at", "heartbeat_at", "updated_at")
    }
    known = [value for value in times.values() if value]
    if not known:
        raise ValueError("it has no time at all")
    of_steps, counted = _time("updated_at of a step", steps[3], unit), time_of(row.get("changed_at"))
    changed = [value for value in (times["updated_at"], of_steps, counted) if value] or known
    return Run(
        id=run_id,
        name=_text(row, "name") or run_id,
        kind=_text(row, "kind") or "run",
        state=_state(row["state"], part),
        created_at=times["created_at"] or times["started_at"] or min(known),
        updated_at=max(changed),
        started_at=times["started_at"],
        finished_at=times["finished_at"],
        heartbeat_at=times["heartbeat_at"],
        attempt=_attempt(row.get("attempt")),
        artifacts=artifacts.of(run_id, _text(row, "artifacts") or None),
        error=_text(row, "error"),
        url=_text(row, "url"),
        trace_id=_text(row, "trace_id"),
        total_steps=steps[0],
        done_steps=steps[1],
        failed_steps=steps[2],
        labels={key[6:]: str(value) for key, value in row.items() if key.startswith("label_") and value is not None},
    )


def step_of(row: Mapping[str, Any], part: Part, unit: int, place: int) -> Step:
    """A step of its row; `place` is its position where the database knows none. Raises ValueError as `run_of` does."""
    position = row.get("position")
    return Step(
        run_id=str(row["run_id"]),
        name=_text(row, "name") or f"step {place}",
        state=_state(row["state"], part),
        position=position if isinstance(position, int) else place,
        kind="agent" if _text(row, "kind") == "agent" else "step",
        started_at=_time("started_at", row.get("started_at"), unit),
        finished_at=_time("finished_at", row.get("finished_at"), unit),
        updated_at=_time("updated_at", row.get("updated_at"), unit),
        error=_text(row, "error"),
    )


def _time(key: str, value: Any, unit: int) -> datetime | None:
    try:
        return time_of(value, unit)
    except ValueError:
        raise ValueError(f"{key} is {str(value)[:60]!r}, which is no time") from None


def _state(word: Any, part: Part) -> RunState:
    if word in part.states:
        return part.states[word]
    known = ", ".join(part.states)
    raise ValueError(f"state is {str(word)[:60]!r}; expected one of {known}" if word else "it has no state yet")


def _attempt(value: Any) -> int:
    if value is None:
        return 1
    if isinstance(value, int) and value >= 1:
        return value
    raise ValueError(f"attempt is {value!r}; expected a number from 1 on")


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value if value is not None else "")
