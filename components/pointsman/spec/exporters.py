"""What may be declared of the exporters beside the stack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from pointsman.spec.base import ExporterResources, Misfit, Model
from pointsman.spec.scalars import JobName, ProbeTarget

STACK_PROBES = "stack-probes"
"""The job that asks every service of the stack for its readiness, from inside the network."""


class NodeExporter(Model):
    """Metrics of the machine that runs the estate."""

    enabled: bool = Field(default=True, description="false leaves the node exporter out.")
    resources: ExporterResources = ExporterResources()


class Probe(Model):
    """Addresses that the blackbox exporter asks from outside, one scrape job."""

    job: JobName = Field(description="The scrape job's name, which becomes the label job.")
    module: Literal["http_2xx", "tcp_connect"] = Field(
        default="http_2xx",
        description="http_2xx: a GET is answered with success; tcp_connect: a port takes connections.",
    )
    targets: list[ProbeTarget] = Field(min_length=1, description="URLs, or host names and ports.")


class Blackbox(Model):
    """The blackbox exporter: probes addresses as their users do. The stack's own are probed without being listed."""

    enabled: bool = Field(default=True, description="false leaves the blackbox exporter out.")
    probes: list[Probe] = Field(default_factory=list, description="Probes beyond the stack's own, one entry a job.")
    resources: ExporterResources = ExporterResources()

    @property
    def jobs(self) -> list[str]:
        """The scrape jobs whose targets it asks."""
        return [STACK_PROBES, *(each.job for each in self.probes)] if self.enabled else []

    def misfits(self) -> Iterator[Misfit]:
        """A job named twice; probes without the exporter that makes them."""
        counts = Counter(each.job for each in self.probes)
        for place, each in enumerate(self.probes):
            if counts[each.job] > 1:
                yield Misfit(
                    keys=(("probes", place, "job"),),
                    problem=f"job {each.job} is named {counts[each.job]} times",
                    expected="one entry a job, with all its targets",
                )
        if self.probes and not self.enabled:
            yield Misfit(
                keys=(("enabled",), ("probes",)),
                problem="probes are declared, but not enabled",
                expected="enabled: true",
            )


class Pushgateway(Model):
    """The pushgateway: keeps the last metrics of jobs that end before they can be scraped."""

    enabled: bool = Field(default=True, description="false leaves the pushgateway out.")
    resources: ExporterResources = ExporterResources()


class Exporters(Model):
    """Exporters beside the stack."""

    node: NodeExporter = NodeExporter()
    blackbox: Blackbox = Blackbox()
    pushgateway: Pushgateway = Pushgateway()
