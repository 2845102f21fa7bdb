"""A metric finds its way from OTLP through the Collector to PromQL."""

from __future__ import annotations

import secrets
import time
from typing import Any

from pointsman.checks import Check
from pointsman.verify.entry import SERVICE, entered, resource
from pointsman.verify.signal_path import Sight, Step, follow
from pointsman.verify.site import METRICS, Site

NAME = "metric from OTLP to PromQL"
QUERY = "/api/v1/query"
# One series for ever: what is fresh about a run is the sample's value, never a label.
METRIC = "pointsman_verify"
# Prometheus keeps samples as float64, which holds every whole number below this.
EXACT_INTEGERS = 2**53


def round_trip(site: Site) -> Check:
    """A gauge with a value never used before, followed until PromQL returns that very value."""
    value = secrets.randbelow(EXACT_INTEGERS)
    selector = f'{METRIC}{{job="{SERVICE}"}}'

    def queried() -> Sight:
        # All of the last minute: a second run at the same time may have pushed a later one.
        found = {int(each) for each, _ in history(site, selector)}
        return Sight(
            value in found, "the value is there" if value in found else f"{len(found)} other values, not this one"
        )

    return follow(
        site,
        NAME,
        (
            *entered(site, "metrics", lambda: gauge(site, METRIC, value), METRICS),
            Step("PromQL", METRICS, f"{METRIC} = {value}", queried),
        ),
    )


def gauge(site: Site, name: str, value: int, labels: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """One sample as OTLP's JSON has it, taken now."""
    point = {"timeUnixNano": str(time.time_ns()), "asInt": str(value), "attributes": labels or []}
    metrics = [{"name": name, "gauge": {"dataPoints": [point]}}]
    return {"resourceMetrics": [{"resource": resource(site), "scopeMetrics": [{"metrics": metrics}]}]}


def history(site: Site, selector: str) -> list[tuple[float, float]]:
    """Value and Unix time of every sample of the last minute in all series that match."""
    found = site.data(METRICS, QUERY, query=f"{selector}[1m]")["result"]
    return [(float(value), float(at)) for series in found for at, value in series.get("values", ())]
