"""Every check of an environment, at the same time where they do not depend on one another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from pointsman.checks import Check, Outcome, Report, failed, not_verifiable
from pointsman.deadline import Deadline
from pointsman.declared import Declared
from pointsman.http_client import new_client
from pointsman.logs import Line, docker_lines
from pointsman.services import alert_sink, alertmanager, collector, tempo
from pointsman.services.model import Service
from pointsman.targets.docker import engine
from pointsman.targets.docker.engine import Running
from pointsman.verify import (
    alert_flow,
    complaints,
    container_logs,
    containers,
    grafana,
    hosts,
    log_flow,
    metric_flow,
    reach,
    scraping,
    trace_flow,
    volumes,
)
from pointsman.verify.consequences import folded
from pointsman.verify.groups import Group, grouped, ordered
from pointsman.verify.losses import Losses
from pointsman.verify.site import ANSWER_SECONDS, LAST_SECONDS, LOGS, METRICS, Site, timed

if TYPE_CHECKING:
    from docker import APIClient
    from httpx import Client

# Tempo's search is the slowest end of a healthy signal, after 5 s; with the looks before and after it, a fault is red
# within 10 s.
DEADLINE_SECONDS = 8.0
ENGINE_SECONDS = 5
# Checks wait for answers and hardly compute: enough of them may run at once that none waits for another one's wait.
WORKERS = 64
# So many connections read volumes at the same time; more of them only make the engine's disk busier.
LANES = 4
# The last line that is not blank is looked for among this many.
TAIL = 20
# What a service says of a fault is looked for among this many.
LAST_PRINTED = 200

Progress = Callable[[Check], None]
Checks = Callable[[], Sequence[Check]]


def run(
    declared: Declared,
    *,
    deadline_seconds: float = DEADLINE_SECONDS,
    progress: Progress = lambda check: None,
    client: Client | None = None,
) -> Report:
    """Proves an environment; takes as long as its slowest check.

    `deadline_seconds` bounds the waits for what is on its way. `progress` is called in the caller's thread with each
    check as it ends, before it is known whether it only follows from another; the report has them in the order of the
    groups, the first red one being a cause. Raises UnreachableError when Docker does not answer.
    """
    deadline, began = Deadline.within(deadline_seconds), time.time_ns()
    with ExitStack() as stack:
        docker = stack.enter_context(engine.connect(timeout=ENGINE_SECONDS))
        running = engine.containers(docker, declared.estate_id, declared.environment)
        client = client or stack.enter_context(new_client(ANSWER_SECONDS))
        site = Site(declared, running, client, deadline)
        pool = stack.enter_context(ThreadPoolExecutor(WORKERS))
        losses = Losses(site, pool)
        futures = [pool.submit(_guarded, group, name, site, checks) for group, name, checks in _checks(site, pool)]
        machines = containers.of_hosts(docker, declared)
        futures.append(pool.submit(_guarded, Group.HOSTS, "hosts", site, partial(hosts.hosts, site, machines)))
        # Asked here, while the others wait: the engine's client is not made for several threads.
        short = containers.out_of_memory(docker, declared.estate_id, declared.environment)
        found = list(_containers(site, partial(engine.last_lines, docker), short))
        for check in found:
            progress(check)
        for future in as_completed(futures):
            for check in future.result():
                progress(check)
        found += [check for future in futures for check in future.result()]
        found += _guarded(Group.FLOW, "losses", site, losses.checks)
        shown = folded(ordered(found, [service.name for service in declared.estate.services]))
        return Report(tuple(complaints.explained(site, shown, partial(_printed, docker, site, began))))


def _containers(site: Site, last_lines: containers.LastLines, short: Mapping[str, datetime]) -> Sequence[Check]:
    return grouped(Group.CONTAINERS, containers.containers(site.declared, site.running, last_lines, short))


def _checks(site: Site, pool: ThreadPoolExecutor) -> Iterator[tuple[Group, str, Checks]]:
    services = site.declared.estate.services
    for lane in range(LANES):
        yield Group.CONTAINERS, "volumes", partial(_volumes, site, services[lane::LANES])
    for service in (*services, *site.declared.estate.borrowed):
        if service.published or service.elsewhere:
            yield Group.ACCESS, f"reached {service.name}", _one(partial(reach.reached, site, service))
    for service in services:
        if service.retention:
            check = partial(reach.retention, site, service, service.retention)
            yield Group.ACCESS, f"retention {service.name}", _one(check)
    yield Group.METRICS, "scrape targets", partial(scraping.targets, site)
    yield Group.GRAFANA, "Grafana connectivity", partial(grafana.connectivity, site)
    yield Group.DASHBOARDS, "dashboards", partial(grafana.dashboards, site)
    for path in PATHS:
        yield Group.FLOW, path.name, _one(partial(_followed, site, path))
    yield Group.FLOW, "container logs", partial(_logs, site, pool)


@dataclass(frozen=True)
class Path:
    """A signal that is made and followed; `needs` are the services that it cannot do without."""

    name: str
    follow: Callable[[Site], Check]
    needs: tuple[str, ...]


PATHS = (
    Path(metric_flow.NAME, metric_flow.round_trip, (collector.NAME, METRICS)),
    Path(log_flow.NAME, log_flow.round_trip, (collector.NAME, LOGS)),
    Path(trace_flow.NAME, trace_flow.round_trip, (collector.NAME, tempo.NAME)),
    Path(trace_flow.METRICS_NAME, trace_flow.metrics_round_trip, (collector.NAME, METRICS)),
    Path(alert_flow.NAME, alert_flow.round_trip, (collector.NAME, METRICS, alertmanager.NAME, alert_sink.NAME)),
)
"""In the order in which they are shown."""


def _followed(site: Site, path: Path) -> Check:
    if missing := site.lacks(*path.needs):
        return not_verifiable(path.name, f"the environment is declared without {missing}")
    return path.follow(site)


def _guarded(group: Group, name: str, site: Site, checks: Checks) -> tuple[Check, ...]:
    """A check whose subject goes away or answers with something else altogether is red, and the others go on."""
    from docker.errors import DockerException
    from yaml import YAMLError

    try:
        found = checks()
    except (DockerException, YAMLError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        seen = f"{type(error).__name__}: {error}"
        remedy = f"pointsman status --env {site.declared.environment}"
        found = (failed(name, seen, expected="an answer that can be read", remedy=remedy),)
    return tuple(check if check.group else grouped(group, (check,))[0] for check in found)


def _one(check: Callable[[], Check]) -> Checks:
    return lambda: (timed(check),)


def _volumes(site: Site, services: Sequence[Service]) -> list[Check]:
    """Read one after the other: the engine's client is not made for several threads."""
    with engine.connect(timeout=ENGINE_SECONDS) as docker:
        seen, found = _archived(docker, site), []
        for service in services:
            if service.config:
                found.append(timed(partial(volumes.config, site, service, seen)))
            if service.name in volumes.KEPT:
                found.append(timed(partial(volumes.data, site, service, seen)))
    return found


