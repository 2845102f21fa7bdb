"""The alert sink: takes every notification of Alertmanager and keeps the last ones, so that they can be seen."""

from __future__ import annotations

from pointsman.services.model import Exposed, Probe, Service
from pointsman.spec.models import Environment
from pointsman.spec.scalars import size_bytes

NAME = "alert-sink"
PORT = 9096
WEBHOOK = "/webhook"


def service(spec: Environment) -> Service:
    """The receiver that every route ends at beside those that the spec declares."""
    return Service(
        name=NAME,
        image=NAME,
        command=("/alert-sink", f"-listen=:{PORT}"),
        exposed=(Exposed("http", PORT, spec.ports.alert_sink, "ports.alert_sink"),),
        memory=size_bytes(spec.alert_sink.resources.memory),
        cpus=spec.alert_sink.resources.cpus,
        ready=Probe("/-/ready"),
    )
