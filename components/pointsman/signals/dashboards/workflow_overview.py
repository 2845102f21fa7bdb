"""Workflow Overview: how many workflows run, how they end, how long they take and wait."""

from __future__ import annotations

from pointsman.signals.counting import grown
from pointsman.signals.dashboards.model import Board, Panel, Query, Variable
from pointsman.signals.dashboards.panels import (
    RANGE,
    Shown,
    logs,
    percentiles,
    runbook,
    share,
    stat,
    timeseries,
    traces,
)
from pointsman.signals.dashboards.thresholds import Thresholds

UID = "workflow-overview"
BY = 'workflow_name=~"$workflow"'
# What was skipped or called off tells nothing of whether workflows work.
JUDGED = f'{BY}, workflow_status!~"skip|cancellation"'
FAILED = (
    '{ name = "workflow.execute" && span.workflow.name =~ "$workflow" '
    '&& span.workflow.status =~ "failure|error|timeout" } '
    "| select(span.workflow.id, span.workflow.name, span.workflow.trigger, span.workflow.status)"
)


def board(limits: Thresholds) -> Board:
    """Six panels."""
    return Board(
        UID,
        "Workflow Overview",
        "How many workflows run, how they end, and how long they take.",
        (_rate(), _success(limits), _active(limits), _durations(limits), _waits(limits), _failures(limits)),
        (Variable("workflow", "Workflow", "workflow_runs_total", "workflow_name"),),
    )


def _rate() -> Panel:
    shown = Shown(
        "Runs that ended within the last hour, at each moment, by how they ended. Good: the usual shape of "
        "the day, nearly all of it success.",
        logs("workflow runs", '{service_name=~".+"} |= "workflow"'),
    )
    expr = grown(f"workflow_runs_total{{{BY}}}", "workflow_status", "1h")
    return timeseries("Execution rate", "suffix:runs/h", shown, Query(expr, "{{workflow_status}}"))


def _success(limits: Thresholds) -> Panel:
    shown = Shown(
        "Share of the ended runs that succeeded, over the range shown; skipped and cancelled ones do not count. "
        "Good: green, above the first limit.",
        runbook(limits.runbooks, "WorkflowFailureRateHigh"),
        limits.workflow_success,
    )
    good = f'workflow_runs_total{{{BY}, workflow_status="success"}}'
    expr = share(good, f"workflow_runs_total{{{JUDGED}}}", "", RANGE)
    return stat("Success rate", "percentunit", shown, Query(expr, "success"), highest=1)


def _active(limits: Thresholds) -> Panel:
    shown = Shown(
        "Runs that have begun and not ended. Good: falls back to none when work is done; a number that only grows "
        "means that runs hang.",
        runbook(limits.runbooks, "WorkflowStuck"),
    )
    expr = f"sum by (workflow_name) (workflows_active{{{BY}}})"
    return stat("Active", "short", shown, Query(expr, "{{workflow_name}}"))


def _durations(limits: Thresholds) -> Panel:
    shown = Shown(
        "How long runs took that ended: half of them at most p50, all but one in a hundred at most p99. Dots lead to "
        "traces. Good: p95 below the first limit, and no slow climb over weeks.",
        runbook(limits.runbooks, "WorkflowSlow"),
        limits.workflow_duration,
    )
    queries = percentiles("workflow_duration_seconds", BY, limits.workflow_window)
    return timeseries("Duration percentiles", "s", shown, *queries, exemplars=True)


def _waits(limits: Thresholds) -> Panel:
    shown = Shown(
        "How long runs waited for somebody's approval that have got it (p95), by workflow. Good: below the first "
        "limit; beyond it people hold up deployments.",
        runbook(limits.runbooks, "WorkflowApprovalStuck"),
        limits.approval_wait,
    )
    queries = percentiles(
        "workflow_approval_wait_time_seconds", BY, limits.workflow_window, "workflow_name", quantiles=(0.95,)
    )
    return timeseries("Approval wait", "s", shown, *queries)


def _failures(limits: Thresholds) -> Panel:
    shown = Shown(
        "The last runs that failed, broke or ran out of time; each leads to its trace, and that to its logs. Good: "
        "empty, or older than today.",
        runbook(limits.runbooks, "WorkflowFailureRateHigh"),
    )
    return traces("Recent failures", shown, FAILED, width=24)
