"""What each service takes in, as its own counters in Prometheus tell it: the one table of these names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pointsman.services.model import Service

# A rate needs two scrapes, and looks back four: one that was missed leaves it a value. A minute is the field's least.
SCRAPES, LEAST_SECONDS = 4, 60


@dataclass(frozen=True)
class Intake:
    """`counters` are the metrics that count what comes in; `unit` is what they count."""

    unit: str
    counters: tuple[str, ...]


# By image, since one service's images name their counters differently. Of a service that is not here nothing is known
# to come in: the node exporter reads on demand, the socket proxy counts nothing.
_BY_IMAGE: Mapping[str, Intake] = {
    "prometheus": Intake("samples", ("prometheus_tsdb_head_samples_appended_total",)),
    "loki": Intake("lines", ("loki_distributor_lines_received_total",)),
    "tempo": Intake("spans", ("tempo_distributor_spans_received_total",)),
    # Spans, points and records: of any of them there may be none as yet.
    "collector": Intake(
        "items",
        (
            "otelcol_receiver_accepted_spans",
            "otelcol_receiver_accepted_metric_points",
            "otelcol_receiver_accepted_log_records",
        ),
    ),
    "alertmanager": Intake("alerts", ("alertmanager_alerts_received_total",)),
    "alert-sink": Intake("notifications", ("alert_sink_notifications_total",)),
    "promtail": Intake("lines", ("promtail_docker_target_entries_total",)),
    "alloy": Intake("lines", ("loki_source_docker_target_entries_total",)),
    "pushgateway": Intake("pushes", ("pushgateway_http_push_size_bytes_count",)),
}


def intake(service: Service) -> Intake | None:
    """What counts the intake of `service`; None where nothing does."""
    return _BY_IMAGE.get(service.image)


def rates(services: Iterable[Service], scrape_interval: float, environment: str = "") -> str:
    """One PromQL expression for all of `services`: their intake a second, each with its name as the label `job`.

    `environment` tells their series apart in a Prometheus that others run. A service that is scraped and has not
    counted anything yet takes in nothing; one that is not scraped has no value.
    """
    window = f"{max(LEAST_SECONDS, math.ceil(SCRAPES * scrape_interval))}s"
    counted = {each.name: found for each in services if (found := intake(each))}
    own = f',environment="{environment}"' if environment else ""
    taken = [f"sum by (job) ({_rate(each.counters, job, own, window)})" for job, each in counted.items()]
    return " or ".join((*taken, f'0 * max by (job) (up{{job=~"{"|".join(counted)}"{own}}} == 1)'))


def _rate(counters: tuple[str, ...], job: str, own: str, window: str) -> str:
    """The rates of all counters of one job: of its own, for another job may have the same ones."""
    found = [f'rate({counter}{{job="{job}"{own}}}[{window}])' for counter in counters]
    if len(found) == 1:
        return found[0]
    # A rate has no name any more: without a label in its place there would be the same series twice.
    return " or ".join(f'label_replace({rate}, "of", "{number}", "", "")' for number, rate in enumerate(found))
