"""Alerts on agent runs: they fail, err, try again and again, or take too long."""

from __future__ import annotations

from pointsman.signals.counting import grown, share, slow
from pointsman.signals.model import Alert, RuleGroup
from pointsman.spec.models import Environment
from pointsman.spec.scalars import duration_seconds

OWNER = "automation"
BOARD = "agent-performance"
BY = "agent_name"
RUNS = "agent_runs_total"
FAILED = f'{RUNS}{{agent_status=~"failure|error|timeout"}}'
JUDGED = f'{RUNS}{{agent_status!~"cancellation|skip"}}'


def alerts(spec: Environment) -> RuleGroup:
    """The alerts on what `pointsman.telemetry` tells of agent runs."""
    return RuleGroup("agents", (_failing(spec), _errors(spec), _retries(spec), _slow(spec)))


def _failing(spec: Environment) -> Alert:
    limits = spec.alerts.agents
    return Alert(
        name="AgentFailureRateHigh",
        expr=share(FAILED, JUDGED, BY, limits.window, limits.failure_rate, limits.least),
        hold="2m",
        severity="warning",
        summary="Agent {{ $labels.agent_name }} fails too often",
        description=f"{{{{ $value | humanizePercentage }}}} of its runs of the last {limits.window} failed; "
        f"{limits.failure_rate:.0%} are allowed.",
        owner=OWNER,
        dashboard=BOARD,
    )


def _errors(spec: Environment) -> Alert:
    limits = spec.alerts.agents
    return Alert(
        name="AgentErrors",
        expr=f"{grown('agent_errors_total', 'agent_name, error_type', limits.window)} > {limits.errors}",
        severity="warning",
        summary="Agent {{ $labels.agent_name }} meets {{ $labels.error_type }}",
        description=f"{{{{ $value | humanize }}}} errors of this kind in the last {limits.window}; "
        f"{limits.errors} are allowed.",
        owner=OWNER,
        dashboard=BOARD,
    )


def _retries(spec: Environment) -> Alert:
    limits = spec.alerts.agents
    return Alert(
        name="AgentRetriesHigh",
        expr=share("agent_retry_count_total", RUNS, BY, limits.window, limits.retries, limits.least),
        hold="2m",
        severity="warning",
        summary="Agent {{ $labels.agent_name }} tries again too often",
        description=f"{{{{ $value | humanize }}}} retries a run over the last {limits.window}; "
        f"{limits.retries:g} are allowed. Each of them costs time and tokens.",
        owner=OWNER,
        dashboard=BOARD,
    )


def _slow(spec: Environment) -> Alert:
    limits = spec.alerts.agents
    return Alert(
        name="AgentSlow",
        expr=slow("agent_duration_seconds", "", BY, limits.window, 0.95, duration_seconds(limits.slow), limits.least),
        hold="5m",
        severity="warning",
        summary="Agent {{ $labels.agent_name }} takes too long",
        description=f"One run in twenty of the last {limits.window} took {{{{ $value | humanizeDuration }}}} or more; "
        f"{limits.slow} are allowed.",
        owner=OWNER,
        dashboard=BOARD,
    )
