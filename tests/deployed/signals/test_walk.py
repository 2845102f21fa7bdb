"""The walk of a person who is woken: from the notification to the cause, by nothing but what each step shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pointsman.spec.alerts import RUNBOOKS
from tests.deployed.correlation import Asked, Row, Sources, logs_of, trace_of
from tests.deployed.estate import CHECKOUT, eventually
from tests.deployed.failing import Failing

ALERT = "WorkflowFailureRateHigh"
HEADINGS = ["## Meaning", "## Impact", "## Diagnose", "## Fix", "## Escalate"]
# It holds for two minutes before it fires; the rest is evaluation, grouping and a busy machine.
FIRING_SECONDS = 180
SECONDS = 30


@pytest.fixture(scope="module")
def told(failing: Failing) -> Row:
    """The alert as it arrived at the sink, by Alertmanager's webhook."""

    def arrived() -> Iterator[Row]:
        answer = failing.estate.get("alert-sink", "/notifications", match=failing.workflow).json()
        for notification in answer:
            for alert in notification["alerts"]:
                if (alert["labels"]["alertname"], alert["labels"].get("workflow_name")) == (ALERT, failing.workflow):
                    yield alert

    return next(iter(eventually(lambda: list(arrived()), FIRING_SECONDS)))


def test_from_the_alert_to_the_runbook(told: Row) -> None:
    """Its address is that of a page of this repository, which says what to do."""
    address = told["annotations"]["runbook_url"]
    root = RUNBOOKS.rpartition("/")[0]
    assert address.startswith(f"{root}/")
    page = (CHECKOUT / address.removeprefix(f"{root}/")).read_text()
    assert [line for line in page.splitlines() if line.startswith("## ")] == HEADINGS
    assert page.startswith(f"# {ALERT}\n")


def test_from_the_alert_to_its_expression(told: Row, failing: Failing) -> None:
    """What chat messages call the graph is at Prometheus as this machine reaches it, with the alert's own expression.

    Prometheus' pages themselves are in its official image alone: what is built from its module has none.
    """
    alerts = failing.estate.get("alertmanager", "/api/v2/alerts", filter=f'workflow_name="{failing.workflow}"').json()
    address = next(each["generatorURL"] for each in alerts if each["labels"]["alertname"] == ALERT)
    assert address.startswith(f"{failing.estate.url('prometheus')}/")
    (expr,) = parse_qs(urlsplit(address).query)["g0.expr"]
    found = failing.estate.data("prometheus", "/api/v1/query", query=expr)["result"]
    assert told["labels"]["workflow_name"] in {each["metric"]["workflow_name"] for each in found}


def test_from_the_alert_to_the_trace_and_its_logs_and_back(told: Row, failing: Failing) -> None:
    """Alert → dashboard → the runs that failed → a trace, where the error is → its log lines → the trace again."""
    sources = Sources(failing.estate)
    failed = _failed(sources, told)
    assert failed
    run = sources.spans(failed[0]["traceID"])["workflow.execute"]
    trace = run["traceID"]
    assert {each["key"]: each["value"] for each in run["tags"]}["workflow.id"] in failing.ids
    assert run["statusMessage"] == "the bank hung up"
    assert _faulty(sources, trace) == {"workflow.execute", "agent.execute", "charge", "charged"}
    asked = logs_of(sources.links("tempo")["tracesToLogsV2"], run)
    lines = eventually(lambda: sources.rows(asked), SECONDS)
    line = next(row for row in lines if row["Line"] == failing.line)
    back = [trace_of(field, line) for field in sources.links("loki")["derivedFields"]]
    assert back[0]
    assert {row["traceID"] for row in sources.rows(back[0])} == {trace}


def _failed(sources: Sources, told: Row) -> list[Row]:
    """What the panel of failures shows on the dashboard that the alert leads to, for the workflow that it names."""
    link = told["annotations"]["dashboard"]
    assert sources.estate.get("grafana", link, **{"var-workflow": told["labels"]["workflow_name"]}).is_success
    uid = urlsplit(link).path.removeprefix("/d/")
    model: dict[str, Any] = sources.estate.get("grafana", f"/api/dashboards/uid/{uid}").json()["dashboard"]
    panel = next(each for each in model["panels"] if each["title"] == "Recent failures")
    (target,) = panel["targets"]
    query = target | {"query": target["query"].replace("$workflow", told["labels"]["workflow_name"])}
    asked = Asked(target["datasource"]["uid"], query, model["time"]["from"], model["time"]["to"])
    return eventually(lambda: sources.rows(asked), SECONDS)


def _faulty(sources: Sources, trace: str) -> set[str]:
    """The spans of a trace whose status is an error, by Tempo's own word."""
    batches = sources.estate.get("tempo", f"/api/traces/{trace}").json()["batches"]
    spans = [span for batch in batches for scope in batch["scopeSpans"] for span in scope["spans"]]
    return {span["name"] for span in spans if span["status"].get("code") == "STATUS_CODE_ERROR"}
