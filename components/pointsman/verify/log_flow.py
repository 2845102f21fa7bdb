"""A log line of an application finds its way from OTLP through the Collector into Loki."""

from __future__ import annotations

import secrets
import time
from typing import Any

from pointsman.checks import Check, failed, passed
from pointsman.logs import QUERY, Line, lines_of, selector
from pointsman.verify.entry import SERVICE, entered, resource
from pointsman.verify.signal_path import Sight, Step, follow
from pointsman.verify.site import LOGS, Lost, Site

NAME = "log line from OTLP to LogQL"
LABELS = "/loki/api/v1/labels"
# What may be a label: the three that the log agent sets and each known in number by the spec; `service_name`, which
# Loki adds as a copy of `service`; `detected_level`, one of a handful of levels; `__stream_shard__`, which Loki adds
# while a stream is busy, one of a handful of numbers. Everything else grows with what containers print, and each value
# is a stream of its own in Loki's index.
BOUNDED_LABELS = frozenset({"environment", "service", "stream", "service_name", "detected_level", "__stream_shard__"})
# Of the runner hosts' own agents: bounded by the inventory, by their config, and by the units of a host.
HOST_LABELS = frozenset({"host", "job", "unit"})
# An hour is what Loki's own clients look back for labels.
LABELS_SECONDS = 3600
# Around the time of a line that is looked for.
WINDOW_NS = 60 * 10**9


def round_trip(site: Site) -> Check:
    """A log record with a fresh id, followed until LogQL returns it."""
    text = f"pointsman verify {secrets.token_hex(16)}"
    sent = time.time_ns()
    logql = selector({"service_name": SERVICE}, grep=text)

    def queried() -> Sight:
        found = find(site, logql, sent - WINDOW_NS)
        return Sight(bool(found), "returned" if found else "not returned")

    return follow(
        site,
        NAME,
        (
            *entered(site, "logs", lambda: _record(site, text), LOGS),
            Step("LogQL", LOGS, f"the line {text!r}", queried),
        ),
    )


def labels(site: Site) -> Check:
    """The label names of the environment's streams are those that are bounded whatever containers print."""
    name = "log labels bounded"
    bounded = BOUNDED_LABELS | (HOST_LABELS if site.declared.hosts else frozenset())
    expected = f"no others than {', '.join(sorted(bounded))}"
    streams = selector({"environment": site.declared.environment})
    start = time.time_ns() - LABELS_SECONDS * 10**9
    try:
        # Loki leaves `data` out while it has no stream.
        found = set(site.json(LOGS, LABELS, query=streams, start=start).get("data") or ())
    except Lost as lost:
        return failed(name, lost.seen, expected=expected, remedy=site.remedy(LOGS), service=LOGS)
    if unbounded := found - bounded:
        remedy = f"find who pushes them: pointsman logs --env {site.declared.environment}"
        return failed(name, f"also {', '.join(sorted(unbounded))}", expected=expected, remedy=remedy)
    return passed(name, ", ".join(sorted(found)) or "no stream yet", service=LOGS)


def find(site: Site, logql: str, since: int, until: int | None = None) -> list[Line]:
    """The lines that match, from `since` up to, not at, `until` (nanoseconds); raises Lost when Loki does not tell."""
    end = until or time.time_ns() + WINDOW_NS
    return lines_of(site.data(LOGS, QUERY, query=logql, start=since, end=end, limit=100)["result"])


def _record(site: Site, text: str) -> dict[str, Any]:
    record = {"timeUnixNano": str(time.time_ns()), "severityText": "INFO", "body": {"stringValue": text}}
    return {"resourceLogs": [{"resource": resource(site), "scopeLogs": [{"logRecords": [record]}]}]}
