"""Alerts on the stack itself: it must see, keep and pass on signals before it can tell of anything else."""

from __future__ import annotations

from pointsman.signals.model import Alert, RuleGroup
from pointsman.spec.models import Environment
from pointsman.spec.scalars import duration_seconds

WATCHDOG = "Watchdog"
BOARD = "stack-health"
# Two scrapes of the slowest job must fit in a rate's window, or it has no value; a minute is the field's least.
LEAST_WINDOW = 60.0
# 0 after a reload that a service refused; each stands in its service's `HttpReload`, too.
RELOADS = [
    "prometheus_config_last_reload_successful",
    "alertmanager_config_last_reload_successful",
    "blackbox_exporter_config_last_reload_successful",
    "alloy_config_last_load_successful",
]
# By how the Collector answered: what it refuses becomes no span, sample or record, and is counted nowhere else.
REFUSALS = {
    "http_response_status_code": 'http_server_request_duration_count{job="collector", '
    'http_response_status_code=~"[45].."}',
    "rpc_response_status_code": 'rpc_server_call_duration_count{job="collector", rpc_response_status_code!="OK"}',
}
REFUSED_WITHIN = "5m"
COLLECTOR_LOSSES = [
    f"otelcol_exporter_{step}_failed_{signal}"
    for step in ("send", "enqueue")
    for signal in ("spans", "metric_points", "log_records")
]


def alerts(spec: Environment) -> RuleGroup:
    """The alerts that every environment has; what is left out of it leaves its expressions without a value.

    The targets of probes are asked by an exporter: when it is gone, that is one fault and not one for each.
    """
    return RuleGroup(
        "stack",
        (
            _watchdog(),
            _target_down(spec),
            _probe_failed(spec),
            _disk_filling(spec),
            _reload_failed(),
            _notifications(spec),
            _notifier(spec),
            _many_series(spec),
            *_ingestion(spec),
        ),
    )


def _watchdog() -> Alert:
    return Alert(
        name=WATCHDOG,
        expr="vector(1)",
        severity="none",
        summary="Alerts find their way",
        description="Fires always: whoever stops getting it knows that no other alert would arrive either.",
    )


def _target_down(spec: Environment) -> Alert:
    probe_jobs = spec.exporters.blackbox.jobs
    return Alert(
        name="TargetDown",
        expr=f'up{{job!~"{"|".join(probe_jobs)}"}} == 0' if probe_jobs else "up == 0",
        hold=spec.alerts.target_down_for,
        severity="critical",
        dashboard=BOARD,
        summary="{{ $labels.job }} cannot be scraped",
        description="{{ $labels.instance }} has not answered a scrape for " + spec.alerts.target_down_for + ".",
    )


def _probe_failed(spec: Environment) -> Alert:
    return Alert(
        name="ProbeFailed",
        expr="probe_success == 0",
        hold=spec.alerts.target_down_for,
        severity="critical",
        dashboard=BOARD,
        summary="{{ $labels.instance }} does not answer as it should",
        description="The blackbox exporter has asked {{ $labels.instance }} for "
        + spec.alerts.target_down_for
        + " without success.",
    )


def _disk_filling(spec: Environment) -> Alert:
    free = 'node_filesystem_avail_bytes{fstype!~"tmpfs|overlay|squashfs"}'
    size = 'node_filesystem_size_bytes{fstype!~"tmpfs|overlay|squashfs"}'
    soon = int(duration_seconds(spec.alerts.disk_full_within))
    short = f"{free} / {size} < {spec.alerts.disk_free:g}"
    # Growth counts only below half: an empty disk that takes a big file is no news.
    growing = f"({free} / {size} < 0.5 and predict_linear({free}[1h], {soon}) < 0)"
    return Alert(
        name="DiskFilling",
        expr=f"{short} or {growing}",
        hold="5m",
        severity="warning",
        dashboard=BOARD,
        summary="{{ $labels.mountpoint }} of {{ $labels.instance }} is filling up",
        description=f"{{{{ $value | humanizePercentage }}}} are free: less than {spec.alerts.disk_free:.0%}, or so "
        f"little that at its pace of the last hour it is full within {spec.alerts.disk_full_within}.",
    )


def _reload_failed() -> Alert:
    return Alert(
        name="ConfigReloadFailed",
        expr=f'{{__name__=~"{"|".join(RELOADS)}"}} == 0',
        hold="1m",
        severity="warning",
        dashboard=BOARD,
        summary="{{ $labels.job }} did not take its config",
        description="{{ $labels.job }} runs on the config before; a restart would end it.",
    )


