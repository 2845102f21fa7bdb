"""What is asked of each kind of store, and the data frames that its answer makes."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from pointsman.board.frames import NUMBER, OTHER, STRING, TIME, Field, Frame
from pointsman.board.provisioning import DataSource
from pointsman.board.timerange import TimeRange
from pointsman.board.upstream import UpstreamError, ask

SERIES: Final = 500
"""So many series of one query are drawn; more is a mistake of the query, and is said."""
LINES, TRACES = 1000, 20
MOST_LINES, MOST_TRACES = 5000, 200
_TEMPLATE = re.compile(r"\{\{\s*(.+?)\s*\}\}")


@dataclass(frozen=True)
class Query:
    """One query with its variables filled in. `step` is in milliseconds; `limit` of lines or traces, None for usual."""

    ref: str
    text: str
    over: TimeRange
    step: int
    instant: bool = False
    ranged: bool = True
    exemplars: bool = False
    legend: str = ""
    limit: int | None = None


def prometheus(client: httpx.Client, source: DataSource, query: Query) -> list[Frame]:
    """Range and instant values, and exemplars, a frame a series."""
    step = query.step / 1000
    # Grafana aligns a range to its step, so that a refresh does not shift every point.
    start, end = (value // query.step * query.step / 1000 for value in (query.over.start, query.over.end))
    frames: list[Frame] = []
    if query.ranged:
        told = _asked(client, f"{source.url}/api/v1/query_range", query=query.text, start=start, end=end, step=step)
        frames += _series(told, query, f"Expr: {query.text}\nStep: {step:g}s")
    if query.instant:
        told = _asked(client, f"{source.url}/api/v1/query", query=query.text, time=query.over.end / 1000)
        frames += _series(told, query, f"Expr: {query.text}\nStep: {step:g}s")
    if query.exemplars and query.ranged:
        found = ask(client, f"{source.url}/api/v1/query_exemplars", {"query": query.text, "start": start, "end": end})
        frames += _exemplars(found.get("data") or [])
    return frames


def loki(client: httpx.Client, source: DataSource, query: Query) -> list[Frame]:
    """Lines, the newest first, or the series of a metric query."""
    limit = min(query.limit or LINES, MOST_LINES)
    if query.instant:
        at = query.over.end * 10**6
        told = _asked(client, f"{source.url}/loki/api/v1/query", query=query.text, time=at, limit=limit)
    else:
        told = _asked(
            client,
            f"{source.url}/loki/api/v1/query_range",
            query=query.text,
            start=query.over.start * 10**6,
            end=query.over.end * 10**6,
            step=query.step / 1000,
            limit=limit,
            direction="backward",
        )
    return [_lines(told, query)] if told["resultType"] == "streams" else _series(told, query, f"Expr: {query.text}")


def tempo(client: httpx.Client, source: DataSource, query: Query) -> list[Frame]:
    """The traces that a TraceQL search finds, one table; of one trace, named by its id, its spans."""
    if re.fullmatch(r"[0-9a-fA-F]{16,32}", query.text.strip()):
        found = ask(client, f"{source.url}/api/traces/{query.text.strip()}", {}, headers={"Accept": "application/json"})
        return [_spans(found)]
    asked = {"q": query.text, "limit": min(query.limit or TRACES, MOST_TRACES)}
    between = {"start": query.over.start // 1000, "end": -(-query.over.end // 1000)}
    told = ask(client, f"{source.url}/api/search", asked | between)
    traces = sorted(told.get("traces") or [], key=lambda each: -int(each.get("startTimeUnixNano", 0)))
    fields = (
        Field(
            "traceID", STRING, [each.get("traceID", "") for each in traces], config={"displayNameFromDS": "Trace ID"}
        ),
        Field("startTime", TIME, [int(each.get("startTimeUnixNano", 0)) // 10**6 for each in traces]),
        Field("traceService", STRING, [each.get("rootServiceName", "") for each in traces]),
        Field("traceName", STRING, [each.get("rootTraceName", "") for each in traces]),
        Field("traceDuration", NUMBER, [float(each.get("durationMs", 0)) for each in traces], config={"unit": "ms"}),
    )
    return [Frame(fields, "Traces", {"preferredVisualisationType": "table", "custom": {"uniqueRowIds": [0]}})]


def legend(template: str, labels: Mapping[str, str]) -> str:
    """The name of a series as Grafana makes it: `{{label}}` filled in, or all labels as Prometheus writes them."""
    if template and template != "__auto":
        return _TEMPLATE.sub(lambda found: labels.get(found[1], ""), template)
    rest = ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items()) if name != "__name__")
    return f"{labels.get('__name__', '')}{{{rest}}}" if rest else labels.get("__name__", "")


def _asked(client: httpx.Client, url: str, **parameters: Any) -> dict[str, Any]:
    told = ask(client, url, parameters)
    data = told.get("data") if isinstance(told, dict) else None
    if not isinstance(data, dict) or "resultType" not in data:
        raise UpstreamError(f"{url} answered something else than a result")
    return data


def _series(data: Mapping[str, Any], query: Query, executed: str) -> list[Frame]:
    kind, result = data["resultType"], data.get("result") or []
    if kind in ("scalar", "string"):
        result = [{"metric": {}, "value": result}]
    if len(result) > SERIES:
        raise UpstreamError(f"the query gives {len(result)} series; at most {SERIES} are drawn: aggregate them")
    meta = {
        "type": "timeseries-multi" if kind == "matrix" else "numeric-multi",
        "typeVersion": [0, 1],
        "custom": {"resultType": kind},
        "executedQueryString": executed,
    }
    frames = []
    for each in result:
        labels = {str(name): str(value) for name, value in (each.get("metric") or {}).items()}
        points = each.get("values") or ([each["value"]] if each.get("value") else [])
        name = legend(query.legend, labels)
        times = [round(float(at) * 1000) for at, value in points]
        step = {"interval": query.step} if kind == "matrix" else {}
        values = Field("Value", NUMBER, [_number(value) for at, value in points], labels, {"displayNameFromDS": name})
        frames.append(Frame((Field("Time", TIME, times, config=step), values), name, meta))
    return frames


def _number(text: object) -> float | None:
    try:
        return float(str(text))
    except ValueError:
        return None


def _exemplars(found: Iterable[Mapping[str, Any]]) -> list[Frame]:
    rows = [
        (round(float(each["timestamp"]) * 1000), float(each["value"]), {**series["seriesLabels"], **each["labels"]})
        for series in found
        for each in series.get("exemplars", [])
    ]
    rows.sort(key=lambda row: row[0])
    names = sorted({name for row in rows for name in row[2]})
    labels = (Field(name, STRING, [row[2].get(name, "") for row in rows]) for name in names)
    times, values = Field("Time", TIME, [row[0] for row in rows]), Field("Value", NUMBER, [row[1] for row in rows])
    return [Frame((times, values, *labels), "exemplar", {"custom": {"resultType": "exemplar"}})] if rows else []


def _lines(data: Mapping[str, Any], query: Query) -> Frame:
    rows = [(int(at), line, each["stream"]) for each in data.get("result") or [] for at, line, *_ in each["values"]]
    rows.sort(key=lambda row: -row[0])
    fields = (
        Field("labels", OTHER, [labels for _, _, labels in rows]),
        Field("Time", TIME, [at // 10**6 for at, _, _ in rows]),
        Field("Line", STRING, [line for _, line, _ in rows]),
        Field("tsNs", STRING, [str(at) for at, _, _ in rows]),
        Field("id", STRING, [_line_id(*row) for row in rows]),
    )
    meta = {
        "typeVersion": [0, 0],
        "custom": {"frameType": "LabeledTimeValues"},
        "preferredVisualisationType": "logs",
        "executedQueryString": f"Expr: {query.text}",
    }
    return Frame(fields, meta=meta)


def _line_id(at: int, line: str, labels: Mapping[str, str]) -> str:
    return f"{at}_{hashlib.sha256(repr((line, sorted(labels.items()))).encode()).hexdigest()[:8]}"


def _spans(found: Mapping[str, Any]) -> Frame:
    """OTLP's JSON as Grafana's trace frame."""
    rows = []
    for batch in found.get("batches") or found.get("resourceSpans") or []:
        service = _attributes(batch.get("resource") or {}).get("service.name", "")
        for scope in batch.get("scopeSpans") or []:
            rows += [(service, span) for span in scope.get("spans") or []]
    rows.sort(key=lambda row: int(row[1].get("startTimeUnixNano", 0)))
    starts = [int(span.get("startTimeUnixNano", 0)) for _, span in rows]
    ends = [int(span.get("endTimeUnixNano", 0)) for _, span in rows]
    fields = (
        Field("traceID", STRING, [_identifier(span.get("traceId", "")) for _, span in rows]),
        Field("spanID", STRING, [_identifier(span.get("spanId", "")) for _, span in rows]),
        Field("parentSpanID", STRING, [_identifier(span.get("parentSpanId", "")) for _, span in rows]),
        Field("operationName", STRING, [span.get("name", "") for _, span in rows]),
        Field("serviceName", STRING, [service for service, _ in rows]),
        Field("statusMessage", STRING, [(span.get("status") or {}).get("message", "") for _, span in rows]),
        Field("startTime", NUMBER, [start / 1e6 for start in starts]),
        Field("duration", NUMBER, [(end - start) / 1e6 for start, end in zip(starts, ends, strict=True)]),
        Field("tags", OTHER, [[{"key": k, "value": v} for k, v in _attributes(span).items()] for _, span in rows]),
    )
    return Frame(fields, "Trace", {"preferredVisualisationType": "trace"})


def _identifier(told: str) -> str:
    """An id in hexadecimal digits: Tempo writes bytes in base64, as protobuf's JSON has it, OTLP's own has digits."""
    if re.fullmatch(r"[0-9a-f]{16}|[0-9a-f]{32}|", told):
        return told
    try:
        return base64.b64decode(told, validate=True).hex()
    except ValueError:
        return told


def _attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for each in holder.get("attributes") or []:
        value = each.get("value") or {}
        found[each.get("key", "")] = next(iter(value.values()), "")
    return found
