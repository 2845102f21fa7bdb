"""What an environment is declared to be on this machine: services, containers and addresses, before any look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pointsman.dashboard_cache import kept
from pointsman.errors import UsageError
from pointsman.hosts import HostPlan, fleet_of, plans
from pointsman.identity import estate_id
from pointsman.images.locked import locked
from pointsman.images.model import Resolution
from pointsman.services import github_standin
from pointsman.services.estate import Estate, compose
from pointsman.services.fleet import Fleet
from pointsman.services.model import Service
from pointsman.spec.models import Environment
from pointsman.spec.reader import read_environment
from pointsman.targets.docker.container import ContainerPlan, plan
from pointsman.targets.docker.engine import machine

EVERY_ADDRESS = "0.0.0.0"
LOOPBACK = "127.0.0.1"
PROMTAIL = "promtail"
"""The image that the hosts' log agent is taken out of, whatever follows the containers."""


@dataclass(frozen=True)
class Declared:
    """One environment as spec, inventory and image lock want it. `plans` holds the container of every service, by
    service name; `hosts` are its runner hosts."""

    estate: Estate
    estate_id: str
    plans: Mapping[str, ContainerPlan]
    images: Resolution
    bind: str = "127.0.0.1"
    hosts: tuple[HostPlan, ...] = ()

    @property
    def environment(self) -> str:
        """The environment's name."""
        return self.estate.environment

    @property
    def apply(self) -> str:
        """The command that makes what runs what the spec says."""
        return f"pointsman up --env {self.environment}"

    @property
    def among_others(self) -> str:
        """The label `environment` of its series in a Prometheus that others run; "" in its own, which has no others."""
        return self.environment if self.estate.borrowed else ""

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
    """Reads the spec, the inventory and the image lock of `environment`; no network is used.

    Raises UsageError when one of them is wrong or missing, UnreachableError when Docker does not answer.
    """
    spec = read_environment(environment)
    images, fleet = locked(environment, spec), fleet_of(environment, spec)
    estate = compose(environment, spec, images.agent, machine(), images.absent, fleet, kept)
    containers = {}
    for service in estate.services:
        image, bind = images.images[service.image], str(spec.network.bind)
        containers[service.name] = plan(service, environment, image.image_id, image.user, bind, spec.container_logs)
    return _with_hosts(Declared(estate, estate_id(), containers, images, str(spec.network.bind)), spec, fleet)


def _with_hosts(declared: Declared, spec: Environment, fleet: Fleet) -> Declared:
    """The same with the plan of each host, and what plays copy to them."""
    if not fleet.hosts:
        return declared
    from pointsman.hosts.artifacts import artifacts

    made = artifacts(declared.images.images[PROMTAIL])
    api = ""
    if fleet.standin:
        api = declared.url(declared.service(github_standin.NAME)) + github_standin.API_PATH
    return replace(declared, hosts=plans(declared.environment, spec, fleet, made, api))
