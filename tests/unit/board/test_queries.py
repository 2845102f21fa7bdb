"""/api/ds/query: what is asked of the stores, and the frames in Grafana's published shape."""

from __future__ import annotations

import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some

from pointsman.board.frames import NUMBER, TIME, Field, Frame
from pointsman.board.stores import legend
from pointsman.board.timerange import TimeRange
from tests.unit.board.stores import TRACE, Stores
from tests.unit.board.world import END, HOUR, asked

P, L, T = ({"uid": uid, "type": uid} for uid in ("prometheus", "loki", "tempo"))


def test_a_range_is_a_frame_for_each_series() -> None:
    """Schema and values as Grafana's data frames have them: time in milliseconds, labels and name on the value."""
    query = {
        "refId": "A",
        "datasource": P,
        "expr": "sum by (workflow_name) (x)",
        "legendFormat": "of {{workflow_name}}",
    }
    status, results = asked({**query, "range": True, "maxDataPoints": 100})
    assert status == 200
    assert results["A"]["status"] == 200
    frame = results["A"]["frames"][0]
    schema = frame["schema"]
    assert schema["refId"] == "A"
    assert schema["name"] == "of build"
    assert schema["meta"]["type"] == "timeseries-multi"
    assert schema["meta"]["custom"] == {"resultType": "matrix"}
    assert schema["meta"]["executedQueryString"] == "Expr: sum by (workflow_name) (x)\nStep: 30s"
    time, value = schema["fields"]
    assert time == {
        "name": "Time",
        "type": "time",
        "typeInfo": {"frame": "time.Time"},
        "config": {"interval": 30_000},
    }
    assert value == {
        "name": "Value",
        "type": "number",
        "typeInfo": {"frame": "float64"},
        "labels": {"workflow_name": "build"},
        "config": {"displayNameFromDS": "of build"},
    }
    times, values = frame["data"]["values"]
    assert (times[0], times[-1], len(times), len(values)) == (END - HOUR, END, 121, 121)
    assert len(results["A"]["frames"]) == 3


def test_globals_are_filled_in_before_prometheus_is_asked() -> None:
    """By the range and the step of this very query; the range is aligned to the step."""
    stores = Stores()
    expr = "rate(x[$__rate_interval]) + rate(x[$__interval]) + increase(x[$__range])"
    asked({"refId": "A", "datasource": P, "expr": expr, "interval": "1m", "maxDataPoints": 10}, stores=stores)
    (sent,) = stores.asked("/api/v1/query_range")
    assert sent["query"] == "rate(x[6m]) + rate(x[5m]) + increase(x[3600s])"
    assert float(sent["step"]) == 300
    assert float(sent["start"]) % 300 == 0


def test_an_instant_is_asked_at_the_end() -> None:
    """And is of another type; a query that wants both gets both."""
    stores = Stores()
    query = {"refId": "A", "datasource": P, "expr": "x", "instant": True}
    _, results = asked({**query, "range": False}, {**query, "refId": "B", "range": True}, stores=stores)
    (frame,) = results["A"]["frames"]
    assert frame["schema"]["meta"]["type"] == "numeric-multi"
    assert frame["data"]["values"][0] == [END]
    assert [each["schema"]["meta"]["type"] for each in results["B"]["frames"]] == ["timeseries-multi", "numeric-multi"]
    assert {float(each["time"]) for each in stores.asked("/api/v1/query")} == {END / 1000}


def test_exemplars_are_a_frame_of_their_own() -> None:
    """With the trace id as a column, from which the way leads to the trace."""
    _, results = asked({"refId": "A", "datasource": P, "expr": "histogram_quantile(0.5, x)", "exemplar": True})
    frame = results["A"]["frames"][-1]
    assert frame["schema"]["name"] == "exemplar"
    columns = dict(zip((each["name"] for each in frame["schema"]["fields"]), frame["data"]["values"], strict=True))
    assert columns["trace_id"] == [TRACE]
    assert columns["Value"] == [17.5]


