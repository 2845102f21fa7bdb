"""What a report says of a run, as data: the JSON document, and what the page is drawn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from pointsman.monitor.handlers.naming import text_of
from pointsman.monitor.handling import Occurrence
from pointsman.runs.model import Run, Step

FORMAT: Final = "pointsman.run_report/1"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Happened(_Part):
    """The event that the report was made for. `at` is when the monitor saw it, UTC."""

    id: str
    kind: str
    at: datetime
    reason: str


class Seconds(_Part):
    """How long it waited to begin, and then ran; None where one of the times is not known."""

    queued: float | None
    ran: float | None


class ReportedRun(_Part):
    """The run. Times are UTC, by its source's clock; empty texts were not known."""

    source: str
    id: str
    attempt: int
    name: str
    kind: str
    state: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: str
    url: str
    trace_id: str
    labels: Mapping[str, str]


class ReportedStep(_Part):
    """One step; `seconds` is None where it did not begin and end."""

    position: int
    name: str
    kind: str
    state: str
    started_at: datetime | None
    finished_at: datetime | None
    seconds: float | None
    error: str


class ReportedArchive(_Part):
    """What became of the artifacts when the report was written: `reason` says why there is no archive."""

    state: Literal["none", "to come", "written"]
    file: str = ""
    reason: str = ""


class Summary(_Part):
    """The report. `events` are the ids of all events that it was written for, the newest last; `steps_by_state` counts
    them."""

    format: Literal["pointsman.run_report/1"] = FORMAT
    event: Happened
    events: tuple[str, ...]
    run: ReportedRun
    seconds: Seconds
    steps_by_state: Mapping[str, int]
    steps: tuple[ReportedStep, ...]
    archive: ReportedArchive


def summary(occurrence: Occurrence, archive: ReportedArchive, earlier: tuple[str, ...] = ()) -> Summary:
    """The report of an event; `earlier` are the ids of events that one was written for before."""
    event = occurrence.event
    run, steps = event.run, occurrence.steps
    return Summary(
        event=Happened(id=event.id, kind=event.kind.value, at=event.at, reason=text_of(event.reason)),
        events=(*earlier, event.id),
        run=_run(run),
        seconds=Seconds(queued=elapsed(run.created_at, run.started_at), ran=elapsed(run.started_at, run.finished_at)),
        steps_by_state=dict(Counter(step.state.value for step in steps)),
        steps=tuple(_step(step) for step in steps),
        archive=archive,
    )


def elapsed(since: datetime | None, until: datetime | None) -> float | None:
    """Seconds between two times; 0 where clocks that differ have them the wrong way round, None without one."""
    return None if since is None or until is None else max(0.0, (until - since).total_seconds())


def _run(run: Run) -> ReportedRun:
    return ReportedRun(
        source=run.source,
        id=text_of(run.id),
        attempt=run.attempt,
        name=text_of(run.name),
        kind=text_of(run.kind),
        state=run.state.value,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        error=text_of(run.error),
        url=text_of(run.url),
        trace_id=text_of(run.trace_id),
        labels={text_of(key): text_of(value) for key, value in run.labels.items()},
    )


def _step(step: Step) -> ReportedStep:
    return ReportedStep(
        position=step.position,
        name=text_of(step.name),
        kind=text_of(step.kind),
        state=step.state.value,
        started_at=step.started_at,
        finished_at=step.finished_at,
        seconds=elapsed(step.started_at, step.finished_at),
        error=text_of(step.error),
    )
