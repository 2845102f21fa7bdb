"""Every check of an environment, at the same time where they do not depend on one another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from pointsman.checks import Check, Report, failed, not_verifiable
from pointsman.declared import Declared
from pointsman.http_client import new_client
from pointsman.logs import Line, docker_lines
from pointsman.resources.provider.kinds import Deadline
from pointsman.resources.provider.releases import Volume
from pointsman.services import log_agent
from pointsman.services.model import Service
from pointsman.targets.docker import engine
from pointsman.targets.docker.engine import Running
from pointsman.verify import containers, log_flow, metric_flow, reach
from pointsman.verify.site import Site, timed

if TYPE_CHECKING:
    from docker import APIClient
    from httpx import Client

# Long enough for the log agent to see a new container (5 s) and send its lines (0.5 s).
DEADLINE_SECONDS = 8.0
ENGINE_SECONDS = 5
# Checks wait for answers and hardly compute: more of them than cores may run at once.
WORKERS = 12
# The last line that is not blank is looked for among this many.
TAIL = 20

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

    `deadline_seconds` bounds the waits for what is on its way; a request that hangs ends after two seconds. `progress`
    is called in the caller's thread with each check as it ends; the report has them in the order of the services.
    Raises UnreachableError when Docker does not answer.
    """
    deadline = Deadline.within(deadline_seconds)
    with ExitStack() as stack:
        docker = stack.enter_context(engine.connect(timeout=ENGINE_SECONDS))
        running = engine.containers(docker, declared.estate_id, declared.environment)
        first = containers.containers(declared, running, partial(engine.last_lines, docker))
        for check in first:
            progress(check)
        site = Site(declared, running, client or stack.enter_context(new_client()), deadline)
        pool = stack.enter_context(ThreadPoolExecutor(WORKERS))
        futures = [pool.submit(_guarded, name, site, checks) for name, checks in _checks(site, pool)]
        for future in as_completed(futures):
            for check in future.result():
                progress(check)
    return Report((*first, *(check for future in futures for check in future.result())))


def _checks(site: Site, pool: ThreadPoolExecutor) -> Iterator[tuple[str, Checks]]:
    services = site.declared.estate.services
    for service in services:
        if service.published:
            yield f"reached {service.name}", _one(partial(reach.reached, site, service))
    yield "configs", partial(_configs, site)
    yield "metric", _one(partial(metric_flow.round_trip, site))
    yield "scrape targets", partial(metric_flow.targets, site)
    yield "logs", partial(_logs, site, pool)
    yield "log labels", _one(partial(log_flow.labels, site))
    for service in services:
        if service.retention:
            check = partial(reach.retention, site, service, service.retention)
            yield f"retention {service.name}", _one(check)


def _guarded(name: str, site: Site, checks: Checks) -> Sequence[Check]:
    """A check whose subject goes away or answers with something else altogether is red, and the others go on."""
    from docker.errors import DockerException

    try:
        return checks()
    except (DockerException, OSError, ValueError, LookupError, TypeError) as error:
        seen = f"{type(error).__name__}: {error}"
        remedy = f"pointsman status --env {site.declared.environment}"
        return (failed(name, seen, expected="an answer that can be read", remedy=remedy),)


def _one(check: Callable[[], Check]) -> Checks:
    return lambda: (timed(check),)


def _configs(site: Site) -> list[Check]:
    """Read one after the other: the engine's client is not made for several threads."""
    with engine.connect(timeout=ENGINE_SECONDS) as docker:
        return [
            timed(partial(reach.in_force, site, service, partial(_release, docker, site, service)))
            for service in site.declared.estate.services
            if service.config
        ]


def _release(docker: APIClient, site: Site, service: Service) -> str:
    assert service.config is not None
    live = Volume(docker, site.running[service.name].id, service.config.directory).live()
    return live.release if live else ""


def _logs(site: Site, pool: ThreadPoolExecutor) -> list[Check]:
    """The way through Loki first: it makes Loki print a line, which the way through the agent then has to bring."""
    began = time.time_ns()
    trip = timed(partial(log_flow.round_trip, site))
    services = [service for service in site.declared.estate.services if service.name in site.running]
    with engine.connect(timeout=ENGINE_SECONDS) as docker:
        lines = {service.name: _last_line(docker, site.running[service.name]) for service in services}
    futures: list[Future[Check]] = [
        pool.submit(timed, partial(log_flow.container_line, site, service, lines[service.name])) for service in services
    ]
    arrivals = [future.result() for future in futures]
    unpublished = [service for service in site.declared.estate.services if not service.published]
    source = site.declared.service(log_agent.NAME).after
    hidden = [
        log_flow.passed_on(site, service, began, lines, arrivals)
        if service.name in source
        else not_verifiable(f"reached {service.name}", "it is not published, and no signal is known to pass through it")
        for service in unpublished
    ]
    return [trip, *arrivals, *hidden]


def _last_line(docker: APIClient, container: Running) -> Line | None:
    printed = [line for line in docker_lines(docker, container, tail=TAIL) if line.text.strip()]
    return printed[-1] if printed else None
