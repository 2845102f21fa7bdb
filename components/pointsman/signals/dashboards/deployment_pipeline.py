"""Deployment Pipeline: what `pointsman deployments record` told of deployments, by environment, service and result."""

from __future__ import annotations

from pointsman.signals.counting import grown
from pointsman.signals.dashboards.model import Board, Limits, Panel, Query, Variable
from pointsman.signals.dashboards.panels import (
    RANGE,
    Shown,
    bars,
    logs,
    percentiles,
    runbook,
    share,
    stat,
    timeseries,
    traces,
)
from pointsman.signals.dashboards.thresholds import DEPLOYED, Thresholds

UID = "deployment-pipeline"
BY = 'deployment_environment_name=~"$environment"'
PLACE = "deployment_environment_name, deployment_service"
NAMED = "{{deployment_environment_name}} {{deployment_service}}"
RECENT = (
    '{ name = "deployment.execute" && .deployment.environment.name =~ "$environment" } '
    "| select(.deployment.environment.name, .deployment.service, .deployment.result)"
)
FAILED = Limits(round(1 - DEPLOYED.warning, 6), round(1 - DEPLOYED.critical, 6))
LOGS = logs("deployments", '{service_name=~".+"} |= "deployment"')


def board(limits: Thresholds) -> Board:
    """Ten panels, over a week."""
    return Board(
        UID,
        "Deployment Pipeline",
        "Deployments by environment and service: how many, how they ended, how long they took.",
        (
            _count(),
            _success(limits),
            _in_progress(limits),
            _oldest(),
            _results(),
            _durations(limits),
            _frequency(),
            _slowest(limits),
            _failing(limits),
            _recent(limits),
        ),
        (Variable("environment", "Environment", "deployments_total", "deployment_environment_name"),),
        hours=24,
    )


def _count() -> Panel:
    shown = Shown("Deployments that ended, over the range shown, by result. Good: often, and small.", LOGS)
    expr = grown(f"deployments_total{{{BY}}}", "deployment_result", RANGE)
    return stat("Deployments", "short", shown, Query(expr, "{{deployment_result}}"))


def _success(limits: Thresholds) -> Panel:
    shown = Shown(
        "Share of the ended deployments that succeeded, over the range shown; cancelled ones do not count. Good: "
        "green, above the first limit.",
        runbook(limits.runbooks, "DeploymentsFailing"),
        DEPLOYED,
    )
    good = f'deployments_total{{{BY}, deployment_result="success"}}'
    expr = share(good, f'deployments_total{{{BY}, deployment_result!="cancelled"}}', "", RANGE)
    return stat("Success rate", "percentunit", shown, Query(expr, "success"), highest=1)


def _in_progress(limits: Thresholds) -> Panel:
    shown = Shown(
        "Deployments that have begun and not ended. Good: 0 or 1 for each environment; one that stays is stuck, or "
        "its end was not recorded.",
        runbook(limits.runbooks, "DeploymentStuck"),
    )
    expr = f"sum by (deployment_environment_name) (deployments_in_progress{{{BY}}})"
    return stat("In progress", "short", shown, Query(expr, "{{deployment_environment_name}}"))


def _oldest() -> Panel:
    shown = Shown(
        "Since when nothing was deployed with success, by environment. Good: days at most; what is deployed seldom "
        "is deployed badly.",
        LOGS,
    )
    # The process that told of it may have ended since.
    told = f"max_over_time(deployment_last_success_timestamp_seconds{{{BY}}}[{RANGE}])"
    newest = f"max by (deployment_environment_name) ({told})"
    return stat("Since last success", "s", shown, Query(f"time() - {newest}", "{{deployment_environment_name}}"))


def _results() -> Panel:
    shown = Shown(
        "Deployments that ended within the last 24 hours, at each moment, by result. Good: hardly any failure.", LOGS
    )
    expr = grown(f"deployments_total{{{BY}}}", "deployment_result", "1d")
    return timeseries("Results", "suffix:/day", shown, Query(expr, "{{deployment_result}}"))


def _durations(limits: Thresholds) -> Panel:
    shown = Shown(
        "How long deployments took that ended: half of them at most p50, nineteen of twenty at most p95. Good: p95 "
        "below the first limit, which is the objective of ten minutes.",
        runbook(limits.runbooks, "DeploymentSlow"),
        limits.deployment_duration,
    )
    queries = percentiles("deployment_duration_seconds", BY, "1d", quantiles=(0.5, 0.95))
    return timeseries("Duration percentiles", "s", shown, *queries)


def _frequency() -> Panel:
    shown = Shown(
        "Deployments of the last 24 hours at each moment, by environment. Good: steady; production follows staging.",
        LOGS,
    )
    expr = grown(f"deployments_total{{{BY}}}", "deployment_environment_name", "1d")
    return timeseries("Frequency", "suffix:/day", shown, Query(expr, "{{deployment_environment_name}}"), width=8)


def _slowest(limits: Thresholds) -> Panel:
    shown = Shown(
        "Mean time of a deployment, over the range shown, by environment and service. Good: below the first limit.",
        runbook(limits.runbooks, "DeploymentSlow"),
        limits.deployment_duration,
    )
    spent = grown(f"deployment_duration_seconds_sum{{{BY}}}", PLACE, RANGE)
    ended = grown(f"deployment_duration_seconds_count{{{BY}}}", PLACE, RANGE)
    return bars("Mean duration by service", "s", shown, Query(f"{spent} / ({ended} > 0)", NAMED), width=8)


def _failing(limits: Thresholds) -> Panel:
    shown = Shown(
        "Share of each service's deployments that failed, over the range shown. Good: 0; one service ahead of the "
        "others needs its pipeline mended.",
        runbook(limits.runbooks, "DeploymentsFailing"),
        FAILED,
    )
    bad = f'deployments_total{{{BY}, deployment_result="failure"}}'
    query = Query(share(bad, f'deployments_total{{{BY}, deployment_result!="cancelled"}}', PLACE, RANGE), NAMED)
    return bars("Failures by service", "percentunit", shown, query, width=8, highest=1)


def _recent(limits: Thresholds) -> Panel:
    shown = Shown(
        "The last deployments that were recorded, with their commit in the trace. Good: the newest one is a success.",
        runbook(limits.runbooks, "DeploymentsFailing"),
    )
    return traces("Recent deployments", shown, RECENT, width=24)
