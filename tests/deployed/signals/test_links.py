"""Each link from a data source to another one, filled in as Grafana does and asked of the source that it names.

On the board, which serves the provisioned settings; the queries are answered by the real Tempo, Loki and Prometheus.
"""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest

from tests.deployed.correlation import Asked, Row, Sources, logs_of, metrics_of, rows, trace_of
from tests.deployed.estate import eventually
from tests.deployed.failing import Failing

# What is no link to another data source.
NO_LINKS = {"prometheusType", "implementation", "nodeGraph"}
# What Grafana asks for its service graph of the data source that `serviceMap` names, but for the durations' buckets.
EDGES = (
    "traces_service_graph_request_total",
    "traces_service_graph_request_failed_total",
    "traces_service_graph_request_server_seconds_sum",
)
SECONDS = 30


@pytest.fixture(scope="module")
def sources(failing: Failing) -> Sources:
    """The data sources of an environment that a failing workflow was told to."""
    return Sources(failing.estate)


@pytest.fixture(scope="module")
def trace(sources: Sources, failing: Failing) -> str:
    """The trace of the last failed run, found by the run's id; without the zeros that it may begin with."""
    found = {"query": f'{{ span.workflow.id = "{failing.ids[-1]}" }}', "queryType": "traceql"}
    return str(eventually(lambda: sources.rows(Asked("tempo", found)), SECONDS)[0]["traceID"])


@pytest.fixture(scope="module")
def span(sources: Sources, trace: str) -> Row:
    """The run's own span."""
    return sources.spans(trace)["workflow.execute"]


def _own_lines(sources: Sources, asked: Asked, failing: Failing) -> list[Row]:
    return [row for row in sources.rows(asked) if row["Line"] == failing.line]


def test_no_link_is_left_out(sources: Sources) -> None:
    """The links that the settings of the data sources have are those that are followed here."""
    found = {uid: set(sources.links(uid)) - NO_LINKS for uid in ("prometheus", "loki", "tempo", "alertmanager")}
    assert found == {
        "prometheus": {"exemplarTraceIdDestinations", "alertmanagerUid"},
        "loki": {"derivedFields"},
        "tempo": {"tracesToLogsV2", "tracesToMetrics", "serviceMap"},
        "alertmanager": set(),
    }


def test_from_a_trace_to_its_logs(sources: Sources, failing: Failing, span: Row) -> None:
    """The run's line, and no line of another trace."""
    asked = logs_of(sources.links("tempo")["tracesToLogsV2"], span)
    eventually(lambda: _own_lines(sources, asked, failing), SECONDS)
    assert {row["labels"]["trace_id"] for row in sources.rows(asked)} == {span["traceID"]}


def test_from_a_trace_to_its_metrics(sources: Sources, span: Row) -> None:
    """Every query of the link shows a rate above zero within the time that the link leads to."""
    for asked in metrics_of(sources.links("tempo")["tracesToMetrics"], span):
        eventually(lambda asked=asked: any(row["Value"] > 0 for row in sources.rows(asked)), SECONDS)  # type: ignore[misc]


def test_from_a_line_to_its_trace(sources: Sources, failing: Failing, span: Row) -> None:
    """By the label that OTLP's records have, and by the text of lines that others write."""
    asked = logs_of(sources.links("tempo")["tracesToLogsV2"], span)
    line = eventually(lambda: _own_lines(sources, asked, failing), SECONDS)[0]
    by_label, in_text = sources.links("loki")["derivedFields"]
    trace = span["traceID"]
    others = [f"trace_id={trace}", f'{{"traceid": "{trace}"}}', f"trace_id: {trace}"]
    followed = [trace_of(by_label, line), *(trace_of(in_text, {"Line": text, "labels": {}}) for text in others)]
    for each in followed:
        assert each
        assert {row["traceID"] for row in sources.rows(each)} == {trace}
    assert trace_of(by_label, {"Line": "", "labels": {}}) is None


def test_from_an_exemplar_to_its_trace(sources: Sources, failing: Failing) -> None:
    """The dots of a duration, of what the program measured and of what the Collector made of its spans."""
    links = sources.links("prometheus")["exemplarTraceIdDestinations"]
    for expr in (
        f'workflow_duration_seconds_bucket{{workflow_name="{failing.workflow}"}}',
        f'traces_span_metrics_duration_seconds{{service_name="{failing.service}"}}',
    ):
        asked = Asked("prometheus", {"expr": expr, "range": True, "exemplar": True})
        dot = eventually(lambda asked=asked: _dots(sources, asked), SECONDS)[-1]  # type: ignore[misc]
        ways = [link for link in links if dot.get(link["name"])]
        assert ways
        for link in ways:
            found = sources.spans(dot[link["name"]], link["datasourceUid"])
            assert found["workflow.execute"]["serviceName"] == failing.service


def _dots(sources: Sources, asked: Asked) -> list[Row]:
    return [row for frame in sources.frames(asked) if frame["schema"].get("name") == "exemplar" for row in rows(frame)]


@pytest.mark.parametrize("metric", EDGES)
def test_the_service_map_has_the_call(sources: Sources, failing: Failing, metric: str) -> None:
    """The edge from the service that called to the one that was called, under the names that Grafana asks for."""
    edge = f'{{client="{failing.service}", server="{failing.called}"}}'
    query = {"expr": f"sum by (client, server) ({metric}{edge})", "instant": True, "range": False}
    asked = Asked(sources.links("tempo")["serviceMap"]["datasourceUid"], query)
    eventually(lambda: any(row["Value"] > 0 for row in sources.rows(asked)), SECONDS)


def test_from_metrics_to_their_alerts(sources: Sources) -> None:
    """The Alertmanager that Prometheus is linked to is there, and well."""
    uid = sources.links("prometheus")["alertmanagerUid"]
    health = sources.estate.get("grafana", f"/api/datasources/uid/{uid}/health").json()
    assert health["status"] == "OK"


def test_the_pages_lead_from_a_trace_to_its_logs(sources: Sources, failing: Failing, trace: str) -> None:
    """The board's own page of a trace has a link to a page whose query finds the run's line."""
    pane = {"datasource": "tempo", "queries": [{"refId": "A", "query": trace, "datasource": {"uid": "tempo"}}]}
    panes = {"a": pane | {"range": {"from": "now-1h", "to": "now"}}}
    page = sources.estate.get("grafana", "/explore", schemaVersion="1", panes=json.dumps(panes)).text
    link = re.search(r'<a href="([^"]*)">logs of this trace</a>', page)
    assert link
    shown = _shown(sources.estate.http.get(f"{sources.estate.url('grafana')}{unescape(link[1])}").text)
    target = shown["panels"][0]["targets"][0]
    asked = Asked(target["datasource"]["uid"], target, shown["range"]["from"], shown["range"]["to"])
    eventually(lambda: _own_lines(sources, asked, failing), SECONDS)


def _shown(page: str) -> dict[str, Any]:
    """What a page draws."""
    model = re.search(r'<script id="model" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert model
    found: dict[str, Any] = json.loads(model[1])
    return found
