"""The kinds of panels, and the links that lead on from them: what all dashboards are built with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pointsman.signals.counting import grown
from pointsman.signals.dashboards.model import Kind, Limits, Link, Panel, Query

RATE = "$__rate_interval"
INTERVAL = "$__interval"
RANGE = "$__range"
PERCENTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True)
class Shown:
    """What every panel must say besides its queries: its meaning, the way on, and where it turns red."""

    about: str
    link: Link
    limits: Limits | None = None


def stat(title: str, unit: str, shown: Shown, *queries: Query, height: int = 5, **more: Any) -> Panel:
    """A number now, or over the range shown; one tile a series."""
    return _panel(title, "stat", unit, shown, queries, width=6, height=height, **more)


def timeseries(title: str, unit: str, shown: Shown, *queries: Query, **more: Any) -> Panel:
    """Values over time, a line a series."""
    return _panel(title, "timeseries", unit, shown, queries, **more)


def bars(title: str, unit: str, shown: Shown, *queries: Query, **more: Any) -> Panel:
    """A bar for each series, over the range shown."""
    return _panel(title, "bargauge", unit, shown, queries, **more)


def heatmap(title: str, unit: str, shown: Shown, metric: str, by: str) -> Panel:
    """How often values of a histogram fell into each of its buckets, over time."""
    query = Query(grown(f"{metric}_bucket{{{by}}}", "le", INTERVAL), "{{le}}")
    return _panel(title, "heatmap", unit, shown, (query,))


def traces(title: str, shown: Shown, query: str, **more: Any) -> Panel:
    """The last spans that a TraceQL query finds; each leads to its trace."""
    return _panel(title, "table", "none", shown, (Query(query),), **more)


def lines(title: str, shown: Shown, query: str) -> Panel:
    """The last log lines that a LogQL query finds."""
    return _panel(title, "logs", "none", shown, (Query(query),), width=24)


def percentiles(
    metric: str, selector: str, window: str, *by: str, quantiles: tuple[float, ...] = PERCENTILES
) -> tuple[Query, ...]:
    """A query for each quantile of what a histogram counted within a window, kept apart by the labels `by`."""
    names = "".join(f" {{{{{each}}}}}" for each in by)
    buckets = grown(f"{metric}_bucket{{{selector}}}", ", ".join(("le", *by)), window)
    return tuple(Query(f"histogram_quantile({each:g}, {buckets})", f"p{each * 100:g}{names}") for each in quantiles)


def share(part: str, whole: str, by: str, window: str) -> str:
    """What share of a counter's events within a window another counter has; no value where there were none.

    A part that has no series is 0.
    """
    every = grown(whole, by, window)
    return f"({grown(part, by, window)} or 0 * {every}) / ({every} > 0)"


def runbook(base: str, alert: str) -> Link:
    """To the page of the alert that fires when the panel is red."""
    return Link(f"Runbook: {alert}", f"{base}/{alert}.md")


def logs(title: str, expr: str) -> Link:
    """To the log lines that a LogQL query finds, in Explore, of the last hour."""
    query = {"refId": "A", "expr": expr, "datasource": {"type": "loki", "uid": "loki"}}
    panes = {"logs": {"datasource": "loki", "queries": [query], "range": {"from": "now-1h", "to": "now"}}}
    compact = json.dumps(panes, separators=(",", ":"))
    return Link(f"Logs: {title}", f"/explore?schemaVersion=1&orgId=1&panes={quote(compact)}")


def _panel(title: str, kind: Kind, unit: str, shown: Shown, queries: tuple[Query, ...], **more: Any) -> Panel:
    return Panel(title, kind, unit, shown.about, queries, shown.link, shown.limits, **more)
