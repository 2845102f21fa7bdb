"""Each container is there, runs, keeps running, and is the one that the spec and the image lock want."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pointsman.checks import Check, Outcome, failed, passed
from pointsman.declared import Declared
from pointsman.services import labels
from pointsman.services.model import Service
from pointsman.targets.docker import engine, names
from pointsman.targets.docker.engine import Running

if TYPE_CHECKING:
    from docker import APIClient

# Docker restarts a crashing container after at most a minute; one that stayed up longer than this has stopped crashing.
STEADY = timedelta(seconds=60)

LastLines = Callable[[str], str]
"""The last lines that a container printed, by its name."""


def containers(
    declared: Declared, running: Mapping[str, Running], last_lines: LastLines, out_of_memory: Mapping[str, datetime]
) -> list[Check]:
    """A check for every service of the environment, and one for every container of it that the spec does not have.

    `out_of_memory` is when the kernel last ended a process of a service for want of memory, by service.
    """
    services = declared.estate.services
    wanted = {service.name for service in services}
    checks = []
    for service in services:
        check = _container(declared, service, running.get(service.name), last_lines)
        if at := out_of_memory.get(service.name):
            check = _starved(declared, service, check, at)
        checks.append(replace(check, service=service.name))
    return checks + [_left_over(declared, found) for name, found in sorted(running.items()) if name not in wanted]


def out_of_memory(client: APIClient, estate: str, environment: str) -> dict[str, datetime]:
    """When the kernel last ended a process for want of memory, by service, as far back as STEADY."""
    now = datetime.now(UTC)
    wanted = [f"{labels.ESTATE}={estate}", f"{labels.ENVIRONMENT}={environment}", labels.SERVICE]
    events = client.events(since=now - STEADY, until=now, filters={"event": "oom", "label": wanted}, decode=True)
    return {each["Actor"]["Attributes"][labels.SERVICE]: datetime.fromtimestamp(each["time"], UTC) for each in events}


def of_hosts(client: APIClient, declared: Declared) -> dict[str, Running | None]:
    """The containers that hosts are, by host; None for one that is gone."""
    wanted = [each.name for each in declared.hosts if each.container]
    return {name: engine.inspect(client, names.container(declared.environment, name)) for name in wanted}


def uptime(running: Running) -> timedelta | None:
    """How long a container has been running; None when it does not run."""
    if running.started is None or running.status not in ("running", "paused"):
        return None
    return datetime.now(UTC) - running.started


def _container(declared: Declared, service: Service, found: Running | None, last_lines: LastLines) -> Check:
    name, planned = f"container {service.name}", declared.plans[service.name]
    if found is None:
        return failed(name, "no such container", expected=f"{planned.name} running", remedy=declared.apply)
    if found.status == "paused":
        return failed(name, "paused", expected="running", remedy=f"docker unpause {found.name}")
    up = uptime(found)
    if up is None:
        seen = f"{found.status}, exit code {found.exit_code}, {found.restarts} restarts"
        return failed(name, _with_lines(seen, found, last_lines), expected="running", remedy=declared.apply)
    if found.restarts and up < STEADY:
        seen = f"restarted {found.restarts} times, the last time {up.total_seconds():.0f} s ago"
        remedy = f"docker logs --tail 50 {found.name}"
        return failed(name, _with_lines(seen, found, last_lines), expected="a container that stays up", remedy=remedy)
    if found.image != planned.image_id:
        seen, expected = f"image {_short(found.image)} ({found.image_label})", f"image {_short(planned.image_id)}"
        return failed(name, seen, expected=expected, remedy=declared.apply)
    if found.fingerprint != planned.fingerprint:
        seen, expected = f"made from plan {found.fingerprint or 'unknown'}", f"plan {planned.fingerprint} of the spec"
        return failed(name, seen, expected=expected, remedy=declared.apply)
    restarts = f", {found.restarts} restarts" if found.restarts else ""
    return passed(name, f"{found.image_label}, up {str(up).partition('.')[0]}{restarts}")


def _starved(declared: Declared, service: Service, check: Check, at: datetime) -> Check:
    """A container that runs out of memory is red even while it runs: it does so again and again."""
    limit = f"its limit of {service.memory / 2**20:.0f} MiB"
    ago = (datetime.now(UTC) - at).total_seconds()
    seen = f"the kernel ended a process of it {ago:.0f} s ago for want of memory"
    if check.outcome is Outcome.FAIL:
        seen = f"{seen}; {check.seen}"
    remedy = f"raise its resources.memory in stacks/{declared.environment}.yaml, then {declared.apply}"
    return failed(check.name, seen, expected=f"it makes do with {limit}", remedy=remedy)


def _left_over(declared: Declared, found: Running) -> Check:
    seen = f"{found.name} is {found.status}"
    expected = f"no container of a service that environment {declared.environment} does not have"
    return failed(f"container {found.service}", seen, expected=expected, remedy=declared.apply, service=found.service)


def _with_lines(seen: str, found: Running, last_lines: LastLines) -> str:
    printed = last_lines(found.name)
    return f"{seen}; its last lines:\n{printed}" if printed else f"{seen}; it printed nothing"


def _short(image_id: str) -> str:
    return image_id.removeprefix("sha256:")[:12]
