"""`pointsman toolchain`: what Pulumi needs on this machine."""

from __future__ import annotations

from dataclasses import asdict

import typer

from pointsman.cli.output import Output, OutputOption, console_for, guarded, show_rows

app = typer.Typer(help="Docker, Pulumi and its plugins on this machine.", no_args_is_help=True)


@app.command()
def status(output: OutputOption = Output.TABLE) -> None:
    """Show every part: version, where it is from, whether its checksum holds."""
    from pointsman.toolchain import status as rows

    with guarded(output):
        show_rows("toolchain", [asdict(row) for row in rows()], output)


@app.command()
def ensure(output: OutputOption = Output.TABLE) -> None:
    """Install or build what is missing."""
    from pointsman.builds import progress_for
    from pointsman.toolchain import ensure as provide
    from pointsman.toolchain import status as rows

    with guarded(output):
        console = console_for(output)
        progress = progress_for(console)
        try:
            provide(progress)
        finally:
            progress.close()
        if output is Output.JSON:
            show_rows("toolchain", [asdict(row) for row in rows()], output)
