"""The metrics that panels and rules may name, each with its labels.

What nobody sends would be an empty panel, or an alert that cannot fire, for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pointsman.telemetry.names import METRICS, label, prometheus_name

Kind = Literal["counter", "gauge", "histogram"]

EVERYWHERE = frozenset({"job", "instance", "service", "service_namespace", "service_version", "environment"})
"""Labels that any series may have: from the scrape, or promoted from the resource."""
SENT = EVERYWHERE | {"deployment_environment_name", "host_name", "container_name"}
"""Those that all telemetry of applications may have."""
_KINDS: Mapping[str, Kind] = {"counter": "counter", "histogram": "histogram"}
_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count")}


@dataclass(frozen=True)
class Metric:
    """A metric as Prometheus holds it. A histogram's series end with _bucket, _sum and _count."""

    name: str
    kind: Kind
    labels: frozenset[str]

    def series(self) -> Iterator[tuple[str, frozenset[str]]]:
        """The names of its series, each with its labels."""
        for suffix in _SUFFIXES.get(self.kind, ("",)):
            yield self.name + suffix, self.labels | ({"le"} if suffix == "_bucket" else frozenset())


def _of(base: frozenset[str], kind: Kind, listed: str) -> tuple[Metric, ...]:
    """One metric a line: its name, then its own labels."""
    lines = (line.split() for line in listed.strip().splitlines())
    return tuple(Metric(name, kind, base | set(labels)) for name, *labels in lines)


