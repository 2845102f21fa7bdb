"""What variables can be, and what of it is chosen."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from pointsman.board.options import Variable, variables
from pointsman.board.timerange import TimeRange
from tests.unit.board.stores import WORKFLOWS, Stores
from tests.unit.board.world import END, HOUR, provisioned

OVER = TimeRange(END - HOUR, END)
SOURCE = {"type": "prometheus", "uid": "prometheus"}


def found(declared: list[dict[str, Any]], stores: Stores | None = None, **wanted: list[str]) -> list[Variable]:
    """The variables of a dashboard."""
    model = {"templating": {"list": declared}}
    return variables((stores or Stores()).client(), provisioned(), model, wanted, OVER)


def query(text: str, **more: Any) -> dict[str, Any]:
    """A variable that Prometheus is asked for."""
    return {"name": "v", "type": "query", "datasource": SOURCE, "query": {"query": text, "refId": "v"}, **more}


def test_label_values_are_asked_of_prometheus_in_the_range_that_is_shown() -> None:
    """With the metric as a matcher; the first is chosen where nothing else is said."""
    stores = Stores()
    (variable,) = found([query("label_values(workflow_runs_total, workflow_name)")], stores)
    assert [value for _, value in variable.options] == list(WORKFLOWS)
    assert variable.value.values == ("build",)
    (asked,) = stores.asked("/api/v1/label/workflow_name/values")
    assert asked == {"match[]": "workflow_runs_total", "start": str(OVER.start / 1000), "end": str(OVER.end / 1000)}


def test_all_stands_for_every_option_or_for_its_own_text() -> None:
    """Without allValue the options are listed, with it the text is taken as it is."""
    listed, own = (
        found([query("label_values(workflow_name)", includeAll=True, current={"value": "$__all"}, **more)])[0].value
        for more in ({}, {"allValue": ".+"})
    )
    assert (listed.is_all, listed.values, listed.raw) == (True, WORKFLOWS, None)
    assert own.raw == ".+"


def test_query_result_goes_through_its_regex() -> None:
    """Samples as Grafana writes them, of which the group is taken; a named group gives the shown text."""
    stores = Stores()
    stores.answers["/api/v1/query"] = httpx.Response(
        200,
        json={
            "status": "success",
            "data": {"resultType": "vector", "result": [{"metric": {"__name__": "up", "job": "a"}, "value": [1, "1"]}]},
        },
    )
    (plain,) = found([query("query_result(up)")], stores)
    assert plain.options == (('up{job="a"} 1 1000',) * 2,)
    (taken,) = found([query("query_result(up)", regex='/job="(?<value>[^"]+)"/')], stores)
    assert taken.value.values == ("a",)


def test_a_variable_knows_those_before_it() -> None:
    """The metric of the second is narrowed by the first."""
    stores = Stores()
    first = {"name": "environment", "type": "custom", "query": "dev, production : prod"}
    found([first, query('label_values(x{env="$environment"}, workflow_name)')], stores, environment=["prod"])
    assert stores.asked("/api/v1/label/workflow_name/values")[0]["match[]"] == 'x{env="prod"}'


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        ({"type": "custom", "query": "dev, production : prod"}, ("dev",)),
        ({"type": "custom", "query": "dev,b", "current": {"value": "b"}}, ("b",)),
        ({"type": "custom", "query": "dev,b", "current": {"value": "gone"}}, ("dev",)),
        ({"type": "constant", "query": "demo"}, ("demo",)),
        ({"type": "textbox", "query": ""}, ()),
        ({"type": "interval", "query": "1m,5m"}, ("1m",)),
        ({"type": "datasource", "query": "loki"}, ("loki",)),
    ],
)
def test_other_kinds(declared: dict[str, Any], values: tuple[str, ...]) -> None:
    """What they hold without a question to any store."""
    assert found([{"name": "v", **declared}])[0].value.values == values


@pytest.mark.parametrize("text", ["labels(x)", "label_values(a b)", "{}", ""])
def test_a_query_that_is_not_understood_is_said_on_the_page(text: str) -> None:
    """The other variables are there all the same."""
    broken, fine = found([query(text), {"name": "w", "type": "custom", "query": "a"}])
    assert "expected label_values" in broken.trouble
    assert fine.value.values == ("a",)


def test_a_silent_prometheus_is_said_on_the_page() -> None:
    """And the page is drawn without options."""
    (variable,) = found([query("label_values(workflow_name)")], Stores(broken={"prometheus"}))
    assert variable.options == ()
    assert "refused" in variable.trouble


@pytest.mark.parametrize(("sort", "expected"), [(0, "b10 a b2"), (1, "a b10 b2"), (2, "b2 b10 a"), (3, "a b2 b10")])
def test_order(sort: int, expected: str) -> None:
    """As it came, by alphabet, by number."""
    stores = Stores()
    stores.answers["/api/v1/label/x/values"] = httpx.Response(200, json={"data": ["b10", "a", "b2"]})
    (variable,) = found([query("label_values(x)", sort=sort)], stores)
    assert " ".join(value for _, value in variable.options) == expected
