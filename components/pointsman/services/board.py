"""The board: shows Grafana's provisioning files where Grafana's image cannot be had. It is not Grafana, and says so."""

from __future__ import annotations

from pointsman.services import grafana
from pointsman.services.model import Config, Exposed, Probe, RestartInPlace, Service
from pointsman.signals.dashboards.files import Draw, drawn
from pointsman.spec.models import Environment
from pointsman.spec.scalars import size_bytes

NAME = "board"
PROVED = "proved on the board, not in Grafana"
"""What every check says that passed on the board: what is shown there is no proof of Grafana."""
_LIVE = f"{grafana.CONFIG}/current"
_PROGRAM = ("/usr/bin/python3", "-m", "pointsman.board", "--live", _LIVE, "--port", str(grafana.PORT))


def service(
    spec: Environment,
    metrics: Service,
    logs: Service,
    traces: Service | None,
    alerts: Service | None,
    draw: Draw = drawn,
) -> Service:
    """The board on Grafana's port, with the very files that Grafana would get, at the same path."""
    declared = spec.grafana
    return Service(
        name=NAME,
        image=NAME,
        command=(*_PROGRAM, "--provisioning", _LIVE),
        exposed=(Exposed("http", grafana.PORT, spec.ports.grafana, "ports.grafana"),),
        memory=size_bytes(declared.resources.memory),
        cpus=declared.resources.cpus,
        ready=Probe("/api/health"),
        config=Config(
            directory=grafana.CONFIG,
            files=grafana.provisioning(spec, metrics, logs, traces, alerts, draw),
            validate=(*_PROGRAM, "--provisioning", "{release}", "--check"),
            reload=RestartInPlace(),
        ),
        metrics=None,
    )
