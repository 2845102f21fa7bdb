"""SLO Overview: each objective, how much of its error budget is left, and how fast it is spent."""

from __future__ import annotations

from pointsman.signals.dashboards.model import Board, Panel, Query, Variable
from pointsman.signals.dashboards.panels import Shown, bars, logs, runbook, stat, timeseries
from pointsman.signals.dashboards.thresholds import BUDGET, BURN, NEVER, Thresholds

UID = "slo-overview"
BY = 'slo=~"$slo"'
LOGS = logs("the applications", '{service_name=~".+"} |~ "(?i)error"')


def board(limits: Thresholds) -> Board:
    """Seven panels, over a week."""
    return Board(
        UID,
        "SLO Overview",
        "Each objective, how much of its error budget is left, and how fast it is spent.",
        (
            _remaining(limits),
            _burning(limits),
            _firing(limits),
            _budget(limits),
            _rate(limits),
            _errors(),
            _objectives(),
        ),
        (Variable("slo", "SLO", "slo:objective:ratio", "slo"),),
        hours=24,
    )


def _remaining(limits: Thresholds) -> Panel:
    shown = Shown(
        "Share of each error budget that is left of its period. Good: above the first limit; at 0 changes should "
        "wait, below it the objective is missed.",
        runbook(limits.runbooks, "SLOErrorBudgetBurnFast"),
        BUDGET,
    )
    expr = f"min by (slo) (slo:period_error_budget_remaining:ratio{{{BY}}})"
    return bars("Error budget left", "percentunit", shown, Query(expr, "{{slo}}"), width=10, highest=1)


def _burning(limits: Thresholds) -> Panel:
    shown = Shown(
        "How fast each budget is spent now; 1 spends it just within the period. Good: below 1.",
        runbook(limits.runbooks, "SLOErrorBudgetBurnFast"),
        BURN,
    )
    expr = f"max by (slo) (slo:current_burn_rate:ratio{{{BY}}})"
    return bars("Burn rate now", "suffix:×", shown, Query(expr, "{{slo}}"), width=8)


def _firing(limits: Thresholds) -> Panel:
    shown = Shown("Alerts of SLOs that fire now. Good: 0.", runbook(limits.runbooks, "SLOErrorBudgetBurnFast"), NEVER)
    expr = f'count(ALERTS{{alertstate="firing", slo!="", {BY}}}) or vector(0)'
    return stat("SLO alerts firing", "short", shown, Query(expr, "firing"), height=8)


def _budget(limits: Thresholds) -> Panel:
    shown = Shown(
        "How the error budgets shrink. Good: level lines; a steep fall is an incident, a steady one a habit.",
        runbook(limits.runbooks, "SLOErrorBudgetExhaustedSoon"),
        BUDGET,
    )
    expr = f"min by (slo) (slo:period_error_budget_remaining:ratio{{{BY}}})"
    return timeseries("Error budget over time", "percentunit", shown, Query(expr, "{{slo}}"), highest=1)


def _rate(limits: Thresholds) -> Panel:
    shown = Shown(
        "How fast the budgets were spent. Good: below 1; at the second limit an hour takes 2 % of a month's budget.",
        runbook(limits.runbooks, "SLOErrorBudgetBurnSlow"),
        BURN,
    )
    expr = f"max by (slo) (slo:current_burn_rate:ratio{{{BY}}})"
    return timeseries("Burn rate over time", "suffix:×", shown, Query(expr, "{{slo}}"))


def _errors() -> Panel:
    shown = Shown(
        "Share of bad events in the last day, by SLO. Good: below what the objective leaves: 0.01 for one of 99 %.",
        LOGS,
    )
    expr = f"max by (slo) (slo:sli_error:ratio_rate1d{{{BY}}})"
    return timeseries("Bad events", "percentunit", shown, Query(expr, "{{slo}}"))


def _objectives() -> Panel:
    shown = Shown("The objectives, as the spec has them. Good: what you promised, and no more.", LOGS)
    expr = f"max by (slo) (slo:objective:ratio{{{BY}}})"
    return bars("Objectives", "percentunit", shown, Query(expr, "{{slo}}"), highest=1)
