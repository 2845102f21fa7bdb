"""What an environment is declared to be on this machine: services, containers and addresses, before any look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pointsman.errors import UsageError
from pointsman.identity import estate_id
from pointsman.images.locked import locked
from pointsman.images.model import Resolution
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
        for service in (*self.estate.services, *self.estate.borrowed):
            if service.name == name:
                return service
        there = ", ".join(service.name for service in self.estate.services)
        raise UsageError(f"environment {self.environment} has no service {name}", remedy=f"there is: {there}")

    def url(self, service: Service, on: str = "") -> str:
        """Where this machine reaches the port `on` of `service`, the main one when empty; "" when it is not published.

        One that is published on every address is asked on loopback, one that others run at its own address.
        """
        if service.elsewhere:
            return service.elsewhere
        bind, port = self.plans[service.name].bind, service.port(on).published
        address = LOOPBACK if bind == EVERY_ADDRESS else bind
        return f"http://{address}:{port}" if port else ""

    def urls(self) -> dict[str, str]:
        """Every HTTP address that this machine offers: by service for its main port, by service and port for others."""
        return {
            service.name if each is service.main else f"{service.name}-{each.name}": self.url(service, each.name)
            for service in self.estate.services
            for each in service.published
            if each.http
        } | {service.name: service.elsewhere for service in self.estate.borrowed}


def declared(environment: str) -> Declared:
    """Reads the spec and the image lock of `environment`; nothing is built, no network is used.

    Raises UsageError when either is wrong or missing, UnreachableError when Docker does not answer.
    """
    spec = read_environment(environment)
    images = locked(environment, spec)
    estate = compose(environment, spec, images.agent, machine(), images.absent)
    plans = {}
    for service in estate.services:
        image, bind = images.images[service.image], str(spec.network.bind)
        plans[service.name] = plan(service, environment, image.image_id, image.user, bind, spec.container_logs)
    return Declared(estate, estate_id(), plans, images)