def _archived(docker: APIClient, site: Site) -> volumes.Volumes:
    return volumes.ArchivedVolumes(docker, site)


def _logs(site: Site, pool: ThreadPoolExecutor) -> list[Check]:
    """The path of a fresh line, the last line of every container, and what only that path can show."""
    followed = pool.submit(timed, partial(_container_log, site))
    services = [service for service in site.declared.estate.services if service.name in site.running]
    lines: list[tuple[Service, Line | None]] = []
    with engine.connect(timeout=ENGINE_SECONDS) as docker:
        for service in services:
            lines.append((service, _last_line(docker, site.running[service.name])))
    path = followed.result()
    # Where new lines are lost, only those that are there already are worth a look.
    patient = site if path.outcome is not Outcome.FAIL else site.within(LAST_SECONDS)
    futures = [
        pool.submit(timed, partial(container_logs.container_line, patient, service, line)) for service, line in lines
    ]
    arrivals = container_logs.carried_on(path, [future.result() for future in futures])
    # Looked at now, when there are streams: right after the first start there are none yet.
    labels = timed(partial(log_flow.labels, site))
    unpublished = [service for service in site.declared.estate.services if not service.published]
    hidden = [container_logs.passed_on(site, service, path) for service in unpublished]
    return [path, *arrivals, labels, *grouped(Group.ACCESS, hidden)]


def _container_log(site: Site) -> Check:
    with engine.connect(timeout=ENGINE_SECONDS) as docker:
        return container_logs.round_trip(site, lambda name: _last_line(docker, site.running[name]))


def _printed(docker: APIClient, site: Site, since: int, name: str) -> Sequence[Line]:
    """What a container printed since then; nothing where the engine does not tell."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        return docker_lines(docker, site.running[name], tail=LAST_PRINTED, since=since)
    except (DockerException, RequestException):
        return ()


def _last_line(docker: APIClient, container: Running) -> Line | None:
    printed = [line for line in docker_lines(docker, container, tail=TAIL) if line.text.strip()]
    return printed[-1] if printed else None
