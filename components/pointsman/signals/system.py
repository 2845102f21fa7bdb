"""Alerts on applications: their entry, their database, their memory, their event loop, their telemetry."""

from __future__ import annotations

from pointsman.signals.counting import grown, share, slow
from pointsman.signals.model import Alert, RuleGroup
from pointsman.spec.models import Environment
from pointsman.spec.scalars import duration_seconds, size_bytes

BOARD = "system-health"
REQUESTS = "http_server_request_duration_seconds"
ROUTE = "job, http_route"


def alerts(spec: Environment) -> RuleGroup:
    """The alerts on what OpenTelemetry's instrumentation tells of applications, and the engine of containers."""
    every = (_api_slow, _api_errors, _database, _memory, _container, _loop, _dropped)
    return RuleGroup("system", tuple(each(spec) for each in every))


def _api_slow(spec: Environment) -> Alert:
    limits = spec.alerts.system
    return Alert(
        name="ApiLatencyHigh",
        expr=slow(REQUESTS, "", ROUTE, limits.window, 0.95, duration_seconds(limits.api_latency), limits.least),
        hold="5m",
        severity="warning",
        summary="{{ $labels.job }} answers {{ $labels.http_route }} too slowly",
        description=f"One request in twenty of the last {limits.window} took {{{{ $value | humanizeDuration }}}} or "
        f"more; {limits.api_latency} are allowed.",
        dashboard=BOARD,
    )


def _api_errors(spec: Environment) -> Alert:
    limits = spec.alerts.system
    failed = f'{REQUESTS}_count{{http_response_status_code=~"5.."}}'
    return Alert(
        name="ApiErrorRateHigh",
        expr=share(failed, f"{REQUESTS}_count", "job", limits.window, limits.api_errors, limits.least),
        hold="2m",
        severity="critical",
        summary="{{ $labels.job }} answers with errors",
        description=f"{{{{ $value | humanizePercentage }}}} of its answers of the last {limits.window} were 5xx; "
        f"{limits.api_errors:.0%} are allowed.",
        dashboard=BOARD,
    )


def _database(spec: Environment) -> Alert:
    limits = spec.alerts.system
    seconds = duration_seconds(limits.database_latency)
    by = "job, db_system_name"
    return Alert(
        name="DatabaseLatencyHigh",
        expr=slow("db_client_operation_duration_seconds", "", by, limits.window, 0.95, seconds, limits.least),
        hold="5m",
        severity="warning",
        summary="{{ $labels.job }} waits for {{ $labels.db_system_name }}",
        description=f"One operation in twenty of the last {limits.window} took {{{{ $value | humanizeDuration }}}} or "
        f"more; {limits.database_latency} are allowed.",
        dashboard=BOARD,
    )


def _memory(spec: Environment) -> Alert:
    limit = spec.alerts.system.memory
    return Alert(
        name="ProcessMemoryHigh",
        expr=f"process_memory_usage_bytes > {size_bytes(limit)}",
        hold="10m",
        severity="warning",
        summary="{{ $labels.job }} uses too much memory",
        description=f"It has used {{{{ $value | humanize1024 }}}}B; {limit} are allowed.",
        dashboard=BOARD,
    )


def _container(spec: Environment) -> Alert:
    limit = spec.alerts.system.container_memory
    used, most = (f"max by (service) (container_memory_usage_{kind}_bytes)" for kind in ("total", "limit"))
    return Alert(
        name="ContainerMemoryHigh",
        expr=f"{used} / {most} > {limit:g}",
        hold="5m",
        severity="warning",
        summary="The container of {{ $labels.service }} is short of memory",
        description="It uses {{ $value | humanizePercentage }} of its limit; beyond it the kernel ends it.",
        dashboard="stack-health",
    )


def _loop(spec: Environment) -> Alert:
    limits = spec.alerts.system
    seconds = duration_seconds(limits.event_loop_lag)
    return Alert(
        name="EventLoopLagHigh",
        expr=slow("event_loop_lag_seconds", "", "job", limits.window, 0.99, seconds, limits.least),
        hold="5m",
        severity="warning",
        summary="The event loop of {{ $labels.job }} is blocked",
        description=f"One turn in a hundred of the last {limits.window} came {{{{ $value | humanizeDuration }}}} late "
        f"or more; {limits.event_loop_lag} are allowed.",
        dashboard=BOARD,
    )


def _dropped(spec: Environment) -> Alert:
    window = spec.alerts.system.window
    return Alert(
        name="TelemetryDropped",
        expr=f"{grown('telemetry_dropped_total', 'job, signal', window)} > 0",
        severity="warning",
        summary="{{ $labels.job }} drops its {{ $labels.signal }}",
        description=f"{{{{ $value | humanize }}}} in the last {window}: its queue was full, because nobody took them "
        "or it made too many.",
        dashboard=BOARD,
    )
