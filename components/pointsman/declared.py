"""What an environment is declared to be on this machine: services, containers and addresses, before any look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pointsman.errors import UsageError
from pointsman.identity import estate_id
from pointsman.images import Resolution, locked
from pointsman.services.estate import Estate, compose
from pointsman.services.model import Service
from pointsman.spec.reader import read_environment
from pointsman.targets.docker.container import ContainerPlan, plan
from pointsman.targets.docker.engine import machine

EVERY_ADDRESS = "0.0.0.0"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Declared:
    """One environment as spec and image lock want it. `plans` holds the container of every service, by service name."""

    estate: Estate
    estate_id: str
    plans: Mapping[str, ContainerPlan]
    images: Resolution

    @property
    def environment(self) -> str:
        """The environment's name."""
        return self.estate.environment

    @property
    def apply(self) -> str:
        """The command that makes what runs what the spec says."""
        return f"pointsman up --env {self.environment}"

    def service(self, name: str) -> Service:
        """The service called `name`; raises UsageError with the names that there are."""
        for service in self.estate.services:
            if service.name == name:
                return service
        there = ", ".join(service.name for service in self.estate.services)
        raise UsageError(f"environment {self.environment} has no service {name}", remedy=f"there is: {there}")

    def url(self, service: Service) -> str:
        """Where this machine reaches `service`; empty when it is not published.

        One that is published on every address is asked on loopback.
        """
        planned = self.plans[service.name]
        address = LOOPBACK if planned.bind == EVERY_ADDRESS else planned.bind
        return f"http://{address}:{planned.published}" if planned.published else ""


def declared(environment: str) -> Declared:
    """Reads the spec and the image lock of `environment`; nothing is built, no network is used.

    Raises UsageError when either is wrong or missing, UnreachableError when Docker does not answer.
    """
    spec = read_environment(environment)
    images = locked(environment, spec)
    estate = compose(environment, spec, images.agent, machine())
    plans = {}
    for service in estate.services:
        image, bind = images.images[service.image], str(spec.network.bind)
        plans[service.name] = plan(service, environment, image.image_id, image.user, bind, spec.container_logs)
    return Declared(estate, estate_id(), plans, images)
