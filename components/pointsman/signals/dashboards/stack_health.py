"""Stack Health: whether the observability stack itself sees, keeps and passes on signals."""

from __future__ import annotations

from pointsman.signals.dashboards.model import Board, Panel, Query
from pointsman.signals.dashboards.panels import RATE, Shown, lines, logs, runbook, stat, timeseries
from pointsman.signals.dashboards.thresholds import NEVER, NO_LOSS, Thresholds

UID = "stack-health"
COMPLAINTS = '{service=~".+"} |~ "(?i)level=(warn|error)"'
SIGNALS = {"spans": "spans", "metric_points": "samples", "log_records": "records"}


def board(limits: Thresholds) -> Board:
    """Twelve panels."""
    return Board(
        UID,
        "Stack Health",
        "Whether the stack itself sees, keeps and passes on signals: look here first when others are empty.",
        (
            _targets(limits),
            _firing(limits),
            _series(limits),
            _lost(limits),
            _received(limits),
            _queue(limits),
            _samples(limits),
            _lines(limits),
            _rules(limits),
            _notifications(limits),
            _memory(limits),
            _complaints(),
        ),
    )


def _targets(limits: Thresholds) -> Panel:
    shown = Shown("Scrape targets that do not answer. Good: 0.", runbook(limits.runbooks, "TargetDown"), NEVER)
    return stat("Targets down", "short", shown, Query("count(up == 0) or vector(0)", "down"))


def _firing(limits: Thresholds) -> Panel:
    shown = Shown(
        "Alerts that fire now, without those that always do. Good: 0.", logs("alerts", '{service="alert-sink"}'), NEVER
    )
    query = Query('count(ALERTS{alertstate="firing", severity!="none"}) or vector(0)', "firing")
    return stat("Alerts firing", "short", shown, query)


def _series(limits: Thresholds) -> Panel:
    shown = Shown(
        "Series that Prometheus holds in memory. Good: level, below the first limit; a climb is a label that is "
        "different every time.",
        runbook(limits.runbooks, "ManySeries"),
        limits.series,
    )
    return stat("Series", "short", shown, Query("max(prometheus_tsdb_head_series)", "series"))


def _lost(limits: Thresholds) -> Panel:
    shown = Shown(
        "Spans, samples and records a second that the Collector could neither deliver nor keep. Good: 0.",
        runbook(limits.runbooks, "CollectorLosesSignals"),
        NO_LOSS,
    )
    lost = [
        f"(sum(rate(otelcol_exporter_{step}_failed_{signal}[{RATE}])) or vector(0))"
        for step in ("send", "enqueue")
        for signal in SIGNALS
    ]
    return stat("Lost by the Collector", "suffix:/s", shown, Query(" + ".join(lost), "lost"))


def _received(limits: Thresholds) -> Panel:
    shown = Shown(
        "What the Collector takes in, a second, by signal. Good: never 0 while applications run.",
        runbook(limits.runbooks, "CollectorRefuses"),
    )
    queries = [
        Query(f"sum(rate(otelcol_receiver_accepted_{signal}[{RATE}]))", name) for signal, name in SIGNALS.items()
    ]
    return timeseries("Received by the Collector", "suffix:/s", shown, *queries)


def _queue(limits: Thresholds) -> Panel:
    shown = Shown(
        "How full the Collector's queue for each store is. Good: near 0; when it is full, signals are lost.",
        runbook(limits.runbooks, "CollectorQueueFilling"),
        limits.queue_share,
    )
    expr = "max by (exporter) (otelcol_exporter_queue_size / otelcol_exporter_queue_capacity)"
    return timeseries("Collector's queues", "percentunit", shown, Query(expr, "{{exporter}}"), highest=1)


def _samples(limits: Thresholds) -> Panel:
    shown = Shown(
        "Samples that Prometheus keeps, a second. Good: level; a step is a new service, 0 is a fault.",
        runbook(limits.runbooks, "PrometheusIngestionStopped"),
    )
    expr = f"sum(rate(prometheus_tsdb_head_samples_appended_total[{RATE}]))"
    return timeseries("Samples kept by Prometheus", "suffix:/s", shown, Query(expr, "samples"))


def _lines(limits: Thresholds) -> Panel:
    shown = Shown(
        "Log lines that Loki takes in, a second. Good: never 0: the stack itself always writes some.",
        runbook(limits.runbooks, "LokiIngestionStopped"),
    )
    expr = f"sum(rate(loki_distributor_lines_received_total[{RATE}]))"
    return timeseries("Lines kept by Loki", "suffix:/s", shown, Query(expr, "lines"))


def _rules(limits: Thresholds) -> Panel:
    shown = Shown(
        "How long the last evaluation of each group of rules took. Good: far below the interval of the rules.",
        runbook(limits.runbooks, "PrometheusRulesFailing"),
        limits.rule_seconds,
    )
    expr = "max by (rule_group) (prometheus_rule_group_last_duration_seconds)"
    return timeseries("Rule evaluation", "s", shown, Query(expr, "{{rule_group}}"))


def _notifications(limits: Thresholds) -> Panel:
    shown = Shown(
        "Notifications that Alertmanager sent, and those that failed, a minute. Good: failed stays 0.",
        runbook(limits.runbooks, "NotificationsFailing"),
    )
    queries = (
        Query(f"sum by (integration) (rate(alertmanager_notifications_total[{RATE}])) * 60", "{{integration}}"),
        Query(f"sum(rate(alertmanager_notifications_failed_total[{RATE}])) * 60", "failed"),
    )
    return timeseries("Notifications", "suffix:/min", shown, *queries)


def _memory(limits: Thresholds) -> Panel:
    shown = Shown(
        "Share of its memory limit that each of the stack's containers uses. Good: below the first limit; at 1 the "
        "kernel ends the process.",
        runbook(limits.runbooks, "ContainerMemoryHigh"),
        limits.container_memory,
    )
    # Runner hosts are containers without a service, and have their own dashboard.
    expr = 'max by (service) (container_memory_usage_total_bytes{service!=""} / container_memory_usage_limit_bytes)'
    return timeseries("Memory of containers", "percentunit", shown, Query(expr, "{{service}}"), width=24, highest=1)


def _complaints() -> Panel:
    shown = Shown(
        "The last warnings and errors that the stack's services wrote. Good: none that repeat; some at a start are "
        "usual.",
        logs("the stack", COMPLAINTS),
    )
    return lines("Warnings and errors", shown, COMPLAINTS)