_APPLICATIONS = tuple(
    Metric(prometheus_name(each), _KINDS.get(each.kind, "gauge"), SENT | {label(name) for name in each.attributes})
    for each in METRICS
)
# docs/reference/exporters.md has the meaning of each.
_RUNNERS = (
    *_of(
        EVERYWHERE | {"host", "part"},
        "gauge",
        """
        pointsman_runner_service_active
        pointsman_runner_job_running
        pointsman_runner_diag_error class
        pointsman_runner_version_info version source
        pointsman_runner_filesystem_free_bytes folder
        pointsman_runner_filesystem_size_bytes folder
        pointsman_runner_clock_offset_seconds
        pointsman_runner_clock_offset_error_seconds
        pointsman_runner_configured
        pointsman_runner_exporter_reading_failed reading
        pointsman_runner_version_days_left source
        node_memory_MemAvailable_bytes
        node_memory_MemTotal_bytes
        node_filesystem_avail_bytes device fstype mountpoint
        node_filesystem_size_bytes device fstype mountpoint
        """,
    ),
    *_of(EVERYWHERE | {"host", "part"}, "counter", "pointsman_runner_jobs_total result"),
    *_of(
        EVERYWHERE,
        "gauge",
        """
        pointsman_github_runners
        pointsman_github_runner_online runner
        pointsman_github_runner_busy runner
        pointsman_github_queue_jobs labels
        pointsman_github_queue_oldest_seconds labels
        pointsman_github_secret_present secret
        pointsman_github_secret_age_seconds secret
        pointsman_github_token_expiry_timestamp_seconds
        pointsman_github_poll_success
        pointsman_github_rate_limit_left bucket
        pointsman_github_rate_limit_limit bucket
        """,
    ),
    *_of(EVERYWHERE, "counter", "pointsman_github_errors_total class"),
)
# docs/explanation/run-monitor.md tells what each is for.
_MONITOR = (
    *_of(
        EVERYWHERE,
        "gauge",
        """
        pointsman_monitor_runs state kind
        pointsman_monitor_poll_lag_seconds source
        pointsman_monitor_last_success_timestamp_seconds source
        pointsman_monitor_source_up source
        pointsman_monitor_leader
        pointsman_monitor_queue_depth handler
        pointsman_monitor_dead_letters handler
        """,
    ),
    *_of(
        EVERYWHERE,
        "counter",
        """
        pointsman_monitor_polls_total source
        pointsman_monitor_malformed_total source
        pointsman_monitor_detections_total kind
        pointsman_monitor_handler_failures_total handler
        pointsman_monitor_runs_ended_total run_kind state
        pointsman_monitor_run_stalls_total run_kind stall
        pointsman_monitor_runs_recovered_total run_kind
        """,
    ),
    *_of(
        EVERYWHERE,
        "histogram",
        """
        pointsman_monitor_detection_latency_seconds
        pointsman_monitor_handler_seconds handler
        pointsman_monitor_run_duration_seconds run_kind state
        pointsman_monitor_run_queue_seconds run_kind
        """,
    ),
)
_STACK = (
    *_of(
        EVERYWHERE,
        "gauge",
        """
        up host part
        probe_success
        pointsman_verify_alert run
        ALERTS alertname alertstate severity owner slo slo_service
        prometheus_config_last_reload_successful
        alertmanager_config_last_reload_successful
        blackbox_exporter_config_last_reload_successful
        alloy_config_last_load_successful
        prometheus_tsdb_head_series
        prometheus_rule_group_last_duration_seconds rule_group
        otelcol_exporter_queue_size exporter data_type
        otelcol_exporter_queue_capacity exporter data_type
        container_memory_usage_total_bytes container_name
        container_memory_usage_limit_bytes container_name
        """,
    ),
    *_of(
        EVERYWHERE,
        "counter",
        """
        prometheus_tsdb_head_samples_appended_total type
        prometheus_rule_evaluation_failures_total rule_group
        loki_distributor_lines_received_total tenant
        alertmanager_notifications_total integration
        alertmanager_notifications_failed_total integration reason
        pointsman_notifier_failed_total receiver reason
        otelcol_receiver_accepted_spans receiver transport
        otelcol_receiver_accepted_metric_points receiver transport
        otelcol_receiver_accepted_log_records receiver transport
        otelcol_exporter_send_failed_spans exporter
        otelcol_exporter_send_failed_metric_points exporter
        otelcol_exporter_send_failed_log_records exporter
        otelcol_exporter_enqueue_failed_spans exporter
        otelcol_exporter_enqueue_failed_metric_points exporter
        otelcol_exporter_enqueue_failed_log_records exporter
        """,
    ),
    *_of(
        EVERYWHERE,
        "histogram",
        """
        loki_request_duration_seconds method route status_code ws
        tempo_request_duration_seconds method route status_code ws
        http_server_request_duration http_request_method http_route http_response_status_code
        rpc_server_call_duration rpc_method rpc_response_status_code
        """,
    ),
)
_SLOS = _of(
    EVERYWHERE,
    "gauge",
    """
    slo:objective:ratio slo slo_service
    slo:error_budget:ratio slo slo_service
    slo:time_period:days slo slo_service
    slo:current_burn_rate:ratio slo slo_service
    slo:period_burn_rate:ratio slo slo_service
    slo:period_error_budget_remaining:ratio slo slo_service
    slo:sli_error:ratio_rate5m slo slo_service
    slo:sli_error:ratio_rate30m slo slo_service
    slo:sli_error:ratio_rate1h slo slo_service
    slo:sli_error:ratio_rate2h slo slo_service
    slo:sli_error:ratio_rate6h slo slo_service
    slo:sli_error:ratio_rate1d slo slo_service
    slo:sli_error:ratio_rate3d slo slo_service
    slo:sli_error:ratio_rate7d slo slo_service
    slo:sli_error:ratio_rate30d slo slo_service
    slo:error_budget_exhausted_in:seconds slo slo_service
    """,
)
KNOWN: Mapping[str, frozenset[str]] = {
    name: labels
    for metric in (*_APPLICATIONS, *_RUNNERS, *_MONITOR, *_STACK, *_SLOS)
    for name, labels in metric.series()
}
"""Name of each series → the labels that it may have."""
STREAMS = frozenset({"service_name", "service_namespace", "deployment_environment_name"}) | {
    *("environment", "service", "stream"),
    *("host", "job", "unit"),
}
"""Labels of streams in Loki: of what comes by OTLP, of containers, and of hosts."""
