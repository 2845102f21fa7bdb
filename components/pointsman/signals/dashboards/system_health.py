"""System Health: what the instrumented processes tell of their requests, their database and themselves."""

from __future__ import annotations

from pointsman.signals.dashboards.model import Board, Panel, Query, Variable
from pointsman.signals.dashboards.panels import Shown, percentiles, runbook, share, timeseries
from pointsman.signals.dashboards.thresholds import BUSY, Thresholds

UID = "system-health"
BY = 'job=~"$job"'


def board(limits: Thresholds) -> Board:
    """Six panels."""
    return Board(
        UID,
        "System Health",
        "Requests, database, memory and event loop of the processes that send telemetry.",
        (_api(limits), _errors(limits), _database(limits), _lag(limits), _memory(limits), _saturation(limits)),
        (Variable("job", "Application", "process_memory_usage_bytes", "job"),),
    )


def _api(limits: Thresholds) -> Panel:
    shown = Shown(
        "How long HTTP requests took that were answered. Dots lead to traces. Good: p95 below the first limit.",
        runbook(limits.runbooks, "ApiLatencyHigh"),
        limits.api_latency,
    )
    queries = percentiles("http_server_request_duration_seconds", BY, limits.system_window)
    return timeseries("API response time", "s", shown, *queries, exemplars=True)


def _errors(limits: Thresholds) -> Panel:
    shown = Shown(
        "Share of HTTP requests that were answered with 5xx, by application. Good: 0; single dots are restarts.",
        runbook(limits.runbooks, "ApiErrorRateHigh"),
        limits.api_errors,
    )
    metric = "http_server_request_duration_seconds_count"
    bad = f'{metric}{{{BY}, http_response_status_code=~"5.."}}'
    expr = share(bad, f"{metric}{{{BY}}}", "job", limits.system_window)
    return timeseries("Error rate", "percentunit", shown, Query(expr, "{{job}}"), highest=1)


def _database(limits: Thresholds) -> Panel:
    shown = Shown(
        "How long database operations took (p95), by operation. Good: below the first limit; a rise of all of them "
        "is the database, of one of them a query.",
        runbook(limits.runbooks, "DatabaseLatencyHigh"),
        limits.database_latency,
    )
    queries = percentiles(
        "db_client_operation_duration_seconds", BY, limits.system_window, "db_operation_name", quantiles=(0.95,)
    )
    return timeseries("Database latency", "s", shown, *queries)


def _lag(limits: Thresholds) -> Panel:
    shown = Shown(
        "How late the asyncio loop runs what is due (p95 and p99). Good: below the first limit; beyond it something "
        "blocks the loop, and all requests wait for it.",
        runbook(limits.runbooks, "EventLoopLagHigh"),
        limits.event_loop_lag,
    )
    queries = percentiles("event_loop_lag_seconds", BY, limits.system_window, quantiles=(0.95, 0.99))
    return timeseries("Event loop lag", "s", shown, *queries)


def _memory(limits: Thresholds) -> Panel:
    shown = Shown(
        "Memory that each application's processes hold. Good: flat after the start; a steady climb is a leak.",
        runbook(limits.runbooks, "ProcessMemoryHigh"),
        limits.process_memory,
    )
    expr = f"max by (job, instance) (process_memory_usage_bytes{{{BY}}})"
    return timeseries("Memory", "bytes", shown, Query(expr, "{{job}} {{instance}}"))


def _saturation(limits: Thresholds) -> Panel:
    shown = Shown(
        "Share of one core that each application's busiest process uses; an event loop has no more than one. Good: "
        "below the first limit; beyond it requests wait for one another.",
        runbook(limits.runbooks, "ApiLatencyHigh"),
        BUSY,
    )
    expr = f"max by (job) (process_cpu_utilization_ratio{{{BY}}})"
    return timeseries("Saturation", "percentunit", shown, Query(expr, "{{job}}"))
