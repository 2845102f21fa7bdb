"""Where faults are injected: one environment on this machine, and what may be done to it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointsman.declared import Declared
from pointsman.services import labels
from pointsman.targets.docker.container import ContainerPlan
from pointsman.targets.docker.engine import host
from tests.faults.harness import netns

if TYPE_CHECKING:
    from docker import APIClient


class NotVerifiable(Exception):
    """This fault cannot be injected on this machine; the message says why."""


@dataclass(frozen=True)
class Place:
    """One environment.

    `library` is the folder from which its commands load their modules. `proxy_image` is the image of toxiproxy; empty
    where it cannot be had.
    """

    declared: Declared
    engine: APIClient
    library: Path
    proxy_image: str = ""

    def plan(self, service: str) -> ContainerPlan:
        """The container that a service is to have."""
        return self.declared.plans[service]

    def facts(self, service: str) -> dict[str, Any]:
        """What the engine says of a service's container; refuses one that is not of this environment."""
        facts: dict[str, Any] = self.engine.inspect_container(self.plan(service).name)
        own: Mapping[str, str] = facts["Config"]["Labels"] or {}
        wanted = {labels.ESTATE: self.declared.estate_id, labels.ENVIRONMENT: self.declared.environment}
        assert wanted.items() <= own.items(), f"{facts['Name']} is not of environment {self.declared.environment}"
        return facts

    def address(self, service: str) -> str:
        """The address of a service's container on the environment's network."""
        return str(self.facts(service)["NetworkSettings"]["Networks"][self.plan(service).network]["IPAddress"])

    def mountpoint(self, volume: str) -> Path:
        """The folder of this machine that a volume is; NotVerifiable where it is not to be had."""
        if os.geteuid() != 0:
            raise NotVerifiable("a volume's folder is the engine's own: run as root")
        found = Path(self.engine.inspect_volume(volume)["Mountpoint"])
        if not host().startswith("unix://") or not found.is_dir():
            raise NotVerifiable(f"{found} is not on this machine: the engine at {host()} runs elsewhere")
        return found

    def namespace(self, service: str) -> int:
        """The process whose network namespace a service has; NotVerifiable where it cannot be entered."""
        if reason := netns.missing():
            raise NotVerifiable(reason)
        process = int(self.facts(service)["State"]["Pid"])
        if not Path(f"/proc/{process}/ns/net").exists():
            raise NotVerifiable(f"the processes of the engine at {host()} are not this machine's")
        return process
