"""What the lint refuses: each fault with the dashboard and the panel that has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pointsman.errors import UsageError
from pointsman.signals.dashboards import lint
from tests.unit.signals.dashboards.examples import small

Spoil = Callable[[dict[str, Any]], Any]


def panel(**more: Any) -> Spoil:
    """The panel with other keys."""
    return lambda dashboard: dashboard["panels"][0].update(more)


def field(**more: Any) -> Spoil:
    """The panel with other defaults of its field."""
    return lambda dashboard: dashboard["panels"][0]["fieldConfig"]["defaults"].update(more)


def query(**more: Any) -> Spoil:
    """The panel's query with other keys."""
    return lambda dashboard: dashboard["panels"][0]["targets"][0].update(more)


def variable(**more: Any) -> Spoil:
    """The variable with other keys."""
    return lambda dashboard: dashboard["templating"]["list"][0].update(more)


def steps(*values: float | None) -> Spoil:
    """The panel with other limits."""
    return field(thresholds={"mode": "absolute", "steps": [{"color": "red", "value": value} for value in values]})


IN_PANEL: dict[str, tuple[Spoil, str]] = {
    "panel type": (panel(type="geomap"), "type geomap: the board draws only stat, "),
    "no description": (panel(description=""), "description: expected what is shown"),
    "no good": (panel(description="This shows how many runs there were."), 'after "Good:" what good looks like'),
    "no link": (panel(links=[]), "link is missing"),
    "dead link": (panel(links=[{"url": "javascript:alert(1)"}]), "link is missing"),
    "no query": (panel(targets=[]), "it has no query"),
    "transformation": (panel(transformations=[]), "transformations: the board does not draw it"),
    "repeat": (panel(repeat="workflow"), "repeat: the board does not draw it"),
    "option": (panel(options={"orientation": "auto"}), "options.orientation: the board does not draw it"),
    "override": (panel(fieldConfig={"overrides": [{}]}), "fieldConfig.overrides: the board draws none"),
    "no unit": (field(unit=""), "unit is missing"),
    "unknown unit": (field(unit="lengthmi"), "unit lengthmi: expected one of "),
    "empty suffix": (field(unit="suffix:"), "unit suffix:: expected one of "),
    "field key": (field(decimals=2), "fieldConfig.defaults.decimals: the board does not draw it"),
    "custom key": (field(custom={"axisLabel": "x"}), "fieldConfig.defaults.custom.axisLabel: "),
    "draw style": (field(custom={"drawStyle": "points"}), "drawStyle points: expected one of line"),
    "no thresholds": (field(thresholds={}), "thresholds: expected absolute ones"),
    "falling limits": (steps(None, 2, 1), "thresholds [2, 1]: expected values that rise"),
    "same limits": (steps(None, 1, 1), "thresholds [1, 1]: expected values that rise"),
    "no first limit": (steps(1, 2), "thresholds: expected absolute ones, the first without a value"),
    "data source": (query(datasource={"uid": "mimir"}), "query A: the data source mimir is unknown"),
    "no data source": (query(datasource=None), "query A: the data source None is unknown"),
    "other source": (query(datasource={"uid": "loki"}), "query A: a timeseries asks prometheus, not loki"),
    "query key": (query(hide=True), "query A: hide: the board does not draw it"),
    "unknown metric": (query(expr="sum(workflow_run_total)"), "query A: the metric workflow_run_total is unknown"),
    "part of a histogram": (query(expr="rate(workflow_duration_seconds[5m])"), "workflow_duration_seconds is unknown"),
    "unknown label": (
        query(expr='sum(workflow_runs_total{run_id="7"})'),
        "the metric workflow_runs_total has no label run_id",
    ),
    "unknown group": (query(expr="sum by (run_id) (workflow_runs_total)"), "no metric in it has the label run_id"),
    "second metric": (query(expr="workflow_runs_total / on (job) runs"), "the metric runs is unknown"),
    "metric in a join": (query(expr="up * on (host) group_left (color) up"), "no metric in it has the label color"),
    "any metric": (query(expr='{job="x"}'), "a selector without a metric's name"),
    "no metric": (query(expr="vector(1)"), "it names no metric"),
    "empty query": (query(expr=" "), "it is empty"),
    "unknown variable": (query(expr='workflow_runs_total{job="$job"}'), "the variable $job is not defined"),
}


@pytest.mark.parametrize(("spoil", "told"), IN_PANEL.values(), ids=IN_PANEL.keys())
def test_a_fault_in_a_panel_is_told_with_its_place(spoil: Spoil, told: str) -> None:
    """Dashboard, panel, query, and what is wrong."""
    dashboard = small()
    spoil(dashboard)
    found = lint.faults(dashboard)
    assert any(told in fault for fault in found), found
    assert all(fault.startswith('small: panel "Runs": ') for fault in found)


IN_DASHBOARD: dict[str, tuple[Spoil, str]] = {
    "no uid": (lambda dashboard: dashboard.pop("uid"), "(no uid): uid: expected small letters"),
    "bad uid": (lambda dashboard: dashboard.update(uid="My Board"), "My Board: uid: expected small letters"),
    "no title": (lambda dashboard: dashboard.update(title=""), "small: title is missing"),
    "no panels": (lambda dashboard: dashboard.update(panels=[]), "small: it has no panels"),
    "library panels": (lambda dashboard: dashboard.update(__inputs=[]), "small: __inputs: the board does not draw it"),
    "same panel twice": (
        lambda dashboard: dashboard["panels"].append(dashboard["panels"][0]),
        "small: two panels have the title Runs",
    ),
    "variable's type": (variable(type="custom"), "small: variable workflow: expected type query with label_values"),
    "variable's query": (variable(query="query_result(up)"), "small: variable workflow: expected type query with "),
    "variable's metric": (variable(query="label_values(runs, x)"), "variable workflow: the metric runs is unknown"),
    "variable's label": (variable(query="label_values(up, x)"), "variable workflow: the metric up has no label x"),
    "variable's source": (variable(datasource={"uid": "loki"}), "expected the data source prometheus"),
}


@pytest.mark.parametrize(("spoil", "told"), IN_DASHBOARD.values(), ids=IN_DASHBOARD.keys())
def test_a_fault_in_a_dashboard_is_told_with_its_place(spoil: Spoil, told: str) -> None:
    """Dashboard and key."""
    dashboard = small()
    spoil(dashboard)
    assert any(told in fault for fault in lint.faults(dashboard)), lint.faults(dashboard)


def test_logs_are_chosen_by_labels_that_streams_have() -> None:
    """A stream's label that nobody sets is an empty panel."""
    dashboard = small()
    target = {"refId": "A", "datasource": {"uid": "loki"}, "expr": '{pod="x"} |= "y=z"'}
    dashboard["panels"][0].update(type="logs", options={}, targets=[target])
    dashboard["panels"][0]["fieldConfig"]["defaults"].pop("custom")
    assert lint.faults(dashboard) == ['small: panel "Runs": query A: no stream has the label pod']


def test_what_has_no_fault_passes() -> None:
    """The dashboard that the cases above spoil."""
    assert lint.faults(small()) == []
    lint.check("small.json", small())


def test_all_faults_are_told_at_once_before_anything_is_applied() -> None:
    """With the file, and as the user's matter: exit code 2."""
    dashboard = small()
    field(unit="")(dashboard)
    query(expr="nobody_sends")(dashboard)
    with pytest.raises(UsageError) as refused:
        lint.check("small.json", dashboard)
    assert refused.value.message == "small.json: 2 faults in a dashboard; nothing was applied"
    assert len(refused.value.detail.splitlines()) == 2
