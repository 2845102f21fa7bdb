"""`pointsman`: the verbs, each in a module of its own."""

from __future__ import annotations

import os

import typer

from pointsman.cli import (
    alert_routes,
    alerts,
    backup,
    dashboards,
    demo,
    deployments,
    hosts,
    images,
    inventory,
    lifecycle,
    monitor,
    observe,
    runs,
    spec,
    toolchain,
)
from pointsman.cli.output import show_error
from pointsman.errors import PointsmanError

app = typer.Typer(
    name="pointsman",
    help="A delivery estate declared in typed YAML, provisioned by Pulumi, and proved from outside.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def choose_engine() -> None:
    """A delivery estate declared in typed YAML, provisioned by Pulumi, and proved from outside."""
    from pointsman.targets.docker.engine import DEFAULT_SOCKET

    if os.environ.get("DOCKER_HOST") or DEFAULT_SOCKET.exists():
        return
    # Rootless engines and Docker Desktop listen elsewhere; all that follows, Pulumi too, must use the one that answers.
    from pointsman.toolchain.docker_engine import DockerEngine, find
    from pointsman.toolchain.machine import observe

    found = find(observe())
    if isinstance(found, DockerEngine):
        os.environ["DOCKER_HOST"] = found.host


lifecycle.register(app)
observe.register(app)
hosts.register(app)
backup.register(app)
alert_routes.register(alerts.app)
app.add_typer(alerts.app, name="alerts")
demo.register(app)
app.add_typer(deployments.app, name="deployments")
app.add_typer(monitor.app, name="monitor")
app.add_typer(runs.app, name="runs")
app.add_typer(spec.app, name="spec")
app.add_typer(inventory.app, name="inventory")
app.add_typer(images.app, name="images")
app.add_typer(dashboards.app, name="dashboards")
app.add_typer(toolchain.app, name="toolchain")


def main() -> None:
    """The console script. Exit codes: 0 good, 1 found a fault, 2 wrong usage or spec, 3 the world is not reachable."""
    try:
        app()
    except PointsmanError as error:
        show_error(error)
        raise SystemExit(error.exit_code) from error
