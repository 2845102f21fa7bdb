"""A container's working set: from the kernel where it is this machine's, else from the engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointsman.targets.docker.engine import Running

if TYPE_CHECKING:
    from docker import APIClient

# Where the kernel tells a container's memory: cgroup v1, v2, v2 under systemd; and the key of the inactive file cache.
_CGROUPS = (
    ("memory/docker/{id}/memory.usage_in_bytes", "total_inactive_file"),
    ("docker/{id}/memory.current", "inactive_file"),
    ("system.slice/docker-{id}.scope/memory.current", "inactive_file"),
)


def of(docker: APIClient, found: Running) -> int | None:
    """The working set in bytes; None when it does not run or nothing tells.

    The kernel is asked first: the engine takes a second for each container, or tells nothing.
    """
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    if found.status not in ("running", "paused"):
        return None
    if (known := kernel_working_set(found.id)) is not None:
        return known
    try:
        stats: dict[str, Any] = docker.stats(found.id, stream=False, one_shot=True)
    except (DockerException, RequestException, OSError):
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
