"""What the live Prometheus tells of alerts: its rules, the metrics it knows, and its history of `ALERTS`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pointsman.alerts.history import Fared, Firing, Rule, fared, firings, series_name
from pointsman.alerts.promql import missing
from pointsman.errors import UnreachableError
from pointsman.http_client import new_client, worded

if TYPE_CHECKING:
    from httpx import Client

MOST_POINTS = 10_000
"""A range query gives at most 11,000 points a series: that is Prometheus's own limit."""
LEAST_STEP = 15.0
SECONDS = 30.0
"""How long a query may take: a week of history is much."""
FIRING = 'max_over_time(ALERTS{{alertstate="firing"}}[{step}s])'
"""By the largest of each step: a firing shorter than a step is seen as well."""


def report(address: str, window: float, now: float) -> list[Fared]:
    """How the rules of the Prometheus at `address` fared in the last `window` seconds.

    Raises UnreachableError when it does not answer, or not as Prometheus does.
    """
    step = max(LEAST_STEP, round(window / MOST_POINTS))
    with new_client(SECONDS) as client:
        known = _names(client, address, now - window)
        rules = [_rule(client, address, each, known) for each in _loaded(client, address)]
        found = _history(client, address, now - window, now, step)
    return fared(list({rule.name: rule for rule in rules}.values()), found, step)


def _names(client: Client, address: str, since: float) -> frozenset[str]:
    """The metrics that it has had a sample of."""
    return frozenset(_get(client, f"{address}/api/v1/label/__name__/values", start=f"{since:.0f}"))


def _loaded(client: Client, address: str) -> list[dict[str, Any]]:
    groups = _get(client, f"{address}/api/v1/rules", type="alert")["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _rule(client: Client, address: str, told: dict[str, Any], known: frozenset[str]) -> Rule:
    tree = _get(client, f"{address}/api/v1/parse_query", query=told["query"])
    return Rule(told["name"], told["labels"].get("severity", ""), missing(tree, known))


def _history(client: Client, address: str, start: float, end: float, step: float) -> list[Firing]:
    query = FIRING.format(step=int(step))
    told = _get(client, f"{address}/api/v1/query_range", query=query, start=f"{start:.0f}", end=f"{end:.0f}", step=step)
    return [
        each
        for series in told["result"]
        for each in firings(
            series["metric"].get("alertname", ""),
            series_name(series["metric"]),
            [float(at) for at, _ in series["values"]],
            step,
        )
    ]


def _get(client: Client, url: str, **parameters: str | float) -> Any:
    import httpx

    try:
        return client.get(url, params=parameters).raise_for_status().json()["data"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise UnreachableError(
            f"Prometheus does not tell {url}: {worded(error)}", remedy="pointsman status: is Prometheus up?"
        ) from error