def test_logs_are_one_frame_the_newest_line_first() -> None:
    """Fields as Grafana's plugin of Loki gives them, nanoseconds kept beside the milliseconds."""
    stores = Stores()
    _, results = asked({"refId": "A", "datasource": L, "expr": '{a="b"}', "maxLines": 50}, stores=stores)
    (frame,) = results["A"]["frames"]
    assert [each["name"] for each in frame["schema"]["fields"]] == ["labels", "Time", "Line", "tsNs", "id"]
    assert [each["type"] for each in frame["schema"]["fields"]] == ["other", "time", "string", "string", "string"]
    assert frame["schema"]["meta"]["custom"] == {"frameType": "LabeledTimeValues"}
    labels, times, lines, nanoseconds, ids = frame["data"]["values"]
    assert times == sorted(times, reverse=True)
    assert labels[0] == {"service_name": "demo", "detected_level": "error"}
    assert lines[0].startswith("run of triage failed")
    assert [int(each) // 10**6 for each in nanoseconds] == times
    assert len(set(ids)) == len(ids)
    (sent,) = stores.asked("/loki/api/v1/query_range")
    assert (sent["limit"], sent["end"], sent["direction"]) == ("50", f"{END}000000", "backward")


def test_traces_that_a_search_finds_are_a_table() -> None:
    """The newest first, with the columns of Grafana's plugin of Tempo."""
    stores = Stores()
    _, results = asked(
        {"refId": "A", "datasource": T, "query": "{ duration > 1s }", "queryType": "traceql", "limit": 7}, stores=stores
    )
    (frame,) = results["A"]["frames"]
    names = [each["name"] for each in frame["schema"]["fields"]]
    assert names == ["traceID", "startTime", "traceService", "traceName", "traceDuration"]
    assert frame["data"]["values"][1][0] == END
    assert frame["data"]["values"][4][0] == 1200
    assert stores.asked("/api/search") == [
        {"q": "{ duration > 1s }", "limit": "7", "start": str((END - HOUR) // 1000), "end": str(END // 1000)}
    ]


def test_a_trace_is_found_by_its_id() -> None:
    """Its spans in the order in which they began, each with its parent, service and attributes."""
    _, results = asked({"refId": "A", "datasource": T, "query": TRACE, "queryType": "traceql"})
    (frame,) = results["A"]["frames"]
    columns = dict(zip((each["name"] for each in frame["schema"]["fields"]), frame["data"]["values"], strict=True))
    assert columns["operationName"] == ["workflow.execute", "agent.execute", "agent.execute"]
    assert columns["traceID"] == [TRACE] * 3, "in digits, though Tempo tells bytes in base64"
    assert columns["parentSpanID"] == ["", "0" * 16, "0" * 16]
    assert columns["duration"] == [500.0, 499.0, 498.0]
    assert columns["tags"][0] == [{"key": "workflow.name", "value": "build"}]


def test_one_store_that_fails_takes_no_other_along() -> None:
    """Its error stands at its query; the status is 400, as Grafana's is."""
    stores = Stores(broken={"loki"})
    query = {"expr": "x"}
    status, results = asked(
        {"refId": "A", "datasource": P, **query}, {"refId": "B", "datasource": L, **query}, stores=stores
    )
    assert status == 400
    assert results["A"]["frames"]
    assert results["B"]["status"] == 400
    assert results["B"]["errorSource"] == "downstream"
    assert "refused" in results["B"]["error"]


def test_what_prometheus_says_of_a_bad_query_reaches_the_reader() -> None:
    """In its own words."""
    stores = Stores()
    body = {"status": "error", "errorType": "bad_data", "error": 'unexpected end of input in "sum("'}
    stores.answers["/api/v1/query_range"] = httpx.Response(400, json=body)
    _, results = asked({"refId": "A", "datasource": P, "expr": "sum("}, stores=stores)
    assert results["A"]["error"] == 'bad_data: unexpected end of input in "sum("'


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"datasource": {"uid": "nope"}}, "data source nope was not found"),
        ({"datasource": {"uid": "alertmanager"}}, "type alertmanager can't be queried"),
        ({"datasource": P, "interval": "fast"}, "'fast' is no duration"),
        ({"datasource": P, "expr": "${__from:lucene}"}, "no format lucene"),
        ({"datasource": P, "maxDataPoints": "many"}, "many"),
    ],
)
def test_a_query_that_cannot_be_asked_is_refused(query: dict[str, object], error: str) -> None:
    """With its reason, at its place."""
    status, results = asked({"refId": "A", "expr": "x", **query})
    assert status in (400, 404)
    assert error in results["A"]["error"]


def test_too_many_series_are_refused() -> None:
    """A page that draws thousands of lines shows nothing and takes the browser down."""
    stores = Stores()
    result = [{"metric": {"n": str(place)}, "values": [[1, "1"]]} for place in range(501)]
    stores.answers["/api/v1/query_range"] = httpx.Response(
        200, json={"data": {"resultType": "matrix", "result": result}}
    )
    _, results = asked({"refId": "A", "datasource": P, "expr": "x"}, stores=stores)
    assert "501 series" in results["A"]["error"]


def test_a_store_that_pours_is_cut_off() -> None:
    """Memory stays bounded whatever a store answers."""
    stores = Stores()
    stores.answers["/api/v1/query_range"] = httpx.Response(200, content=b" " * (17 << 20))
    _, results = asked({"refId": "A", "datasource": P, "expr": "x"}, stores=stores)
    assert "more than 16 MiB" in results["A"]["error"]


def test_a_query_without_text_or_hidden_asks_nothing() -> None:
    """As in Grafana."""
    stores = Stores()
    _, results = asked(
        {"refId": "A", "datasource": P, "expr": " "},
        {"refId": "B", "datasource": P, "expr": "x", "hide": True},
        stores=stores,
    )
    assert results == {"A": {"status": 200, "frames": []}}
    assert stores.requests == []


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{a}} of {{ b }}", "1 of 2"),
        ("{{gone}}", ""),
        ("", 'up{a="1", b="2"}'),
        ("__auto", 'up{a="1", b="2"}'),
        ("fixed", "fixed"),
    ],
)
def test_names_of_series(template: str, expected: str) -> None:
    """Labels filled in; without a template the series as Prometheus writes it."""
    assert legend(template, {"__name__": "up", "b": "2", "a": "1"}) == expected


@given(some.lists(some.one_of(some.none(), some.floats()), max_size=20))
def test_every_number_is_said_in_json(values: list[float | None]) -> None:
    """JSON has no NaN and no infinity: they are null, and named by their places beside it."""
    frame = Frame((Field("Time", TIME, list(range(len(values)))), Field("Value", NUMBER, values)))
    told = json.loads(json.dumps(frame.document("A"), allow_nan=False))
    plain = told["data"]["values"][1]
    odd = (told["data"].get("entities") or [None, None])[1] or {}
    names = {"NaN": "nan", "Inf": "inf", "NegInf": "-inf"}
    for name, places in odd.items():
        for place in places:
            assert str(values[place]) == names[name]
            plain[place] = values[place]
    assert [str(each) for each in plain] == [str(each) for each in values]


def test_a_range_is_in_milliseconds() -> None:
    """The unit that all of the board has inside."""
    assert TimeRange(END - HOUR, END).milliseconds == HOUR
