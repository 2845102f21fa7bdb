"""Where the panels' colours change: at the limits of the spec's alerts, so that a panel turns red with its alert."""

from __future__ import annotations

from dataclasses import dataclass

from pointsman.signals.dashboards.model import Limits
from pointsman.spec.models import Environment
from pointsman.spec.scalars import duration_seconds, size_bytes

# A value is doubtful from four fifths of its limit on.
EARLY = 0.8


def up_to(limit: float) -> Limits:
    """For what must not grow beyond `limit`."""
    return Limits(EARLY * limit, limit)


def down_to(limit: float) -> Limits:
    """For what must not fall below `limit`."""
    return Limits(limit / EARLY, limit)


def success(failures: float) -> Limits:
    """For a share of successes, where `failures` is the limit of the rest."""
    return Limits(1 - EARLY * failures, 1 - failures)


@dataclass(frozen=True)
class Thresholds:
    """Every limit that a panel shows, in the panel's unit: shares from 0 to 1, seconds, bytes, US dollars.

    The windows, as Prometheus writes durations, are those in which the alerts count. `runbooks` is where the alerts'
    pages are. In the order of the spec's sections.
    """

    # alerts.workflows
    workflow_window: str
    workflow_success: Limits
    workflow_duration: Limits
    approval_wait: Limits
    # alerts.agents
    agent_window: str
    agent_failures: Limits
    agent_duration: Limits
    agent_retries: Limits
    agent_errors: Limits
    # alerts.system
    system_window: str
    api_latency: Limits
    api_errors: Limits
    database_latency: Limits
    process_memory: Limits
    event_loop_lag: Limits
    container_memory: Limits
    # alerts.cost
    cost_day: Limits
    # alerts.deployments
    deployment_duration: Limits
    # alerts.runners
    queue_wait: Limits
    disk_free: Limits
    clock_offset: Limits
    secret_age: Limits
    github_budget: Limits
    # alerts.monitor
    monitor_window: str
    detection: Limits
    poll_lag: Limits
    deliveries: Limits
    # alerts, prometheus
    series: Limits
    queue_share: Limits
    rule_seconds: Limits
    runbooks: str


UP = Limits(1, 0.5)
"""Of what is 1 while it is there."""
NEVER = Limits(1, 3)
"""Of what should not be there at all."""
NO_LOSS = Limits(0.001, 1)
"""Of what should not be lost, a second."""
BUSY = Limits(0.80, 0.95)
"""Of a share of what a machine has: beyond it there is no room for a burst. No alert judges it."""
DEPLOYED = Limits(0.95, 0.80)
"""Of the share of deployments that succeed. The alert counts failures; their share is the SLO's matter."""
BUDGET = Limits(0.25, 0.0)
"""Of what is left of an error budget: a quarter is time to slow down, nothing is the objective missed."""
BURN = Limits(1, 14.4)
"""Of burn rates: 1 spends the budget just within its period, 14.4 is the SRE Workbook's factor for a page."""


def thresholds(spec: Environment) -> Thresholds:
    """The limits of an environment."""
    alerts, seconds = spec.alerts, duration_seconds
    return Thresholds(
        workflow_window=alerts.workflows.window,
        workflow_success=success(alerts.workflows.failure_rate),
        workflow_duration=up_to(seconds(alerts.workflows.slow)),
        approval_wait=up_to(seconds(alerts.workflows.approval_wait)),
        agent_window=alerts.agents.window,
        agent_failures=up_to(alerts.agents.failure_rate),
        agent_duration=up_to(seconds(alerts.agents.slow)),
        agent_retries=up_to(alerts.agents.retries),
        agent_errors=up_to(alerts.agents.errors),
        system_window=alerts.system.window,
        api_latency=up_to(seconds(alerts.system.api_latency)),
        api_errors=up_to(alerts.system.api_errors),
        database_latency=up_to(seconds(alerts.system.database_latency)),
        process_memory=up_to(size_bytes(alerts.system.memory)),
        event_loop_lag=up_to(seconds(alerts.system.event_loop_lag)),
        container_memory=up_to(alerts.system.container_memory),
        cost_day=up_to(alerts.cost.daily_budget),
        deployment_duration=up_to(seconds(alerts.deployments.slow)),
        queue_wait=up_to(seconds(alerts.runners.queue_wait)),
        disk_free=down_to(alerts.runners.disk_free),
        clock_offset=up_to(seconds(alerts.runners.clock_offset)),
        secret_age=up_to(seconds(alerts.runners.secret_age)),
        github_budget=down_to(alerts.runners.rate_limit),
        monitor_window=alerts.monitor.window,
        detection=up_to(seconds(alerts.monitor.detection)),
        poll_lag=up_to(seconds(alerts.monitor.not_polling)),
        deliveries=up_to(alerts.monitor.queue),
        series=up_to(alerts.series),
        queue_share=up_to(alerts.queue_full),
        rule_seconds=up_to(seconds(spec.prometheus.evaluation_interval)),
        runbooks=alerts.runbooks,
    )
