"""Alerts on workflow runs: they fail, take too long, wait for an approval, or do not end."""

from __future__ import annotations

from pointsman.signals.counting import grown, share, slow
from pointsman.signals.model import Alert, RuleGroup
from pointsman.spec.models import Environment
from pointsman.spec.scalars import duration_seconds

OWNER = "automation"
BOARD = "workflow-overview"
BY = "workflow_name"
RUNS = "workflow_runs_total"
FAILED = f'{RUNS}{{workflow_status=~"failure|error|timeout"}}'
JUDGED = f'{RUNS}{{workflow_status!~"cancellation|skip"}}'
"""Runs that somebody cancelled or that were skipped are no success, and no failure either."""


def alerts(spec: Environment) -> RuleGroup:
    """The alerts on what `pointsman.telemetry` tells of workflow runs."""
    return RuleGroup("workflows", (_failing(spec), _slow(spec), _approval(spec), _stuck(spec)))


def _failing(spec: Environment) -> Alert:
    limits = spec.alerts.workflows
    return Alert(
        name="WorkflowFailureRateHigh",
        expr=share(FAILED, JUDGED, BY, limits.window, limits.failure_rate, limits.least),
        hold="2m",
        severity="critical",
        summary="Workflow {{ $labels.workflow_name }} fails too often",
        description=f"{{{{ $value | humanizePercentage }}}} of its runs of the last {limits.window} failed; "
        f"{limits.failure_rate:.0%} are allowed.",
        owner=OWNER,
        dashboard=BOARD,
    )


def _slow(spec: Environment) -> Alert:
    limits = spec.alerts.workflows
    seconds = duration_seconds(limits.slow)
    return Alert(
        name="WorkflowSlow",
        expr=slow("workflow_duration_seconds", "", BY, limits.window, 0.95, seconds, limits.least),
        hold="5m",
        severity="warning",
        summary="Workflow {{ $labels.workflow_name }} takes too long",
        description=f"One run in twenty of the last {limits.window} took {{{{ $value | humanizeDuration }}}} or more; "
        f"{limits.slow} are allowed.",
        owner=OWNER,
        dashboard=BOARD,
    )


def _approval(spec: Environment) -> Alert:
    wait = spec.alerts.workflows.approval_wait
    return Alert(
        name="WorkflowApprovalStuck",
        expr="sum by (workflow_name) (workflow_approvals_pending) > 0",
        hold=wait,
        severity="warning",
        summary="Workflow {{ $labels.workflow_name }} waits for approval",
        description=f"For {wait} there has always been a run that waits; now there are {{{{ $value | humanize }}}}.",
        owner=OWNER,
        dashboard=BOARD,
    )


def _stuck(spec: Environment) -> Alert:
    within = spec.alerts.workflows.stuck
    return Alert(
        name="WorkflowStuck",
        expr=f"sum by (workflow_name) (workflows_active) > 0 unless {grown(RUNS, BY, within)} > 0",
        hold=within,
        severity="warning",
        summary="Runs of workflow {{ $labels.workflow_name }} do not end",
        description=f"{{{{ $value | humanize }}}} are active, and for {within} none has ended.",
        owner=OWNER,
        dashboard=BOARD,
    )
