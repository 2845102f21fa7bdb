"""`topology`: what runs and how signals flow, as a table, a document or a drawing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pointsman.cli.output import EnvironmentOption, Output, OutputOption, console_for, err, escaped, guarded, show_rows
from pointsman.errors import PointsmanError, UnreachableError, UsageError

if TYPE_CHECKING:
    from pointsman.services.flows import Topology
    from pointsman.topology import Health


def topology(
    environment: EnvironmentOption = "dev",
    svg: Annotated[Path | None, typer.Option(help="Write a drawing into this file.")] = None,
    health: Annotated[bool, typer.Option("--health", help="Colour the drawing by how each service is now.")] = False,
    declared: Annotated[
        bool, typer.Option("--declared", help="By the spec alone, as if every image could be had here.")
    ] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show what runs and how signals flow: from where, to where, by which way."""
    from pointsman.topology import as_declared, draw, rows

    with guarded(output):
        if health and (declared or svg is None):
            raise UsageError("--health colours the drawing of what runs", remedy="give --svg FILE, and no --declared")
        found = as_declared(environment) if declared else _present(environment)
        if svg is None:
            show_rows("topology", rows(found), output)
            return
        _write(svg, draw(found, _health(environment) if health else None))
        console_for(output).print(f"[green]✓[/green] {escaped(str(svg))}", soft_wrap=True)


def _present(environment: str) -> Topology:
    """As its images allow; as declared, and said so, where it has none yet."""
    from pointsman.topology import as_declared, as_locked

    try:
        return as_locked(environment)
    except PointsmanError as error:
        found = as_declared(environment)
        err.print(f"[yellow]![/yellow] as declared, every image given: {escaped(error.message)}", soft_wrap=True)
        return found


def _health(environment: str) -> dict[str, Health]:
    from pointsman.declared import declared
    from pointsman.status import look
    from pointsman.topology import Health

    return {row.service: Health(row.good, row.health) for row in look(declared(environment)).services}


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnreachableError(f"{file} cannot be written: {error.strerror}", remedy="choose another file") from error
