"""Runs as traces: the tree, ids that are the same each time, and what the Collector may answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pointsman.monitor.events import EventKind
from pointsman.monitor.handlers.spans import context, request, spans
from pointsman.monitor.handlers.traces import Traces, TracesSettings
from pointsman.monitor.handling import NotNow, Occurrence, Rejected
from pointsman.runs.model import RunState, Step
from tests.unit.monitor.handlers.runs import after, occurrence, run

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def about(span: dict[str, Any]) -> dict[str, str]:
    """A span's attributes, values as text."""
    return {each["key"]: str(next(iter(each["value"].values()))) for each in span["attributes"]}


def handler(answer: Callable[[httpx.Request], httpx.Response]) -> Traces:
    """One whose Collector answers like this."""
    client = httpx.Client(transport=httpx.MockTransport(answer))
    return Traces(TracesSettings("http://collector:4318/"), client)


def test_a_run_is_a_tree_of_spans() -> None:
    """The workflow above, its steps and agents that began below, by the names of the SDK and of the conventions."""
    root, build, review = spans(occurrence(run(url="https://ci.example/1")))
    assert [each["name"] for each in (root, build, review)] == ["workflow.execute", "step.execute", "agent.execute"]
    assert "parentSpanId" not in root
    assert {build["parentSpanId"], review["parentSpanId"]} == {root["spanId"]}
    assert {each["traceId"] for each in (root, build, review)} == {root["traceId"]}
    told = about(root)
    assert told["workflow.id"] == told["cicd.pipeline.run.id"] == "deploy-1"
    assert told["workflow.name"] == told["cicd.pipeline.name"] == "deploy shop"
    assert told["workflow.status"] == told["cicd.pipeline.result"] == "success"
    assert told["cicd.pipeline.run.url.full"] == "https://ci.example/1"
    assert about(review)["agent.name"] == about(review)["gen_ai.agent.name"] == "review"
    assert about(review)["cicd.pipeline.task.run.result"] == "failure"
    assert review["status"] == {"code": 2, "message": "no <answer> & no end"}
    assert int(root["endTimeUnixNano"]) - int(root["startTimeUnixNano"]) == 100 * 10**9


def test_it_is_what_the_protocol_says() -> None:
    """OpenTelemetry's own definition of the request takes the document, without a field that it does not know."""
    parsed = Parse(json.dumps(request(spans(occurrence(run())), "runs")), ExportTraceServiceRequest())
    (resource,) = parsed.resource_spans
    assert resource.resource.attributes[0].value.string_value == "runs"
    assert len(resource.scope_spans[0].spans) == 3


def test_told_twice_it_is_the_same_trace() -> None:
    """Ids follow from source, run and attempt: the same each time, others for any other attempt or step."""
    assert spans(occurrence(run())) == spans(occurrence(run()))
    ids = [
        {(each["traceId"], each["spanId"]) for each in spans(occurrence(of))}
        for of in (run(), run(attempt=2), run(source="github"), run("deploy-2"))
    ]
    assert len(set.union(*ids)) == sum(map(len, ids)) == 12


def test_steps_of_one_name_are_told_apart() -> None:
    """Also where their positions are the same."""
    step = Step("r", "again", RunState.COMPLETED, 0, "step", after(0), after(1))
    found = spans(Occurrence(occurrence(run()).event, (step, step)))
    assert len({each["spanId"] for each in found}) == 3


@pytest.mark.parametrize(
    ("given", "trace", "parent"),
    [
        (TRACE, TRACE, ""),
        (TRACE.upper(), TRACE, ""),
        (f"00-{TRACE}-{SPAN}-01", TRACE, SPAN),
        ("0" * 32, None, ""),
        ("", None, ""),
        ("no trace", None, ""),
        (f"00-{TRACE}-{'0' * 16}-01", TRACE, ""),
    ],
)
def test_the_runs_own_trace_is_kept(given: str, trace: str | None, parent: str) -> None:
    """A trace id, or a traceparent with the span above; what is neither counts as none."""
    found, above = context(run(trace_id=given))
    assert above == parent
    assert found == (trace or context(run())[0])
    assert int(found, 16)


def test_clocks_turned_round_make_no_negative_spans() -> None:
    """Ends before beginnings, runs that never began, steps that never ended."""
    odd = (run(started_at=after(50), finished_at=after(0)), run(started_at=None, finished_at=None))
    cut = Step("r", "cut", RunState.RUNNING, 0, "step", after(5000), None)
    for of in odd:
        for span in spans(Occurrence(occurrence(of, EventKind.CANCELLED).event, (cut,))):
            assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])


def test_a_large_run_goes_in_parts() -> None:
    """1,200 steps: no request is beyond what the Collector takes, no span is lost."""
    sent = list[int]()

    def answer(asked: httpx.Request) -> httpx.Response:
        assert len(asked.content) < 1_000_000
        sent.append(len(json.loads(asked.content)["resourceSpans"][0]["scopeSpans"][0]["spans"]))
        return httpx.Response(200, json={"partialSuccess": {}})

    many = tuple(Step("r", f"s{n}", RunState.COMPLETED, n, "step", after(n), after(n + 1)) for n in range(1200))
    note = handler(answer).handle(replace(occurrence(run()), steps=many))
    assert sent == [500, 500, 201]
    assert note.endswith("with 1201 spans")


@pytest.mark.parametrize(
    ("status", "raised"), [(400, Rejected), (413, Rejected), (429, NotNow), (503, NotNow), (404, NotNow)]
)
def test_what_the_collector_answers(status: int, raised: type[Exception]) -> None:
    """What it will never take is a dead letter at once; what it cannot take now is sent again; the reason is told."""
    with pytest.raises(raised, match=f"http://collector:4318/v1/traces answered {status}: because"):
        handler(lambda _: httpx.Response(status, text="because")).handle(occurrence(run()))


def test_a_collector_that_is_away() -> None:
    """Again later, with the address in the reason."""

    def answer(asked: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused", request=asked)

    with pytest.raises(NotNow, match="did not take the trace: Connection refused"):
        handler(answer).handle(occurrence(run()))


def test_spans_that_are_refused_are_told() -> None:
    """A good answer may still refuse some."""
    refused = {"partialSuccess": {"rejectedSpans": "2", "errorMessage": "too old"}}
    with pytest.raises(Rejected, match="refused 2 spans: too old"):
        handler(lambda _: httpx.Response(200, json=refused)).handle(occurrence(run()))
