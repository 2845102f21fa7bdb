"""A log line finds its way into Loki and back, both from Loki's own interface and from every container."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence

from pointsman.checks import Check, Outcome, failed, not_verifiable, passed
from pointsman.http_client import SHOWN_CHARACTERS, worded
from pointsman.logs import Line, loki_lines, selector
from pointsman.services import log_agent
from pointsman.services.model import Service
from pointsman.verify.site import LOGS, Lost, Site

LABELS = "/loki/api/v1/labels"
SERVICE, STREAM = "pointsman-verify", "verify"
# What may be a label: the three that the log agent sets and each known in number by the spec; `service_name`, which
# Loki adds as a copy of `service`; `detected_level`, one of a handful of levels. Everything else grows with what
# containers print, and each value is a stream of its own in Loki's index.
BOUNDED_LABELS = frozenset({"environment", "service", "stream", "service_name", "detected_level"})
# An hour is what Loki's own clients look back for labels.
LABELS_SECONDS = 3600
# The agent hands on the engine's time of a line, so that a window this wide around it holds the line and few others.
WINDOW_NS = 10**6
# Very long lines are cut on the way (the engine splits them at 16 KiB); this much of one tells it from others.
COMPARED_CHARACTERS = 1000

LastLine = Callable[[str], Line | None]
"""The last line that a service's container printed; None when it never printed any."""


def round_trip(site: Site) -> Check:
    """A line with a fresh id, pushed to Loki and followed until LogQL returns it."""
    name, fresh, now = "log line from push to LogQL", uuid.uuid4().hex, time.time_ns()
    labels = {"environment": site.declared.environment, "service": SERVICE, "stream": STREAM}
    started = time.monotonic()
    try:
        line = [str(now), f"pointsman verify {fresh}"]
        site.send(LOGS, log_agent.PUSH, {"streams": [{"stream": labels, "values": [line]}]})
    except Lost as lost:
        expected = "hop 1, push: accepted"
        return failed(name, f"lost at hop 1, push: {lost.seen}", expected=expected, remedy=site.remedy(LOGS))
    pushed = time.monotonic()
    expected = f"hop 2, LogQL query: the line with {fresh}"
    try:
        arrived = site.until(lambda: bool(_find(site, selector(labels, grep=fresh), now)))
    except Lost as lost:
        return failed(name, f"lost at hop 2, LogQL: {lost.seen}", expected=expected, remedy=site.remedy(LOGS))
    if not arrived:
        seen = f"lost at hop 2, LogQL: accepted, but not returned within {time.monotonic() - pushed:.1f} s"
        return failed(name, seen, expected=expected, remedy=site.remedy(LOGS))
    return passed(name, f"push {pushed - started:.3f} s, LogQL {time.monotonic() - pushed:.3f} s")


def labels(site: Site) -> Check:
    """The label names of the environment's streams are those that are bounded whatever containers print."""
    name = "log labels bounded"
    expected = f"no others than {', '.join(sorted(BOUNDED_LABELS))}"
    streams = selector({"environment": site.declared.environment})
    start = time.time_ns() - LABELS_SECONDS * 10**9
    try:
        # Loki leaves `data` out while it has no stream.
        found = set(site.ask(LOGS, LABELS, query=streams, start=start).json().get("data") or ())
    except Lost as lost:
        return failed(name, lost.seen, expected=expected, remedy=site.remedy(LOGS))
    if unbounded := found - BOUNDED_LABELS:
        remedy = f"find who pushes them: pointsman logs --env {site.declared.environment}"
        return failed(name, f"also {', '.join(sorted(unbounded))}", expected=expected, remedy=remedy)
    return passed(name, ", ".join(sorted(found)) or "no stream yet")


def container_line(site: Site, service: Service, line: Line | None) -> Check:
    """The last line of a container's own log is in Loki, at the engine's own time of it.

    The line is compared here and not in LogQL: Loki prints each query into its own log, which is looked for as well.
    """
    name = f"log of {service.name} in Loki"
    if line is None:
        return not_verifiable(name, "the container has printed nothing yet")
    kept = site.declared.service(LOGS).retention
    age = time.time() - line.at / 10**9
    if kept and age > kept.time:
        return not_verifiable(name, f"its last line is {age / 3600:.0f} h old, Loki keeps {kept.time / 3600:.0f} h")
    streams = selector({"environment": site.declared.environment, "service": service.name}, containers_only=True)
    wanted = line.text[:COMPARED_CHARACTERS]
    expected = f"the line of {line.time:%Y-%m-%dT%H:%M:%S.%fZ}: {line.text[:SHOWN_CHARACTERS]}"

    def there() -> bool:
        found = _find(site, streams, line.at - WINDOW_NS, line.at + WINDOW_NS)
        return any(each.text[:COMPARED_CHARACTERS].rstrip("\r") == wanted for each in found)

    started = time.monotonic()
    try:
        _carried(site)
        arrived = site.until(there)
    except Lost as lost:
        return failed(name, lost.seen, expected=expected, remedy=site.remedy(lost.who))
    if not arrived:
        seen = f"did not arrive within {time.monotonic() - started:.1f} s"
        return failed(name, seen, expected=expected, remedy=site.remedy(log_agent.NAME))
    return passed(name, f"its line of {line.time:%H:%M:%S.%f} arrived")


def passed_on(
    site: Site, service: Service, since: int, lines: Mapping[str, Line | None], checks: Sequence[Check]
) -> Check:
    """A service that the log agent reads through, and nobody outside can ask, passed on a line printed since `since`.

    `lines` and `checks` are the last lines of the containers, and what became of each of them, in the same order.
    """
    name = f"reached {service.name}"
    judged = list(zip(lines.items(), checks, strict=True))
    fresh = [(who, check) for (who, line), check in judged if line is not None and line.at >= since]
    arrived = [who for who, check in fresh if check.outcome is Outcome.PASS]
    if arrived:
        return passed(name, f"a line that {arrived[0]} printed during this run came through it into Loki")
    if fresh:
        who, check = fresh[0]
        seen, remedy = f"the line that {who} just printed: {check.seen}", site.remedy(service.name)
        return failed(name, seen, expected="a way through it into Loki", remedy=remedy)
    return not_verifiable(name, "it is not published, and no container printed a line during this run")


def _carried(site: Site) -> None:
    """Raises Lost when a container on the way of every line, from the agent's sources to Loki, does not run."""
    agent = site.declared.service(log_agent.NAME)
    for who in (*agent.after, agent.name):
        if state := site.halted(who):
            raise Lost(who, f"lost on its way to Loki: {state}")


def _find(site: Site, logql: str, since: int, until: int | None = None) -> list[Line]:
    import httpx

    loki = site.declared.service(LOGS)
    try:
        return loki_lines(site.client, site.declared.url(loki), logql, since=since, until=until)
    except httpx.HTTPError as error:
        raise Lost(loki.name, f"LogQL query: {worded(error)}") from error
