"""`demo`: a workload of known size through the telemetry SDK, so that every panel has something to show."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from pointsman.cli.documents import DemoDocument, SeriesLine
from pointsman.cli.output import EnvironmentOption, Output, OutputOption, emit, guarded, out

if TYPE_CHECKING:
    from pointsman.demo.running import Demo
    from pointsman.demo.tally import Point
    from pointsman.spec.models import Environment


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
    """Send workflows, agents, errors, approvals, tokens, requests and deployments that drive every panel.

    Where the environment's run monitor watches a store of Pointsman's own on this machine, it gets runs to watch.
    """
    from pointsman.demo.running import run
    from pointsman.spec.reader import read_environment

    with guarded(output):
        spec = read_environment(environment)
        to = endpoint or spec.network.url(spec.ports.otlp_http)
        with _watched(spec, seconds) as watched:
            done = run(environment, spec.telemetry.prices, to, seed, seconds, rate)
        if output is Output.JSON:
            emit(_document(environment, done, watched))
        else:
            _show(done, watched)


@contextmanager
def _watched(spec: Environment, seconds: float) -> Iterator[dict[str, list[str]]]:
    """The ids of runs that go on in the monitor's store meanwhile, by how they go; none where there is none."""
    from pointsman.demo.runs import WatchedRuns
    from pointsman.paths import checkout

    store = spec.monitor.own_file
    if store is None:
        yield {}
        return
    runs = WatchedRuns(store, checkout())
    runs.begin()
    with ThreadPoolExecutor(1) as beside:
        going = beside.submit(runs.go_on, seconds)
        yield {how.value: ids for how, ids in runs.made.items()}
        going.result()


def _document(environment: str, done: Demo, watched: dict[str, list[str]]) -> DemoDocument:
    return DemoDocument(
        environment=environment,
        endpoint=done.endpoint,
        seed=done.seed,
        runs=done.runs,
        failing_trace=done.failing_trace,
        series=[_line(point) for point in done.points],
        held=[_line(point) for point in done.held],
        watched=watched,
    )


def _line(point: Point) -> SeriesLine:
    return SeriesLine(name=point.series, labels=point.labels, value=point.value)


def _show(done: Demo, watched: dict[str, list[str]]) -> None:
    totals: dict[str, float] = {}
    for point in done.points:
        totals[point.series] = totals.get(point.series, 0.0) + point.value
    out.print(f"{done.runs} runs sent to {done.endpoint}, seed {done.seed}")
    for series, total in totals.items():
        out.print(f"  {series:<48} {total:>12,.6g}")
    if watched:
        ways = ", ".join(f"{len(ids)} {how}" for how, ids in watched.items())
        out.print(f"in the store of the run monitor: {ways}")
    out.print(f"trace of a failing run: {done.failing_trace}")
