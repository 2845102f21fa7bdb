"""`pointsman images`: where each service's image comes from, and getting those that are missing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from pointsman.cli.output import EnvironmentOption, Output, OutputOption, console_for, guarded, out, show_rows

app = typer.Typer(help="The images of an environment's services.", no_args_is_help=True)


@app.command("list")
def show(environment: EnvironmentOption = "dev", output: OutputOption = Output.TABLE) -> None:
    """Show every service's image, where it is from, and whether Docker has it."""
    from pointsman.images.housekeeping import rows
    from pointsman.spec.reader import read_environment

    with guarded(output):
        show_rows("images", [asdict(row) for row in rows(environment, read_environment(environment))], output)


@app.command()
def ensure(
    environment: EnvironmentOption = "dev",
    update: Annotated[bool, typer.Option("--update", help="Ask the registry again and renew the lock.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Pull or build what is missing and write the environment's lock."""
    from pointsman.builds import progress_for
    from pointsman.images.resolve import ensure as provide
    from pointsman.spec.reader import read_environment

    with guarded(output):
        console = console_for(output)
        progress = progress_for(console)
        try:
            found = provide(environment, read_environment(environment), progress, update=update)
        finally:
            progress.close()
        for finding in found.findings:
            console.print(f"[yellow]![/yellow] {finding}")
        show_rows("images", [asdict(image) for image in found.images.values()], output)


@app.command()
def build(
    names: Annotated[list[str], typer.Argument(help="Names of images/catalogue.yaml.", show_default=False)],
    output: OutputOption = Output.TABLE,
) -> None:
    """Build images by name, for no environment: those that only tests need, or one alone."""
    from pointsman.builds import progress_for
    from pointsman.images.tools import build as make

    with guarded(output):
        progress = progress_for(console_for(output))
        try:
            made = make(names, progress)
        finally:
            progress.close()
        show_rows("images", [asdict(image) for image in made.values()], output)


@app.command()
def prune() -> None:
    """Remove images made here that no environment and no container uses any more."""
    from pointsman.images.housekeeping import prune as remove

    with guarded(Output.TABLE):
        for tag in remove():
            out.print(f"removed {tag}")
