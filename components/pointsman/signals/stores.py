"""Alerts on the health of the stores and of the Collector before them, before a signal is lost."""

from __future__ import annotations

from pointsman.signals.counting import share
from pointsman.signals.model import Alert, RuleGroup
from pointsman.spec.models import Environment

BOARD = "stack-health"
WINDOW = "5m"
LEAST_REQUESTS = 20
"""Below this a single failed request would be a share to wake somebody for."""


def alerts(spec: Environment) -> RuleGroup:
    """The alerts on Collector, Prometheus, Loki and Tempo beyond whether they answer."""
    return RuleGroup("stores", (_queue(spec), _rules(), _failing(spec, "Loki"), _failing(spec, "Tempo")))


def _queue(spec: Environment) -> Alert:
    return Alert(
        name="CollectorQueueFilling",
        expr=f"otelcol_exporter_queue_size / otelcol_exporter_queue_capacity > {spec.alerts.queue_full:g}",
        hold="2m",
        severity="warning",
        summary="The Collector's queue for {{ $labels.exporter }} fills up",
        description="{{ $value | humanizePercentage }} of it is taken: the destination takes less than comes in.",
        dashboard=BOARD,
    )


def _rules() -> Alert:
    return Alert(
        name="PrometheusRulesFailing",
        expr=f"increase(prometheus_rule_evaluation_failures_total[{WINDOW}]) > 0",
        severity="critical",
        summary="Prometheus cannot judge rules of {{ $labels.rule_group }}",
        description=f"{{{{ $value | humanize }}}} evaluations failed in {WINDOW}; these alerts do not fire meanwhile.",
        dashboard=BOARD,
    )


def _failing(spec: Environment, store: str) -> Alert:
    requests = f"{store.lower()}_request_duration_seconds_count"
    failed = f'{requests}{{status_code=~"5.."}}'
    return Alert(
        name=f"{store}RequestErrors",
        expr=share(failed, requests, "job", WINDOW, spec.alerts.store_errors, LEAST_REQUESTS),
        hold="2m",
        severity="warning",
        summary=f"{store} fails requests",
        description=f"{{{{ $value | humanizePercentage }}}} of those of the last {WINDOW} were answered 5xx; "
        f"{spec.alerts.store_errors:.0%} are allowed.",
        dashboard=BOARD,
    )
