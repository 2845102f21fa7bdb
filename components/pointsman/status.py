"""The facts of the status table: what each service is, how it is, and where it is reached."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pointsman.declared import Declared
from pointsman.errors import PointsmanError
from pointsman.http_client import new_client, worded
from pointsman.services.model import Service
from pointsman.targets.docker.engine import Running, connect, containers
from pointsman.verify.containers import uptime

if TYPE_CHECKING:
    from httpx import Client

ENGINE_SECONDS = 2
WORKERS = 8
READY = "ready"
# Where the kernel tells a container's memory: cgroup v1, v2, v2 under systemd; and the key of the inactive file cache.
_CGROUPS = (
    ("memory/docker/{id}/memory.usage_in_bytes", "total_inactive_file"),
    ("docker/{id}/memory.current", "inactive_file"),
    ("system.slice/docker-{id}.scope/memory.current", "inactive_file"),
)
_RECIPE = re.compile(r"-[0-9a-f]{12}$")


@dataclass(frozen=True)
class Row:
    """One service. Seconds and bytes; None is unknown.

    `state` is Docker's word, or `missing`; `health` is what its readiness URL said: `ready`, a reason, or `not
    published`. `version` comes from the service itself where it tells one, else from its image, as `version_from` says.
    `memory` is the working set: usage without the file cache that the kernel may take back at once.
    """

    service: str
    state: str
    health: str
    version: str
    version_from: Literal["service", "image", "unknown"]
    image: str
    uptime: float | None
    restarts: int
    memory: int | None
    memory_limit: int
    url: str

    @property
    def good(self) -> bool:
        """Runs, and was seen ready from outside where it is published."""
        return self.state == "running" and (self.health == READY or not self.url)


def rows(declared: Declared, *, client: Client | None = None) -> tuple[Row, ...]:
    """A row for each service of the environment, in its order; asked at the same time, each wait bounded by 2 s.

    Raises UnreachableError when Docker does not answer.
    """
    with ExitStack() as stack:
        docker = stack.enter_context(connect(timeout=ENGINE_SECONDS))
        found = containers(docker, declared.estate_id, declared.environment)
        http = client or stack.enter_context(new_client())
        pool = stack.enter_context(ThreadPoolExecutor(WORKERS))
        services = declared.estate.services
        health = [
            pool.submit(partial(_health, declared, service, found.get(service.name), http)) for service in services
        ]
        versions = [
            pool.submit(partial(_told, declared, service, found.get(service.name), http)) for service in services
        ]
        memory = {name: pool.submit(_memory, each) for name, each in found.items()}
        return tuple(
            _row(declared, service, found.get(service.name), healthy.result(), told.result(), memory)
            for service, healthy, told in zip(services, health, versions, strict=True)
        )


def _row(
    declared: Declared,
    service: Service,
    found: Running | None,
    health: str,
    told: str,
    memory: Mapping[str, Future[int | None]],
) -> Row:
    label = found.image_label if found else ""
    up = uptime(found) if found else None
    return Row(
        service=service.name,
        state=found.status if found else "missing",
        health=health,
        version=told or labelled_version(label),
        version_from="service" if told else "image" if label else "unknown",
        image=label,
        uptime=up.total_seconds() if up else None,
        restarts=found.restarts if found else 0,
        memory=memory[service.name].result() if found else None,
        memory_limit=service.memory,
        url=declared.url(service),
    )


def labelled_version(label: str) -> str:
    """The version in an image's name, such as `pointsman/loki:3.7.8-ab12cd34ef56` or `grafana/loki:3.7.8@sha256:…`."""
    _, _, tag = label.partition("@")[0].rpartition("/")[2].partition(":")
    return _RECIPE.sub("", tag)


def _health(declared: Declared, service: Service, found: Running | None, client: Client) -> str:
    import httpx

    if found is None or found.status != "running":
        return "not running"
    if not service.published or service.ready is None:
        return "not published"
    try:
        client.get(f"{declared.url(service)}{service.ready.path}").raise_for_status()
    except httpx.HTTPError as error:
        return worded(error)
    return READY


def _told(declared: Declared, service: Service, found: Running | None, client: Client) -> str:
    """The version in the service's own metrics, where Prometheus's convention puts it: <program>_build_info."""
    import httpx

    if not service.published or not service.metrics or found is None or found.status != "running":
        return ""
    try:
        text = client.get(f"{declared.url(service)}{service.metrics}").text
    except httpx.HTTPError:
        return ""
    return built_version(text, service.image)


def built_version(exposition: str, program: str) -> str:
    """The version label of a program's build_info in a text exposition; empty when there is none."""
    name = re.escape(program.replace("-", "_"))
    match = re.search(rf'^{name}_build_info\{{[^}}]*\bversion="v?([^"]+)"', exposition, re.MULTILINE)
    return match.group(1) if match else ""


def _memory(found: Running) -> int | None:
    """From the kernel where it is this machine's: the engine takes a second for each container, or tells nothing."""
    from docker.errors import DockerException

    if found.status not in ("running", "paused"):
        return None
    if (known := kernel_working_set(found.id)) is not None:
        return known
    try:
        with connect(timeout=ENGINE_SECONDS) as docker:
            stats: dict[str, Any] = docker.stats(found.id, stream=False, one_shot=True)
    except (DockerException, OSError, PointsmanError):
        return None
    return working_set(stats.get("memory_stats") or {})


def working_set(stats: Mapping[str, Any]) -> int | None:
    """Usage less inactive file cache, from the engine's memory statistics; None where it has none."""
    usage, detail = stats.get("usage"), stats.get("stats") or {}
    if not usage:
        return None
    return int(usage) - int(detail.get("total_inactive_file", detail.get("inactive_file", 0)))


def kernel_working_set(container: str, cgroups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """The same from the kernel; None when this machine does not run the container."""
    for pattern, key in _CGROUPS:
        path = cgroups / pattern.format(id=container)
        try:
            usage, detail = path.read_text(), path.with_name("memory.stat").read_text()
        except OSError:
            continue
        cache = dict(line.split() for line in detail.splitlines()).get(key, "0")
        return int(usage) - int(cache)
    return None
