"""The pushgateway: keeps the last metrics of jobs that end before a scrape finds them."""

from __future__ import annotations

from pointsman.services.model import Exposed, Probe, Scrape, Service
from pointsman.spec.models import Environment
from pointsman.spec.scalars import size_bytes

NAME = "pushgateway"
PORT = 9091


def service(spec: Environment) -> Service:
    """A pushgateway in memory: what a job pushed is gone with the container, and pushed again by the next run."""
    declared = spec.exporters.pushgateway
    return Service(
        name=NAME,
        image="pushgateway",
        command=("/bin/pushgateway", f"--web.listen-address=:{PORT}"),
        exposed=(Exposed("http", PORT, spec.ports.pushgateway, "ports.pushgateway"),),
        memory=size_bytes(declared.resources.memory),
        cpus=declared.resources.cpus,
        ready=Probe("/-/ready"),
        # The labels job and instance are those of the jobs that pushed.
        metrics=Scrape(honor_labels=True),
    )
