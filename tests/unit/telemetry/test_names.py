"""The table of names: what Prometheus makes of each, and what may not become a label."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pointsman.telemetry import names
from pointsman.telemetry.names import METRICS, Metric, prometheus_name, prometheus_series
from tests.unit.test_layout import SOURCE

CONTRACT = {
    "workflow_runs": "workflow_runs_total",
    "workflow_duration": "workflow_duration_seconds",
    "workflows_active": "workflows_active",
    "workflow_approval_wait_time": "workflow_approval_wait_time_seconds",
    "workflow_approvals_pending": "workflow_approvals_pending",
    "agent_runs": "agent_runs_total",
    "agent_duration": "agent_duration_seconds",
    "agent_errors": "agent_errors_total",
    "agent_retry_count": "agent_retry_count_total",
    "gen_ai.client.token.usage": "gen_ai_client_token_usage",
    "gen_ai.client.operation.duration": "gen_ai_client_operation_duration_seconds",
    "cost": "cost_USD_total",
    "http.server.request.duration": "http_server_request_duration_seconds",
    "http.client.request.duration": "http_client_request_duration_seconds",
    "db.client.operation.duration": "db_client_operation_duration_seconds",
    "process.memory.usage": "process_memory_usage_bytes",
    "process.cpu.utilization": "process_cpu_utilization_ratio",
    "event_loop_lag": "event_loop_lag_seconds",
    "telemetry_dropped": "telemetry_dropped_total",
    "deployments": "deployments_total",
    "deployment_duration": "deployment_duration_seconds",
    "deployments_in_progress": "deployments_in_progress",
    "deployment_last_success_timestamp": "deployment_last_success_timestamp_seconds",
    "deployment_last_failure_timestamp": "deployment_last_failure_timestamp_seconds",
}


def test_names_in_prometheus() -> None:
    """Every metric is there once, under the name by which dashboards and alerts ask for it."""
    assert {metric.name: prometheus_name(metric) for metric in METRICS} == CONTRACT


def test_a_histogram_has_three_series() -> None:
    """Others have one."""
    assert prometheus_series(names.AGENT_RUNS) == ("agent_runs_total",)
    assert prometheus_series(names.AGENT_SECONDS) == tuple(
        f"agent_duration_seconds_{part}" for part in ("bucket", "sum", "count")
    )


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_no_metric_may_carry_what_is_unbounded(metric: Metric) -> None:
    """Ids, commits and a run's own duration are for spans and logs."""
    assert names.UNBOUNDED.isdisjoint(metric.attributes)


@pytest.mark.parametrize(
    "module", ["pointsman.telemetry.names", "pointsman.cli.app", "pointsman.services.estate", "pointsman.deployments"]
)
def test_names_and_the_command_line_do_without_opentelemetry(module: str) -> None:
    """Its import takes longer than most commands do."""
    code = f"import sys; sys.path.insert(0, {str(SOURCE)!r}); import {module}; print('opentelemetry' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
