"""The report asks a Prometheus for rules, trees, metrics and history, and says when it does not answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from pointsman.alerts import live, sources
from pointsman.errors import UnreachableError, UsageError
from tests.unit.alerts.test_promql import ZERO, binary, selector

ADDRESS = "http://127.0.0.1:9090"
RULES = [
    {"name": "Busy", "query": "busy > 0", "labels": {"severity": "warning"}},
    {"name": "Blind", "query": "gone > 0", "labels": {}},
]
HISTORY = [{"metric": {"alertname": "Busy", "host": "a"}, "values": [[100, "1"], [115, "1"], [900, "1"]]}]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """A Prometheus in place of the network, and what it was asked."""
    requests: list[httpx.Request] = []
    answers: dict[str, Callable[[httpx.QueryParams], Any]] = {
        "/api/v1/label/__name__/values": lambda _: ["busy"],
        "/api/v1/rules": lambda _: {"groups": [{"rules": RULES}]},
        "/api/v1/parse_query": lambda asked: binary(selector(asked["query"].split()[0]), ">", ZERO),
        "/api/v1/query_range": lambda _: {"result": HISTORY},
    }

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"status": "success", "data": answers[request.url.path](request.url.params)})

    monkeypatch.setattr(live, "new_client", lambda _: httpx.Client(transport=httpx.MockTransport(answer)))
    return requests


def test_the_report_is_of_what_is_loaded(asked: list[httpx.Request]) -> None:
    """Every loaded rule with its firings, and the metrics that it lacks."""
    busy, blind = live.report(ADDRESS, 3600, 10_000)
    assert (busy.name, busy.severity, busy.firings, busy.verdicts) == ("Busy", "warning", 2, ())
    assert (blind.name, blind.verdicts, blind.missing) == ("Blind", ("cannot fire",), ("gone",))


@pytest.mark.parametrize(("window", "step"), [(3600, 15), (604_800, 60)])
def test_a_week_fits_into_one_query(asked: list[httpx.Request], window: float, step: int) -> None:
    """The step grows with the window, so that Prometheus's limit of points is kept; what is shorter than it is seen."""
    live.report(ADDRESS, window, 1_000_000)
    (history,) = [each.url.params for each in asked if each.url.path == "/api/v1/query_range"]
    assert float(history["step"]) == step
    assert history["query"] == f'max_over_time(ALERTS{{alertstate="firing"}}[{step}s])'
    assert (float(history["end"]) - float(history["start"])) / step <= 11_000


def test_no_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what was asked, and what to look at."""
    refused = httpx.MockTransport(lambda _: httpx.Response(503, text="starting"))
    monkeypatch.setattr(live, "new_client", lambda _: httpx.Client(transport=refused))
    with pytest.raises(UnreachableError, match="answered 503: starting"):
        live.report(ADDRESS, 3600, 10_000)


def test_cases_that_are_none_are_refused(tmp_path: Path) -> None:
    """With the file that is at fault."""
    folder = tmp_path / sources.CASES
    folder.mkdir(parents=True)
    (folder / "a.yml").write_text(json.dumps({"tests": [{"name": "one"}]}))
    assert sources.cases(tmp_path) == [{"name": "one"}]
    (folder / "b.yml").write_text("rule_files: []")
    with pytest.raises(UsageError, match=r"b\.yml"):
        sources.cases(tmp_path)
