"""How a service is: by its container where that explains all, else by what its readiness URL answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pointsman.declared import Declared
from pointsman.http_client import worded
from pointsman.services.model import Service
from pointsman.status.model import MISSING, NOT_PUBLISHED, READY
from pointsman.targets.docker.engine import Running
from pointsman.verify.containers import STEADY, uptime

if TYPE_CHECKING:
    from httpx import Client


def probed(declared: Declared, service: Service, client: Client) -> str:
    """What the readiness URL of `service` answers from outside: `ready`, or why not, or `not published`."""
    import httpx

    if service.ready is None or not (address := declared.url(service, service.ready.on)):
        return NOT_PUBLISHED
    try:
        # The first bytes of an answer tell; the rest may be long, or never come.
        with client.stream("GET", f"{address}{service.ready.path}") as answer:
            if not answer.is_success:
                answer.read()
            answer.raise_for_status()
    except httpx.HTTPError as error:
        return worded(error)
    return READY


def health(declared: Declared, service: Service, found: Running | None, answer: str, starved: bool) -> str:
    """Why a service is not well, or `answer`, what its readiness URL said.

    `starved`: the kernel ended a process of it for memory a short time ago.
    """
    if found is None:
        return MISSING
    if fault := halted(found, service.memory, starved):
        return fault
    network = declared.plans[service.name].network
    if found.networks is not None and network not in found.networks:
        return f"not on the network {network}"
    up, killed = uptime(found), _killed(found, service.memory, starved)
    if found.restarts and up and up < STEADY:
        return f"died: {_restarts(found)}, up for {up.total_seconds():.0f} s{killed}"
    return f"a process of it died{killed}" if starved else answer


def halted(found: Running, memory: int, starved: bool = False) -> str:
    """Why a container does not run; "" for one that does. `memory` is its limit in bytes."""
    killed = _killed(found, memory, starved)
    if found.status == "paused":
        return f"paused; docker unpause {found.name}"
    if found.status == "restarting":
        return f"restarting: exit code {found.exit_code}, {_restarts(found)}{killed}"
    if found.status != "running":
        return f"{found.status}: exit code {found.exit_code}{killed}"
    return ""


def _killed(found: Running, memory: int, starved: bool) -> str:
    limit = memory // 2**20
    return f", out of memory: its limit is {limit} MiB" if starved or found.killed_for_memory else ""


def _restarts(found: Running) -> str:
    return f"{found.restarts} restart{'' if found.restarts == 1 else 's'}"
