"""`deployments`: what a workflow tells of the deployments that it makes."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from pointsman.cli.documents import DeploymentDocument
from pointsman.cli.output import EnvironmentOption, Output, OutputOption, emit, err, escaped, guarded, out
from pointsman.errors import UsageError

if TYPE_CHECKING:
    from pointsman.deployments.recording import Recorded
    from pointsman.spec.models import Environment

app = typer.Typer(help="Record deployments: counts, durations, results, the commit in a trace.", no_args_is_help=True)


class Kind(StrEnum):
    """What happened to a deployment."""

    START = "start"
    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"


@app.callback()
def deployments() -> None:
    """Record deployments: counts, durations, results, the commit in a trace."""


@app.command()
def record(
    event: Annotated[Kind, typer.Argument(help="What happened.")],
    deployed_to: Annotated[str, typer.Option("--environment", help="Where to, such as production.")],
    service: Annotated[str, typer.Option(help="What is deployed.")],
    environment: EnvironmentOption = "dev",
    duration: Annotated[str, typer.Option(help="How long it took, such as 4m30s; else since its start.")] = "",
    commit: Annotated[str, typer.Option(help="The commit: told in trace and log, never a label.")] = "",
    otlp: Annotated[
        str, typer.Option(envvar="OTEL_EXPORTER_OTLP_ENDPOINT", help="A Collector other than the environment's.")
    ] = "",
    pushgateway: Annotated[
        str, typer.Option(envvar="POINTSMAN_PUSHGATEWAY", help="A pushgateway other than the environment's.")
    ] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Record the start or the end of a deployment. A stack that is down is a warning: the next call sends it again."""
    from pointsman.deployments.recording import Event, Stores
    from pointsman.deployments.recording import record as recorded
    from pointsman.spec.reader import read_environment

    with guarded(output):
        spec = read_environment(environment)
        told = Event(deployed_to, service, event.value, _seconds(duration), commit)
        stores = Stores(otlp.rstrip("/") or spec.network.url(spec.ports.otlp_http), pushgateway or _pushgateway(spec))
        done = recorded(environment, told, stores)
        if warning := _warning(done):
            err.print(f"[yellow]![/yellow] {escaped(warning)}", soft_wrap=True)
        if output is Output.JSON:
            emit(
                DeploymentDocument(
                    environment=environment,
                    deployed_to=deployed_to,
                    service=service,
                    event=event.value,
                    trace=done.trace,
                    duration=done.duration,
                    sent=bool(done.trace) and not done.unsent,
                    warnings=[*done.notes, *done.unsent],
                )
            )
        else:
            out.print(f"deployment of {escaped(service)} to {escaped(deployed_to)}: {event.value}, trace {done.trace}")


def _warning(done: Recorded) -> str:
    """One line for all that was not as it should be."""
    unsent = f"counted, but not sent until the next call: {'; '.join(done.unsent)}" if done.unsent else ""
    return "; ".join(filter(None, (*done.notes, unsent)))


def _pushgateway(spec: Environment) -> str:
    return spec.network.url(spec.ports.pushgateway) if spec.exporters.pushgateway.enabled else ""


def _seconds(duration: str) -> float | None:
    from pointsman.spec.scalars import duration_seconds

    if not duration:
        return None
    try:
        return duration_seconds(duration)
    except ValueError as error:
        raise UsageError(f"--duration {duration}: {error}", remedy="for example --duration 4m30s") from error
