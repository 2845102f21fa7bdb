"""A run as spans in OTLP's JSON form, with ids that follow from the run: told twice, it is the same trace."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pointsman.monitor.events import Event
from pointsman.monitor.handlers.naming import text_of
from pointsman.monitor.handling import Occurrence
from pointsman.runs.model import Run, RunState, Step
from pointsman.telemetry import names
from pointsman.telemetry.names import Status

Span = dict[str, Any]
Value = str | int | float

# OTLP's numbers: trace.proto's SpanKind and StatusCode.
_INTERNAL, _SERVER, _ERROR = 1, 2, 2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRACE = re.compile(r"(?:[0-9a-f]{2}-)?(?P<trace>[0-9a-f]{32})(?:-(?P<span>[0-9a-f]{16})-[0-9a-f]{2})?", re.IGNORECASE)
_LONGEST_MESSAGE: Final = 2000
_RESULTS: Final = {
    RunState.COMPLETED: Status.SUCCESS,
    RunState.FAILED: Status.FAILURE,
    RunState.CANCELLED: Status.CANCELLATION,
}


def spans(occurrence: Occurrence) -> list[Span]:
    """The run's span and one for each step that began. Times that clocks have turned round become moments."""
    event, run = occurrence.event, occurrence.event.run
    trace, parent = context(run)
    root = _id(run, "run")
    begin = run.started_at or run.created_at
    end = max(begin, run.finished_at or event.at)
    whole = _span(names.WORKFLOW_SPAN, _SERVER, begin, end, _about_run(run, end - begin))
    whole |= {"traceId": trace, "spanId": root, **({"parentSpanId": parent} if parent else {})}
    whole |= _status(run.state, run.error or event.reason)
    return [whole, *_steps(occurrence.steps, event, end, {"traceId": trace, "parentSpanId": root})]


def context(run: Run) -> tuple[str, str]:
    """The run's trace, and the span that is its parent, empty where it has none.

    They are the run's own where it has a trace id, or a `traceparent` as W3C writes it; else they follow from its key.
    """
    found = _TRACE.fullmatch(run.trace_id)
    if found and int(found["trace"], 16):
        parent = (found["span"] or "").lower()
        return found["trace"].lower(), parent if parent.strip("0") else ""
    return _digest(run, "trace")[:32], ""


def request(told: Sequence[Span], service: str) -> dict[str, Any]:
    """OTLP's request for spans; `service` is who tells them."""
    scope = {"scope": {"name": names.NAMESPACE}, "spans": list(told)}
    resource = {"attributes": _attributes({"service.name": service})}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}


def _steps(steps: Sequence[Step], event: Event, last: datetime, within: Mapping[str, str]) -> Iterator[Span]:
    for number, step in enumerate(steps):
        if step.started_at is None:
            continue
        end = max(step.started_at, step.finished_at or last)
        name = names.AGENT_SPAN if step.kind == "agent" else names.STEP_SPAN
        yield {
            **_span(name, _INTERNAL, step.started_at, end, _about_step(step, end - step.started_at)),
            **within,
            "spanId": _id(event.run, "step", str(step.position), str(number), step.name),
            **_status(step.state, step.error),
        }


def _span(name: str, kind: int, begin: datetime, end: datetime, about: Mapping[str, Value]) -> Span:
    return {
        "name": name,
        "kind": kind,
        "startTimeUnixNano": _nanoseconds(begin),
        "endTimeUnixNano": _nanoseconds(end),
        "attributes": _attributes(about),
    }


def _about_run(run: Run, took: timedelta) -> dict[str, Value]:
    told: dict[str, Value] = {
        names.WORKFLOW_ID: run.id,
        names.WORKFLOW_NAME: run.name,
        names.WORKFLOW_STATUS: _result(run.state),
    }
    told |= {names.ATTRIBUTE_CONVENTIONS[key]: value for key, value in told.items()}
    told |= {names.RUN_KIND: run.kind, names.RUN_ATTEMPT: run.attempt, names.RUN_SOURCE: run.source}
    told |= {names.WORKFLOW_DURATION: took / timedelta(milliseconds=1), **_error_type(run.state)}
    return told | ({names.RUN_URL: run.url} if run.url else {})


def _about_step(step: Step, took: timedelta) -> dict[str, Value]:
    told: dict[str, Value] = {names.STEP_NAME: step.name, names.STEP_RESULT: _result(step.state)}
    if step.kind == "agent":
        told |= {names.AGENT_NAME: step.name, names.ATTRIBUTE_CONVENTIONS[names.AGENT_NAME]: step.name}
        told |= {names.AGENT_STATUS: _result(step.state), names.AGENT_DURATION: took / timedelta(milliseconds=1)}
    return told | _error_type(step.state)


def _error_type(state: RunState) -> dict[str, str]:
    return {names.ERROR_TYPE: Status.FAILURE.value} if state is RunState.FAILED else {}


def _result(state: RunState) -> str:
    """A step that did not end has its state: the conventions have no word for it."""
    return _RESULTS[state].value if state in _RESULTS else state.value


def _status(state: RunState, message: str) -> Span:
    if state is not RunState.FAILED:
        return {"status": {}}
    return {"status": {"code": _ERROR, "message": text_of(message[:_LONGEST_MESSAGE])}}


def _attributes(values: Mapping[str, Value]) -> list[Span]:
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: Value) -> Span:
    if isinstance(value, str):
        return {"stringValue": text_of(value)}
    return {"intValue": str(value)} if isinstance(value, int) else {"doubleValue": value}


def _nanoseconds(at: datetime) -> str:
    return str(max(0, (at - _EPOCH) // timedelta(microseconds=1)) * 1000)


def _id(run: Run, *of: str) -> str:
    return _digest(run, *of)[:16]


def _digest(run: Run, *of: str) -> str:
    key = "\0".join((*map(str, run.key), *of))
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
