"""Where the panels' colours change: at the limits of the spec's alerts, so that a panel turns red with its alert."""

from __future__ import annotations

from dataclasses import dataclass, field

from pointsman.signals.dashboards.model import Limits
from pointsman.spec.models import Environment
from pointsman.spec.scalars import duration_seconds

RUNBOOKS = "https://github.com/pointsman/pointsman/blob/main/runbooks"
MINUTE, DAY = 60.0, 86400.0
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
    pages are. The values here are the defaults of the spec, in the order of its sections.
    """

    # alerts.workflows
    workflow_window: str = "1h"
    workflow_success: Limits = field(default_factory=lambda: success(0.10))
    workflow_duration: Limits = field(default_factory=lambda: up_to(15 * MINUTE))
    approval_wait: Limits = field(default_factory=lambda: up_to(240 * MINUTE))
    # alerts.agents
    agent_window: str = "1h"
    agent_failures: Limits = field(default_factory=lambda: up_to(0.20))
    agent_duration: Limits = field(default_factory=lambda: up_to(5 * MINUTE))
    agent_retries: Limits = field(default_factory=lambda: up_to(1.0))
    agent_errors: Limits = field(default_factory=lambda: up_to(10))
    # alerts.system
    system_window: str = "10m"
    api_latency: Limits = field(default_factory=lambda: up_to(1.0))
    api_errors: Limits = field(default_factory=lambda: up_to(0.05))
    database_latency: Limits = field(default_factory=lambda: up_to(0.5))
    process_memory: Limits = field(default_factory=lambda: up_to(2**30))
    event_loop_lag: Limits = field(default_factory=lambda: up_to(0.1))
    container_memory: Limits = field(default_factory=lambda: up_to(0.90))
    # alerts.cost
    cost_day: Limits = field(default_factory=lambda: up_to(50))
    # alerts.deployments
    deployment_duration: Limits = field(default_factory=lambda: up_to(10 * MINUTE))
    # alerts.runners
    queue_wait: Limits = field(default_factory=lambda: up_to(10 * MINUTE))
    disk_free: Limits = field(default_factory=lambda: down_to(0.10))
    clock_offset: Limits = field(default_factory=lambda: up_to(30))
    secret_age: Limits = field(default_factory=lambda: up_to(90 * DAY))
    github_budget: Limits = field(default_factory=lambda: down_to(0.10))
    # alerts, prometheus
    series: Limits = field(default_factory=lambda: up_to(100_000))
    queue_share: Limits = field(default_factory=lambda: up_to(0.80))
    rule_seconds: Limits = field(default_factory=lambda: up_to(15))
    runbooks: str = RUNBOOKS


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
    return Thresholds(
        series=up_to(spec.alerts.series),
        rule_seconds=up_to(duration_seconds(spec.prometheus.evaluation_interval)),
    )
