"""Alerts on deployments: one fails, all fail, they take too long, or do not end."""

from __future__ import annotations

from pointsman.signals.counting import grown, slow
from pointsman.signals.model import Alert, RuleGroup
from pointsman.spec.models import Environment
from pointsman.spec.scalars import duration_seconds

BOARD = "deployment-pipeline"
BY = "deployment_environment_name, deployment_service"
WHAT = "{{ $labels.deployment_service }}"
WHERE = "{{ $labels.deployment_environment_name }}"


def alerts(spec: Environment) -> RuleGroup:
    """The alerts on what `pointsman deployments record` tells."""
    return RuleGroup("deployments", (_failed(spec), _failing(spec), _slow(spec), _stuck(spec)))


def _failed(spec: Environment) -> Alert:
    """By the moment and not by the counter: that alone tells whether a success came before or after."""
    window = spec.alerts.deployments.window
    failed, succeeded = (
        # What a process told that has ended is not there any more.
        f"max by ({BY}) (max_over_time(deployment_last_{result}_timestamp_seconds[{window}]))"
        for result in ("failure", "success")
    )
    return Alert(
        name="DeploymentFailed",
        expr=f"{failed} > time() - {duration_seconds(window):g} unless {failed} <= {succeeded}",
        severity="warning",
        summary=f"A deployment of {WHAT} failed",
        description=f"To {WHERE}, at {{{{ $value | humanizeTimestamp }}}}. It is over with the next success, "
        f"or {window} later.",
        dashboard=BOARD,
    )


def _failing(spec: Environment) -> Alert:
    limits = spec.alerts.deployments
    failed, succeeded = (
        grown(f'deployments_total{{deployment_result="{result}"}}', BY, limits.window)
        for result in ("failure", "success")
    )
    return Alert(
        name="DeploymentsFailing",
        expr=f"{failed} >= {limits.failures} unless {succeeded} > 0",
        severity="critical",
        summary=f"Deployments of {WHAT} fail",
        description=f"{{{{ $value | humanize }}}} to {WHERE} failed in the last {limits.window}, and none succeeded.",
        dashboard=BOARD,
    )


def _slow(spec: Environment) -> Alert:
    limits = spec.alerts.deployments
    seconds = duration_seconds(limits.slow)
    return Alert(
        name="DeploymentSlow",
        expr=slow("deployment_duration_seconds", "", BY, limits.window, 0.5, seconds, limits.least),
        severity="warning",
        summary=f"Deployments of {WHAT} take too long",
        description=f"Half of those to {WHERE} of the last {limits.window} took {{{{ $value | humanizeDuration }}}} "
        f"or more; {limits.slow} are allowed.",
        dashboard=BOARD,
    )


def _stuck(spec: Environment) -> Alert:
    within = spec.alerts.deployments.stuck
    return Alert(
        name="DeploymentStuck",
        expr=f"sum by ({BY}) (deployments_in_progress) > 0",
        hold=within,
        severity="warning",
        summary=f"A deployment of {WHAT} does not end",
        description=f"{{{{ $value | humanize }}}} to {WHERE} in progress, without a pause for {within}.",
        dashboard=BOARD,
    )
