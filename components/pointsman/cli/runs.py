"""`pointsman runs`: the runs store, what is in it, and what became of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pointsman.cli import run_archives
from pointsman.cli.monitor import ConfigOption
from pointsman.cli.output import EnvironmentOption, Output, OutputOption, guarded, out, show_rows
from pointsman.cli.watched import local, views, watched
from pointsman.errors import UsageError
from pointsman.runs.model import RunState

if TYPE_CHECKING:
    from pointsman.monitor.settings import Settings
    from pointsman.runs.source import Identity, Page

app = typer.Typer(help="Runs: the store, a list, one run, tests, what was given up.", no_args_is_help=True)
letters = typer.Typer(help="Deliveries that were given up.", no_args_is_help=True)
app.add_typer(run_archives.app, name="archive")
app.add_typer(letters, name="dead-letters")

StateOption = Annotated[
    list[RunState] | None, typer.Option("--state", help="Only runs in this state; may be repeated.")
]
KindOption = Annotated[str, typer.Option("--kind", help="Only runs of this kind.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")]
RunArgument = Annotated[str, typer.Argument(help="A run's id.", show_default=False)]
HandlerOption = Annotated[str, typer.Option("--handler", help="Only those of this handler.")]


@app.command()
def init(
    config: ConfigOption = None, environment: EnvironmentOption = "dev", output: OutputOption = Output.TABLE
) -> None:
    """Make the store and its folders; a store that is there stays as it is."""
    from pointsman.runs import owned

    with guarded(output):
        settings = _settings(config, environment)
        show_rows("store", [_identity(owned.init(settings.spec.store, settings.base))], output)


@app.command()
def migrate(
    config: ConfigOption = None, environment: EnvironmentOption = "dev", output: OutputOption = Output.TABLE
) -> None:
    """Add a change counter to the database that the mapping describes; its own columns and rows stay as they are."""
    from pointsman.runs import owned

    with guarded(output):
        settings = _settings(config, environment)
        show_rows("store", [_identity(owned.migrate(settings.spec.store, settings.base))], output)


@app.command("list")
def listed(
    config: ConfigOption = None,
    environment: EnvironmentOption = "dev",
    state: StateOption = None,
    kind: KindOption = "",
    limit: LimitOption = 50,
    output: OutputOption = Output.TABLE,
) -> None:
    """List runs, the newest change first."""
    from pointsman.cli import run_tables

    with guarded(output), views(config, environment) as shown:
        runs = shown.runs(_page(state, kind, limit))
        if output is Output.JSON:
            show_rows("runs", runs, output)
        else:
            out.print(run_tables.runs(runs))


@app.command()
def show(
    run: RunArgument,
    config: ConfigOption = None,
    environment: EnvironmentOption = "dev",
    output: OutputOption = Output.TABLE,
) -> None:
    """Show a run with its steps, what was told of it, and what handlers made of that."""
    from pointsman.cli import run_tables

    with guarded(output), views(config, environment) as shown:
        found = shown.run(run)
        if found is None:
            raise UsageError(f"there is no run {run!r}", remedy="pointsman runs list")
        if output is Output.JSON:
            show_rows("run", [found], output)
        else:
            out.print(run_tables.one(found))


@app.command()
def watch(
    config: ConfigOption = None,
    environment: EnvironmentOption = "dev",
    state: StateOption = None,
    kind: KindOption = "",
    limit: LimitOption = 30,
    interval: Annotated[float, typer.Option(min=0.2, max=60, help="Seconds between two looks.")] = 1.0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show runs as they go until Ctrl-C; with --output json a document a look."""
    from pointsman.cli import run_tables

    with guarded(output), views(config, environment) as shown:
        wanted = _page(state, kind, limit)
        run_tables.watch(lambda: shown.runs(wanted), interval, output)


@app.command("create-test")
def create_test(
    how: Annotated[
        str,
        typer.Argument(help="completing, failing, cancelling, stalling, silent, waiting or queued."),
    ] = "completing",
    config: ConfigOption = None,
    environment: EnvironmentOption = "dev",
    count: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many runs.")] = 1,
    steps: Annotated[int, typer.Option(min=0, max=1000, help="How many steps each has.")] = 4,
    kind: Annotated[str, typer.Option(help="Their kind.")] = "test",
    age: Annotated[str, typer.Option(help="How long ago they began, such as 45m.")] = "",
    advance: Annotated[bool, typer.Option(help="Take them on, a step a second, until all that will end has.")] = False,
    interval: Annotated[float, typer.Option(min=0.01, max=3600, help="Seconds between two steps.")] = 1.0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Make runs up in a store of Pointsman's own, to see the monitor at work."""
    from pointsman.cli import run_tables
    from pointsman.runs import simulating
    from pointsman.spec.scalars import duration_seconds

    with guarded(output):
        settings = _settings(config, environment)
        store, base = settings.spec.store, settings.base
        try:
            going = simulating.How(how)
            old = timedelta(seconds=duration_seconds(age)) if age else timedelta(0)
        except ValueError as error:
            raise UsageError(f"{error}", remedy=f"one of {', '.join(simulating.How)}; --age such as 45m") from None
        ids = simulating.create(store, going, count, steps=steps, kind=kind, age=old, base=base)
        show_rows("made up", [{"run": each} for each in ids], output)
        if advance and going not in run_tables.ENDLESS:
            run_tables.advance(lambda: simulating.advance(store, base=base), steps, interval)


@app.command()
def rerun(
    run: RunArgument,
    config: ConfigOption = None,
    environment: EnvironmentOption = "dev",
    output: OutputOption = Output.TABLE,
) -> None:
    """Ask for a run to be run again: of GitHub where it is one of Actions, else of the hook in the settings."""
    from pointsman.monitor import rerunning

    with guarded(output):
        settings = _settings(config, environment)
        with local(settings) as here:
            found = next((one for each in here.sources if (one := each.run(run)) is not None), None)
        if found is None:
            raise UsageError(f"there is no run {run!r}", remedy="pointsman runs list")
        show_rows("rerun", [{"run": run, "result": rerunning.rerun(found, settings.spec.rerun)}], output)


@letters.command("list")
def list_letters(
    config: ConfigOption = None,
    environment: EnvironmentOption = "dev",
    handler: HandlerOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """List what was given up, with the reason, the oldest first."""
    with guarded(output), views(config, environment) as shown:
        show_rows("dead letters", shown.dead_letters(handler), output)


@letters.command()
def retry(
    config: ConfigOption = None,
    environment: EnvironmentOption = "dev",
    handler: HandlerOption = "",
    event: Annotated[list[str] | None, typer.Option("--event", help="Only this event's; may be repeated.")] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Have what was given up tried again, all of it or some; the monitor does it within a second."""
    from pointsman.cli import retrying

    with guarded(output):
        count = retrying.retry(watched(config, environment), handler, event or ())
        show_rows("dead letters", [{"retried": count}], output)


def _settings(config: Path | None, environment: str) -> Settings:
    return watched(config, environment).settings


def _page(state: list[RunState] | None, kind: str, limit: int) -> Page:
    from pointsman.runs.source import Page

    return Page(frozenset(state or ()), kind, limit)


def _identity(found: Identity) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "place": found.place,
        "database": found.database,
        "schema": found.schema_version,
        "estate": found.estate_id,
    }
