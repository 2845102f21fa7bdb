"""What containers print finds its way through the socket proxy and the log agent into Loki."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pointsman.checks import Check, Outcome, failed, not_verifiable, passed
from pointsman.http_client import SHOWN_CHARACTERS
from pointsman.logs import Line, selector
from pointsman.services import log_agent
from pointsman.services.model import Service
from pointsman.verify.exposition import total
from pointsman.verify.log_flow import find
from pointsman.verify.signal_path import Sight, Step, follow
from pointsman.verify.site import LOGS, Lost, Site

PATH = "container log from engine to LogQL"
THROUGH = "read through"
# Promtail's and Alloy's own counters of the lines that they read from the engine, and of those that they sent.
READ = ("promtail_docker_target_entries_total", "loki_source_docker_target_entries_total")
SENT = ("promtail_sent_entries_total", "loki_write_sent_entries_total")
DROPPED = ("promtail_dropped_entries_total", "loki_write_dropped_entries_total")
# An agent that cannot send stops reading, its buffers full. Lines that it has read and not sent for this long say so:
# a batch waits half a second.
STUCK_SECONDS = 2.0
# The agent hands on the engine's time of a line, so that a window this wide around it holds the line and few others.
WINDOW_NS = 10**6
# Very long lines are cut on the way (the engine splits them at 16 KiB); this much of one tells it from others.
COMPARED_CHARACTERS = 1000

LastLine = Callable[[str], Line | None]
"""The last line that a service's container printed; None when it never printed any."""


def round_trip(site: Site, last_line: LastLine) -> Check:
    """A line that Loki prints about a query made now, followed until LogQL returns it."""
    before = _exposition(site)
    began = time.time_ns()
    proxy = source(site)
    fresh: list[Line] = []

    def printed() -> Sight:
        # Loki prints a line about every query.
        find(site, selector({"environment": site.declared.environment}), began)
        line = last_line(LOGS)
        if line is None or line.at < began:
            return Sight(False, "no new line")
        fresh.append(line)
        return Sight(True, f"{line.time:%H:%M:%S.%f}")

    started = time.monotonic()

    def read() -> Sight:
        now = site.ask(log_agent.NAME, "/metrics").text
        stuck = _unsent(now) if total(now, *SENT) == total(before, *SENT) else 0
        if stuck and time.monotonic() - started > STUCK_SECONDS:
            return Sight(True, f"it holds {stuck:.0f} lines that it read and has not sent")
        return _risen(now, before, READ, "read")

    def sent() -> Sight:
        return _risen(site.ask(log_agent.NAME, "/metrics").text, before, SENT, "sent")

    def queried() -> Sight:
        there = any(_is_there(site, line) for line in fresh)
        return Sight(there, "returned" if there else "not returned")

    agent = log_agent.NAME
    return follow(
        site,
        PATH,
        (
            Step(f"printed by {LOGS}", LOGS, "a line about a query", printed),
            Step(f"{THROUGH} {proxy}", proxy, f"{agent} reads new lines through it", read, needs=(agent,)),
            Step(f"sent by {agent}", agent, f"it sends new lines to {LOGS}", sent, needs=(LOGS,)),
            Step("LogQL", LOGS, "the line at the engine's own time of it", queried, blamed=agent),
        ),
    )


def source(site: Site) -> str:
    """The service that the log agent reads the engine through."""
    return next(name for name in site.declared.service(log_agent.NAME).after if name != LOGS)


def container_line(site: Site, service: Service, line: Line | None) -> Check:
    """The last line of a container's own log is in Loki, at the engine's own time of it.

    The line is compared here and not in LogQL: Loki prints each query into its own log, which is looked for as well.
    """
    name = f"log of {service.name} in Loki"
    if line is None:
        return not_verifiable(name, "the container has printed nothing yet", service=service.name)
    kept = site.declared.service(LOGS).retention
    age = time.time() - line.at / 10**9
    if kept and age > kept.time:
        why = f"its last line is {age / 3600:.0f} h old, Loki keeps {kept.time / 3600:.0f} h"
        return not_verifiable(name, why, service=service.name)
    expected = f"the line of {line.time:%Y-%m-%dT%H:%M:%S.%fZ}: {line.text[:SHOWN_CHARACTERS]}"
    if site.deadline.passed:
        return not_verifiable(name, "the time of this run was up before it could be looked for", service=service.name)
    started = time.monotonic()
    try:
        _carried(site)
        arrived = site.until(lambda: _is_there(site, line))
    except Lost as lost:
        return failed(name, lost.seen, expected=expected, remedy=site.remedy(lost.who), service=lost.who)
    if not arrived:
        seen = f"did not arrive within {time.monotonic() - started:.1f} s"
        agent = log_agent.NAME
        return failed(name, seen, expected=expected, remedy=site.remedy(agent), service=agent)
    return passed(name, f"its line of {line.time:%H:%M:%S.%f} arrived", service=service.name)


def carried_on(path: Check, lines: Sequence[Check]) -> list[Check]:
    """The checks of single containers; those that are red follow from a red path, and do not say it once more each."""
    if path.outcome is not Outcome.FAIL:
        return list(lines)
    return [
        not_verifiable(each.name, f"{path.name} is {path.seen}", service=each.service)
        if each.outcome is Outcome.FAIL
        else each
        for each in lines
    ]


def passed_on(site: Site, service: Service, path: Check) -> Check:
    """A service that is not published, judged by whether the log agent reads through it."""
    name = f"reached {service.name}"
    hop = next((hop for hop in path.hops if hop.name == f"{THROUGH} {service.name}"), None)
    if hop is None:
        why = "it is not published, and no signal is known to pass through it"
        return not_verifiable(name, why, service=service.name)
    if hop.outcome is Outcome.PASS:
        seen = f"{log_agent.NAME} read through it in {hop.seconds:.2f} s"
        return replace(passed(name, seen, service=service.name), seconds=hop.seconds)
    if hop.outcome is Outcome.NOT_VERIFIABLE or hop.service != service.name:
        return not_verifiable(name, f"{PATH}: {hop.seen}", service=service.name)
    expected = f"{log_agent.NAME} reads the log of a container through it"
    check = failed(name, hop.seen, expected=expected, remedy=site.remedy(service.name), service=service.name)
    return replace(check, seconds=hop.seconds)


def _unsent(text: str) -> float:
    """The lines that an agent has read since it started and that wait to be sent."""
    return total(text, *READ) - total(text, *SENT) - total(text, *DROPPED)


def _risen(now: str, before: str, names: Sequence[str], word: str) -> Sight:
    rise = total(now, *names) - total(before, *names)
    return Sight(rise > 0, f"{rise:.0f} lines {word}")


def _exposition(site: Site) -> str:
    try:
        return site.ask(log_agent.NAME, "/metrics").text
    except Lost:
        return ""


def _carried(site: Site) -> None:
    """Raises Lost when a container on the way of every line, from the agent's sources to Loki, does not run."""
    agent = site.declared.service(log_agent.NAME)
    for who in (*agent.after, agent.name):
        if state := site.halted(who):
            raise Lost(who, f"lost on its way to Loki: {state}")


def _is_there(site: Site, line: Line) -> bool:
    labels: Mapping[str, str] = {"environment": site.declared.environment, "service": line.service}
    streams = selector(labels, containers_only=True)
    wanted = line.text[:COMPARED_CHARACTERS]
    found = find(site, streams, line.at - WINDOW_NS, line.at + WINDOW_NS)
    return any(each.text[:COMPARED_CHARACTERS].rstrip("\r") == wanted for each in found)
