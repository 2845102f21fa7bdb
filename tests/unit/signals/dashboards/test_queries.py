"""The queries of a dashboard with its variables in them, and what is read from a PromQL expression."""

from __future__ import annotations

import pytest

from pointsman.signals import promql
from pointsman.signals.dashboards.queries import Asked, filled, queries
from pointsman.signals.promql import Selected
from tests.unit.signals.dashboards.examples import DASHBOARDS, small


def test_a_variable_stands_for_everything_until_it_is_chosen() -> None:
    """Panel, letter, data source and text, as they would be sent."""
    expr = 'sum by (workflow_status) (rate(workflow_runs_total{workflow_name=~"%s"}[5m]))'
    assert queries(small()) == [Asked("Runs", "A", "prometheus", expr % ".*")]
    assert queries(small(), {"workflow": "release"})[0].expr == expr % "release"


def test_several_values_are_escaped_as_grafana_does() -> None:
    """For the regular expression, and that again for the string that it stands in."""
    assert filled('{a=~"$a"}', {"a": ["x.y", "z"]}) == '{a=~"(x\\\\.y|z)"}'
    assert filled('{a=~"${a}"}', {"a": ["x.y"]}) == '{a=~"x\\\\.y"}'


def test_a_variable_without_a_value_is_refused() -> None:
    """Rather than asked for by its name."""
    with pytest.raises(ValueError, match=r"\$b has no value"):
        filled('{a="$b"}', {"a": "x"})


def test_no_query_of_ours_keeps_a_variable() -> None:
    """All are filled in without any value given, for who only wants to ask them."""
    asked = [each for dashboard in DASHBOARDS.values() for each in queries(dashboard)]
    assert len(asked) >= 64
    assert [each for each in asked if "$" in each.expr or not each.expr] == []
    narrow = queries(DASHBOARDS["workflow-overview"], {"__range": "1h", "__rate_interval": "10m", "workflow": "a"})
    assert all("6h" not in each.expr for each in narrow)


@pytest.mark.parametrize(
    ("expr", "names"),
    [
        ("sum by (job) (rate(a_total[5m])) / on (job) b", {"a_total", "b"}),
        ('a{x="b{c}", y=~"d|e"} or vector(0)', {"a"}),
        ("slo:sli_error:ratio_rate1h offset 1h > bool 0.5e3", {"slo:sli_error:ratio_rate1h"}),
        ("histogram_quantile(0.9, sum by (le) (a_bucket)) and b unless c", {"a_bucket", "b", "c"}),
        ("topk(3, a) * 1e9 - inf", {"a"}),
        ('count_values by (x) ("a", b)', {"b"}),
        ('{__name__="a"}', {""}),
        ('{__name__=~"a|b:c"} == 0', {"a", "b:c"}),
    ],
)
def test_the_series_that_an_expression_names(expr: str, names: set[str]) -> None:
    """Neither functions, nor labels, nor what stands in strings."""
    assert {each.name for each in promql.selected(expr)} == names


def test_the_labels_that_an_expression_asks_for() -> None:
    """Those that choose series, and those that group them."""
    expr = 'sum by (job, le) (a{b="1", c!~"x=y"}) / ignoring (d) group_left (e) f{}'
    assert promql.selected(expr) == (Selected("a", frozenset({"b", "c"})), Selected("f", frozenset()))
    assert promql.grouped(expr) == {"job", "le", "d", "e"}
