"""An environment's services, from its spec: the one place that knows which services there are."""

from __future__ import annotations

from dataclasses import dataclass

from pointsman.errors import UsageError
from pointsman.services import log_agent, loki, node_exporter, prometheus, socket_proxy
from pointsman.services.log_agent import Agent
from pointsman.services.model import Machine, Service
from pointsman.spec.models import Environment


@dataclass(frozen=True)
class Estate:
    """All services of one environment, in the order in which they can start."""

    environment: str
    stack: tuple[Service, ...]
    exporters: tuple[Service, ...]

    @property
    def services(self) -> tuple[Service, ...]:
        """Stack and exporters together."""
        return self.stack + self.exporters


def compose(environment: str, spec: Environment, agent: Agent, machine: Machine) -> Estate:
    """The services that `spec` declares for `environment`, with the log agent that its images allow.

    Raises UsageError for a scrape job of the spec that is named like a service: Prometheus takes a job's name once.
    """
    exporters = (node_exporter.service(spec),) if spec.exporters.node.enabled else ()
    proxy = socket_proxy.service(spec, machine)
    logs = loki.service(spec)
    agent_service = log_agent.service(environment, spec, agent, logs, proxy)
    metrics = prometheus.service(environment, spec, (logs, agent_service, *exporters))
    estate = Estate(environment=environment, stack=(proxy, logs, agent_service, metrics), exporters=exporters)
    taken = {service.name for service in estate.services}
    for extra in spec.prometheus.extra_targets:
        if extra.job in taken:
            raise UsageError(
                f"stacks/{environment}.yaml: prometheus.extra_targets: job {extra.job} is the name of a service",
                remedy="give the job a name of its own",
            )
    return estate
