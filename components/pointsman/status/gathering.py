"""The facts of the status tables, gathered at the same time."""

from __future__ import annotations

import re
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Literal

from pointsman.declared import Declared
from pointsman.errors import UnreachableError
from pointsman.http_client import new_client
from pointsman.services.intake import intake
from pointsman.services.model import Service
from pointsman.status import hosts, memory
from pointsman.status.health import health, probed
from pointsman.status.model import ELSEWHERE, Row, Status
from pointsman.status.scraped import Scraped, Told, scraped, sighted
from pointsman.targets.docker.engine import Running, connect, containers, host
from pointsman.verify.containers import of_hosts, out_of_memory, uptime

if TYPE_CHECKING:
    from docker import APIClient
    from httpx import Client

ENGINE_SECONDS = 2
# A healthy service answers in milliseconds, on a machine that is overloaded in less than this; it must not be more, or
# a look would take longer than `--watch` waits for the next.
PROBE_SECONDS = 1.5
_RECIPE = re.compile(r"-[0-9a-f]{12}$")


def look(declared: Declared, *, client: Client | None = None) -> Status:
    """A row for each service of the environment, in its order, then for those that others run for it, and each host's.

    All are asked at the same time, each wait bounded.

    Raises UnreachableError when Docker does not answer.
    """
    services, borrowed = declared.estate.services, declared.estate.borrowed
    with ExitStack() as stack:
        http = client or stack.enter_context(new_client(PROBE_SECONDS))
        pool = stack.enter_context(ThreadPoolExecutor(len(services) + len(borrowed) + 2))
        asked = pool.submit(scraped, declared, http)
        seen = pool.submit(sighted, declared, http)
        answers = [pool.submit(probed, declared, service, http) for service in services]
        others = [pool.submit(probed, declared, service, http) for service in borrowed]
        docker = stack.enter_context(connect(timeout=ENGINE_SECONDS))
        found, machines = _containers(docker, declared)
        starved = _starved(docker, declared)
        used = dict(zip(found, pool.map(partial(memory.of, docker), found.values()), strict=True))
        known = asked.result()
        own = tuple(
            _row(
                declared,
                service,
                found.get(service.name),
                health(declared, service, found.get(service.name), answer.result(), service.name in starved),
                used.get(service.name),
                known,
            )
            for service, answer in zip(services, answers, strict=True)
        )
        borrowed_rows = (_borrowed(service, answer.result()) for service, answer in zip(borrowed, others, strict=True))
        told = seen.result()
        return Status(
            services=(*own, *borrowed_rows),
            hosts=tuple(hosts.row(each, machines.get(each.name), told) for each in declared.hosts),
        )


def _containers(docker: APIClient, declared: Declared) -> tuple[dict[str, Running], dict[str, Running | None]]:
    """Those of services, and those that hosts are."""
    from requests.exceptions import RequestException

    try:
        return containers(docker, declared.estate_id, declared.environment), of_hosts(docker, declared)
    except RequestException as error:
        raise UnreachableError(
            f"the Docker engine at {host()} stopped answering: {error}",
            remedy="run `pointsman preflight`, which says why and what to do",
        ) from error


def _starved(docker: APIClient, declared: Declared) -> Collection[str]:
    """The services of which the kernel ended a process for memory a short time ago: Docker's state forgets it."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        return out_of_memory(docker, declared.estate_id, declared.environment)
    except (DockerException, RequestException):
        return ()


def _row(
    declared: Declared, service: Service, found: Running | None, health: str, used: int | None, known: Scraped
) -> Row:
    label = found.image_label if found else ""
    up = uptime(found) if found else None
    version, version_from = _version(found, known.versions.get(service.name))
    counts = intake(service)
    return Row(
        service=service.name,
        state=found.status if found else "missing",
        health=health,
        version=version,
        version_from=version_from,
        image=label,
        uptime=up.total_seconds() if up else None,
        restarts=found.restarts if found else 0,
        memory=used,
        memory_limit=service.memory,
        url=declared.url(service),
        ingestion=known.rates.get(service.name) if found and found.status == "running" else None,
        ingestion_unit=counts.unit if counts else "",
        addresses={
            each.name: url if each.http else url.removeprefix("http://")
            for each in service.published
            if (url := declared.url(service, each.name))
        },
    )


def _borrowed(service: Service, answer: str) -> Row:
    return Row(
        service=service.name,
        state=ELSEWHERE,
        health=answer,
        version="",
        version_from="unknown",
        image="",
        uptime=None,
        restarts=0,
        memory=None,
        memory_limit=0,
        url=service.elsewhere,
    )


def _version(found: Running | None, told: Told | None) -> tuple[str, Literal["service", "image", "unknown"]]:
    """The service's own word, if this very container gave it; else what its image is called."""
    if found is None:
        return "", "unknown"
    if told and told.version and found.started and told.at > found.started.timestamp():
        return told.version, "service"
    label = labelled_version(found.image_label)
    return label, "image" if label else "unknown"


def labelled_version(label: str) -> str:
    """The version in an image's name, such as `pointsman/loki:3.7.8-ab12cd34ef56` or `grafana/loki:3.7.8@sha256:…`."""
    _, _, tag = label.partition("@")[0].rpartition("/")[2].partition(":")
    return _RECIPE.sub("", tag)
