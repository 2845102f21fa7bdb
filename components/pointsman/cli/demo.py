"""`demo`: a workload of known size through the telemetry SDK, so that every panel has something to show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pointsman.cli.documents import DemoDocument, SeriesLine
from pointsman.cli.output import EnvironmentOption, Output, OutputOption, emit, guarded, out

if TYPE_CHECKING:
    from pointsman.demo.running import Demo
    from pointsman.demo.tally import Point


def register(app: typer.Typer) -> None:
    """Adds the verb."""
    app.command()(demo)


def demo(
    environment: EnvironmentOption = "dev",
    seconds: Annotated[float, typer.Option(min=0, max=86_400, help="How long it goes on.")] = 60.0,
    rate: Annotated[float, typer.Option(min=0.01, max=50, help="Workflow runs a second.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same runs.")] = 1,
    endpoint: Annotated[str, typer.Option(help="A Collector's OTLP/HTTP address other than the environment's.")] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Send workflows, agents, errors, approvals, tokens, requests and deployments that drive every panel."""
    from pointsman.demo.running import run
    from pointsman.spec.reader import read_environment

    with guarded(output):
        spec = read_environment(environment)
        to = endpoint or spec.network.url(spec.ports.otlp_http)
        done = run(environment, spec.telemetry.prices, to, seed, seconds, rate)
        if output is Output.JSON:
            emit(_document(environment, done))
        else:
            _show(done)


def _document(environment: str, done: Demo) -> DemoDocument:
    return DemoDocument(
        environment=environment,
        endpoint=done.endpoint,
        seed=done.seed,
        runs=done.runs,
        failing_trace=done.failing_trace,
        series=[_line(point) for point in done.points],
        held=[_line(point) for point in done.held],
    )


def _line(point: Point) -> SeriesLine:
    return SeriesLine(name=point.series, labels=point.labels, value=point.value)


def _show(done: Demo) -> None:
    totals: dict[str, float] = {}
    for point in done.points:
        totals[point.series] = totals.get(point.series, 0.0) + point.value
    out.print(f"{done.runs} runs sent to {done.endpoint}, seed {done.seed}")
    for series, total in totals.items():
        out.print(f"  {series:<48} {total:>12,.6g}")
    out.print(f"trace of a failing run: {done.failing_trace}")
