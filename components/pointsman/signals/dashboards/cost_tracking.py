"""Cost Tracking: execution minutes and money, by kind, by day and by workflow."""

from __future__ import annotations

from pointsman.signals.counting import grown
from pointsman.signals.dashboards.model import Board, Panel, Query, Variable
from pointsman.signals.dashboards.panels import RANGE, Shown, bars, logs, runbook, timeseries
from pointsman.signals.dashboards.thresholds import Thresholds

UID = "cost-tracking"
BY = 'workflow_name=~"$workflow"'
MOST = 10


def board(limits: Thresholds) -> Board:
    """Four panels, over a day."""
    return Board(
        UID,
        "Cost Tracking",
        "Execution minutes and money, by the prices of the spec.",
        (_minutes(), _breakdown(limits), _trend(limits), _workflows(limits)),
        (Variable("workflow", "Workflow", "workflow_runs_total", "workflow_name"),),
        hours=24,
    )


def _minutes() -> Panel:
    shown = Shown(
        "Minutes that workflows ran, over the range shown. Good: in step with the number of runs; more minutes for "
        "the same runs are slow ones.",
        logs("workflow runs", '{service_name=~".+"} |= "workflow"'),
    )
    expr = f"{grown(f'workflow_duration_seconds_sum{{{BY}}}', 'workflow_name', RANGE)} / 60"
    return bars("Execution minutes", "suffix:min", shown, Query(expr, "{{workflow_name}}"))


def _breakdown(limits: Thresholds) -> Panel:
    shown = Shown(
        "Cost over the range shown, by kind: execution minutes, and tokens of each model. Good: the share of each "
        "that you planned.",
        runbook(limits.runbooks, "CostSpike"),
        limits.cost_day,
    )
    expr = grown(f"cost_USD_total{{{BY}}}", "cost_kind, gen_ai_request_model", RANGE)
    return bars("Breakdown", "currencyUSD", shown, Query(expr, "{{cost_kind}} {{gen_ai_request_model}}"))


def _trend(limits: Thresholds) -> Panel:
    shown = Shown(
        "Cost of the last 24 hours at each moment, by kind. Good: level, below the first limit; choose a range of "
        "days to see the trend.",
        runbook(limits.runbooks, "DailyCostOverBudget"),
        limits.cost_day,
    )
    expr = grown(f"cost_USD_total{{{BY}}}", "cost_kind", "1d")
    return timeseries("Daily trend", "currencyUSD", shown, Query(expr, "{{cost_kind}}"))


def _workflows(limits: Thresholds) -> Panel:
    shown = Shown(
        f"The {MOST} workflows that cost most over the range shown. Good: the order that you expect, and none near "
        "a day's limit.",
        runbook(limits.runbooks, "DailyCostOverBudget"),
        limits.cost_day,
    )
    spent = grown(f'cost_USD_total{{{BY}, workflow_name!=""}}', "workflow_name", RANGE)
    return bars("Cost per workflow", "currencyUSD", shown, Query(f"topk({MOST}, {spent})", "{{workflow_name}}"))
