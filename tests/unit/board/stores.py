"""Pretended stores: Prometheus, Loki and Tempo as they answer over HTTP, with values that are known beforehand."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

WORKFLOWS = ("build", "deploy", "triage")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
LABELS: dict[str, tuple[str, ...]] = {
    "workflow_name": WORKFLOWS,
    "workflow_status": ("success", "failure", "timeout"),
    "agent_name": ("planner", "coder", "reviewer", "tester"),
    "runner": ("runner-1", "runner-2", "runner-3"),
    "le": ("0.5", "1", "2.5", "5", "10", "+Inf"),
}


@dataclass
class Stores:
    """All stores behind one transport. `broken` names hosts that refuse; `requests` is what was asked."""

    broken: set[str] = field(default_factory=set)
    requests: list[httpx.Request] = field(default_factory=list)
    answers: dict[str, httpx.Response] = field(default_factory=dict)

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self.answer))

    def asked(self, path: str) -> list[dict[str, str]]:
        """The parameters of every request to a path."""
        return [dict(each.url.params) for each in self.requests if each.url.path == path]

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.host in self.broken:
            raise httpx.ConnectError("[Errno 111] Connection refused", request=request)
        path = request.url.path
        if path in self.answers:
            return self.answers[path]
        known: dict[str, Callable[[httpx.QueryParams], Any]] = {
            "/api/v1/query_range": _range,
            "/api/v1/query": _instant,
            "/api/v1/query_exemplars": _exemplars,
            "/loki/api/v1/query_range": _logs,
            "/loki/api/v1/labels": lambda asked: {"status": "success", "data": ["service_name"]},
            "/api/search": lambda asked: {"traces": _traces(asked)},
            "/api/echo": lambda asked: "echo",
            "/api/v2/status": lambda asked: {"cluster": {"status": "ready"}},
            f"/api/traces/{TRACE}": _trace,
        }
        if path in known:
            return httpx.Response(200, json=known[path](request.url.params))
        if found := re.fullmatch(r"/api/v1/label/(\w+)/values", path):
            return httpx.Response(200, json={"status": "success", "data": list(LABELS.get(found[1], ()))})
        return httpx.Response(404, text="404 page not found\n")


def _sets(query: str) -> list[dict[str, str]]:
    """The label sets of a query's result: those of its `by`, or of what it names."""
    grouped = re.search(r"by \((\w+)\)", query)
    name = grouped[1] if grouped and "histogram_quantile" not in query else "runner" if "runner_online" in query else ""
    return [{name: value} for value in LABELS[name]] if name else [{}]


def _value(query: str, place: int, at: float) -> float:
    if "success" in query and "/" in query:
        return 0.973
    if "timestamp" in query:
        return (at - 5400) * 1000
    if "runner_online" in query:
        return float(not (place == 1 and 0.3 < at % 14400 / 14400 < 0.45))
    wave = 1 + 0.4 * math.sin(at / 1500 + place)
    if "_bucket" in query and "quantile" not in query:
        return round((0, 4, 9, 14, 15, 15)[place] * wave, 3)
    return (30.0 if "0.95" in query else 12.0 if "quantile" in query else 3.0 + place) * wave


def _range(asked: httpx.QueryParams) -> dict[str, Any]:
    start, end, step, query = float(asked["start"]), float(asked["end"]), float(asked["step"]), asked["query"]
    times = [start + step * place for place in range(int((end - start) / step) + 1)]
    if query.startswith("ALERTS"):
        labels = {
            "__name__": "ALERTS",
            "alertname": "WorkflowFailureRate",
            "alertstate": "firing",
            "severity": "critical",
        }
        fired = [at for at in times if start + 600 <= at <= start + 1200 or start + 3000 <= at <= start + 3600]
        result = [{"metric": labels, "values": [[at, "1"] for at in fired]}]
    else:
        result = [
            {"metric": labels, "values": [[at, str(_value(query, place, at))] for at in times]}
            for place, labels in enumerate(_sets(query))
        ]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


def _instant(asked: httpx.QueryParams) -> dict[str, Any]:
    at, query = float(asked.get("time", "0")), asked["query"]
    result = [
        {"metric": labels, "value": [at, str(_value(query, place, at))]} for place, labels in enumerate(_sets(query))
    ]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def _exemplars(asked: httpx.QueryParams) -> dict[str, Any]:
    at = (float(asked["start"]) + float(asked["end"])) / 2
    found = {"labels": {"trace_id": TRACE}, "value": "17.5", "timestamp": at}
    return {
        "status": "success",
        "data": [{"seriesLabels": {"__name__": "workflow_duration_seconds_bucket"}, "exemplars": [found]}],
    }


def _logs(asked: httpx.QueryParams) -> dict[str, Any]:
    end = int(asked["end"])
    lines = [
        ("error", f"run of triage failed: TimeoutError trace_id={TRACE}"),
        ("warning", "retry 2 of 3 of agent coder"),
        ("info", json.dumps({"event": "workflow.execute", "workflow": "build", "status": "success"})),
    ]
    streams = [
        {
            "stream": {"service_name": "demo", "detected_level": level},
            "values": [[str(end - (place * 7 + turn * 30) * 10**9), line] for turn in range(4)],
        }
        for place, (level, line) in enumerate(lines)
    ]
    return {"status": "success", "data": {"resultType": "streams", "result": streams}}


def _traces(asked: httpx.QueryParams) -> list[dict[str, Any]]:
    start = int(asked["end"]) * 10**9
    return [
        {
            "traceID": TRACE[:-1] + str(place),
            "rootServiceName": "demo",
            "rootTraceName": "workflow.execute",
            "startTimeUnixNano": str(start - place * 60 * 10**9),
            "durationMs": 1200 + 300 * place,
        }
        for place in range(5)
    ]


def _trace(asked: httpx.QueryParams) -> dict[str, Any]:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "demo"}}]}
    spans = [
        {
            "traceId": base64.b64encode(bytes.fromhex(TRACE)).decode(),
            "spanId": base64.b64encode(bytes([0] * 7 + [place])).decode(),
            "parentSpanId": "" if place == 0 else base64.b64encode(bytes(8)).decode(),
            "name": ("workflow.execute", "agent.execute")[min(place, 1)],
            "startTimeUnixNano": str(1_700_000_000_000_000_000 + place * 10**6),
            "endTimeUnixNano": str(1_700_000_000_500_000_000),
            "attributes": [{"key": "workflow.name", "value": {"stringValue": "build"}}],
        }
        for place in range(3)
    ]
    return {"batches": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