def _window(spec: Environment, least: float = LEAST_WINDOW) -> str:
    """How far back a rate looks: four scrapes, so that one may be missed."""
    return f"{int(max(least, 4 * duration_seconds(spec.prometheus.scrape_interval)))}s"


def _retries(spec: Environment) -> str:
    """How far back a failed notification is seen: Alertmanager counts one in each interval of a group."""
    declared = spec.alertmanager
    intervals = [declared.group_interval, *(each.group_interval or "0s" for each in declared.routes)]
    return _window(spec, max(300.0, *(2 * duration_seconds(each) for each in intervals)))


def _notifications(spec: Environment) -> Alert:
    return Alert(
        name="NotificationsFailing",
        expr=f"rate(alertmanager_notifications_failed_total[{_retries(spec)}]) > 0",
        hold="1m",
        severity="critical",
        dashboard=BOARD,
        summary="Alertmanager cannot tell a receiver ({{ $labels.integration }})",
        description='{{ $value | printf "%.2g" }} notifications a second fail: {{ $labels.reason }}.',
    )


def _notifier(spec: Environment) -> Alert:
    window = _retries(spec)
    return Alert(
        name="NotifierFailing",
        expr=f"sum by (receiver, reason) (increase(pointsman_notifier_failed_total[{window}])) > 0",
        hold="1m",
        severity="warning",
        dashboard=BOARD,
        summary="The notifier cannot tell {{ $labels.receiver }} ({{ $labels.reason }})",
        description=f'{{{{ $value | printf "%.0f" }}}} attempts failed in {window}; Alertmanager tries again.',
    )


def _many_series(spec: Environment) -> Alert:
    return Alert(
        name="ManySeries",
        expr=f"prometheus_tsdb_head_series > {spec.alerts.series}",
        severity="warning",
        dashboard=BOARD,
        summary="Prometheus holds {{ $value | humanize }} series",
        description=f"{{{{ $value | humanize }}}} series; {spec.alerts.series} are allowed. Somebody sends a label "
        "that is different every time, such as a request's id, until the memory is used up.",
    )


def _ingestion(spec: Environment) -> tuple[Alert, ...]:
    hold = spec.alerts.ingestion_stopped_for
    window = _window(spec)
    kept = {
        "Prometheus": "rate(prometheus_tsdb_head_samples_appended_total[{window}])",
        "Loki": "rate(loki_distributor_lines_received_total[{window}])",
    }
    # Without "or vector(0)" a service that is gone leaves the expression without a value, and nothing fires.
    stopped = tuple(
        Alert(
            name=f"{store}IngestionStopped",
            expr=f"(sum({rate.format(window=window)}) or vector(0)) == 0",
            hold=hold,
            severity="critical",
            dashboard=BOARD,
            summary=f"{store} takes nothing in",
            description=f"{{{{ $value | humanize }}}} samples or lines a second for {hold}, although the stack itself "
            "always makes some.",
        )
        for store, rate in kept.items()
    )
    lost = Alert(
        name="CollectorLosesSignals",
        # One by one: a rate drops the name, and series that differ in nothing else end the evaluation with an error.
        expr=" or ".join(f"sum by (exporter) (rate({metric}[{window}])) > 0" for metric in COLLECTOR_LOSSES),
        hold="1m",
        severity="critical",
        dashboard=BOARD,
        summary="The Collector loses signals for {{ $labels.exporter }}",
        description='{{ $value | printf "%.2g" }} a second are dropped, neither delivered nor kept: the destination '
        "refuses, or the queue is full.",
    )
    return (*stopped, lost, _refused())


def _refused() -> Alert:
    return Alert(
        name="CollectorRefuses",
        expr=" or ".join(_grown(metric, label, REFUSED_WITHIN) for label, metric in REFUSALS.items()),
        hold="1m",
        severity="warning",
        dashboard=BOARD,
        summary="The Collector refuses what clients send",
        description="{{ $value | humanize }} requests in " + REFUSED_WITHIN + " answered with "
        "{{ $labels.http_response_status_code }}{{ $labels.rpc_response_status_code }}: too "
        "large (collector.max_request), not OTLP, or more than it has memory for.",
    )


def _grown(metric: str, label: str, window: str) -> str:
    """How much a counter grew. Not by a rate, which does not see the growth that a series begins with."""
    now = f"sum by ({label}) ({metric})"
    before = f"sum by ({label}) ({metric} offset {window})"
    return f"{now} - ({before} or 0 * {now}) > 0"
