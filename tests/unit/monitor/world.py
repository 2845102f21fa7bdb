"""A world in memory for the monitor: a clock that is turned by hand, and a source of runs that is written by hand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pointsman.runs.model import Run, RunState, Step
from pointsman.runs.source import Changes, Identity, Page, SourceDown

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def after(seconds: float) -> datetime:
    """So many seconds after the tests' beginning of time."""
    return EPOCH + timedelta(seconds=seconds)


def a_run(state: RunState = RunState.QUEUED, at: float = 0.0, **more: Any) -> Run:
    """A run that came into its state at a time, in seconds after the beginning, with a whole row."""
    time = after(at)
    values: dict[str, Any] = {"id": "r", "name": "a run", "kind": "batch", "created_at": time, "updated_at": time}
    if state is not RunState.QUEUED:
        values["started_at"] = time
    if state.final:
        values["finished_at"] = time
    return Run(**{**values, "state": state, **more})


def moved(run: Run, state: RunState, at: float, **more: Any) -> Run:
    """The run as a careful writer writes it when it comes into a state."""
    time = after(at)
    values: dict[str, Any] = {"state": state, "updated_at": time}
    if state is RunState.QUEUED:
        values |= {"started_at": None, "finished_at": None, "heartbeat_at": None}
    elif not state.final:
        values |= {"started_at": run.started_at or time, "finished_at": None}
    else:
        values["finished_at"] = time
    return replace(run, **{**values, **more})


class ManualClock:
    """A clock that is turned by hand, in seconds after the beginning."""

    def __init__(self, at: float = 0.0) -> None:
        self.at = self.steady = at

    def now(self) -> datetime:
        return after(self.at)

    def monotonic(self) -> float:
        return self.steady

    def pass_(self, seconds: float) -> None:
        """Time goes by."""
        self.at += seconds
        self.steady += seconds

    def set(self, seconds: float) -> None:
        """The wall clock is set, by so much."""
        self.at += seconds


class MemorySource:
    """Runs in memory, with a log of changes whose place is the cursor."""

    def __init__(self, name: str = "store") -> None:
        self.name = name
        self.rows: dict[str, Run] = {}
        self.log: list[str] = []
        self.malformed: set[str] = set()
        self.down = False
        self.asked: list[str] = []

    def write(self, *runs: Run) -> None:
        """Writes rows."""
        for run in runs:
            self.rows[run.id] = replace(run, source=self.name) if run.source != self.name else run
            self.log.append(run.id)

    def delete(self, run_id: str) -> None:
        """Takes a row away, which no log tells."""
        self.rows.pop(run_id, None)

    def identity(self) -> Identity:
        return Identity("memory", "here", self.name, 1, "")

    def changes(self, cursor: str, limit: int = 1000) -> Changes:
        self._answer("changes")
        start = int(cursor or 0)
        end = min(len(self.log), start + limit)
        ids = list(dict.fromkeys(reversed(self.log[start:end])))[::-1]
        bad = tuple((each, "its state is ?") for each in ids if each in self.malformed)
        runs = tuple(self.rows[each] for each in ids if each in self.rows and each not in self.malformed)
        return Changes(runs, str(end), end < len(self.log), bad)

    def there(self, run_ids: Collection[str]) -> frozenset[str]:
        self._answer("there")
        return frozenset(each for each in run_ids if each in self.rows)

    def wait(self, seconds: float) -> bool:
        return True

    def run(self, run_id: str) -> Run | None:
        self._answer("run")
        return None if run_id in self.malformed else self.rows.get(run_id)

    def steps(self, run_id: str) -> tuple[Step, ...]:
        self._answer("steps")
        return (Step(run_id, "build", RunState.COMPLETED),)

    def runs(self, page: Page) -> Sequence[Run]:
        return tuple(self.rows.values())

    def close(self) -> None:
        pass

    def _answer(self, question: str) -> None:
        self.asked.append(question)
        if self.down:
            raise SourceDown("locked", "the database is locked")
