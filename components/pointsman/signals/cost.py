"""Alerts on cost: a sudden rise, and a day that costs more than it may."""

from __future__ import annotations

from pointsman.signals.counting import grown
from pointsman.signals.model import Alert, RuleGroup
from pointsman.spec.models import Environment

COST = "cost_USD_total"
BOARD = "cost-tracking"
RECENT_HOURS, BEFORE_HOURS = 6, 24
"""Long enough that one costly run is no spike, short enough to be told on the same day."""


def alerts(spec: Environment) -> RuleGroup:
    """The alerts on the cost that `pointsman.telemetry` counts."""
    return RuleGroup("cost", (_spike(spec), _budget(spec)))


def _spike(spec: Environment) -> Alert:
    limits = spec.alerts.cost
    recent = grown(COST, "workflow_name", f"{RECENT_HOURS}h")
    before = grown(COST, "workflow_name", f"{BEFORE_HOURS}h", back=f"{RECENT_HOURS}h")
    usual = f"({before} > 0) / {BEFORE_HOURS / RECENT_HOURS:g}"
    return Alert(
        name="CostSpike",
        expr=f"{recent} > {limits.spike:g} * {usual} and {recent} > {limits.spike_least:g}",
        severity="warning",
        summary="Workflow {{ $labels.workflow_name }} costs far more than before",
        description=f'{{{{ $value | printf "%.2f" }}}} USD in {RECENT_HOURS}h, more than {limits.spike:g} times as '
        "much as in the same time over the day before.",
        dashboard=BOARD,
    )


def _budget(spec: Environment) -> Alert:
    budget = spec.alerts.cost.daily_budget
    return Alert(
        name="DailyCostOverBudget",
        expr=f"sum({grown(COST, 'workflow_name', '24h')}) > {budget:g}",
        severity="warning",
        summary="The last 24 hours cost more than a day may",
        description=f'{{{{ $value | printf "%.2f" }}}} USD, all workflows together; {budget:g} USD are allowed.',
        dashboard=BOARD,
    )
