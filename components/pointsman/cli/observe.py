"""`status`, `verify`, `logs`: what runs, whether it is what the spec says, and what it prints."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pointsman.cli.documents import ChecksDocument, LogDocument, ServiceLine, StatusDocument
from pointsman.cli.output import (
    EnvironmentOption,
    Output,
    OutputOption,
    checks_table,
    emit,
    err,
    escaped,
    finish,
    guarded,
    lines,
    out,
)
from pointsman.errors import EXIT_FAULT, EXIT_GOOD, UsageError
from pointsman.spec.scalars import duration_seconds

if TYPE_CHECKING:
    from pointsman.status import Row


def register(app: typer.Typer) -> None:
    """Adds the verbs."""
    app.command()(status)
    app.command()(verify)
    app.command()(logs)


def status(environment: EnvironmentOption = "dev", output: OutputOption = Output.TABLE) -> None:
    """Show every service: health from outside, version, uptime, memory, address."""
    from pointsman.declared import declared
    from pointsman.status import rows

    with guarded(output):
        found = rows(declared(environment))
        good = all(row.good for row in found)
        if output is Output.JSON:
            services = [ServiceLine(**asdict(row)) for row in found]
            emit(StatusDocument(environment=environment, good=good, services=services))
        else:
            out.print(_status_table(found))
        finish(EXIT_GOOD if good else EXIT_FAULT)


def verify(environment: EnvironmentOption = "dev", output: OutputOption = Output.TABLE) -> None:
    """Prove what runs: containers, addresses, a metric and a log line followed to their ends, retention."""
    from pointsman.declared import declared
    from pointsman.verify import run

    with guarded(output):
        report = run(declared(environment))
        if output is Output.JSON:
            good = not report.failures
            emit(ChecksDocument(verb="verify", environment=environment, good=good, checks=lines(report)))
        else:
            out.print(checks_table(report, f"proof of {environment}"))
        finish(report.exit_code)


def logs(
    service: Annotated[str | None, typer.Argument(help="One service; all without it.")] = None,
    environment: EnvironmentOption = "dev",
    since: Annotated[str, typer.Option(help="How far back, such as 15m or 2h.")] = "1h",
    limit: Annotated[int, typer.Option(min=1, max=5000, help="The newest lines that many.")] = 100,
    grep: Annotated[str, typer.Option(help="Only lines with this text.")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Print the services' log lines from Loki, or from Docker where Loki does not answer."""
    from pointsman.declared import declared
    from pointsman.logs import query

    with guarded(output):
        found = query(
            declared(environment),
            service,
            since=_seconds(since),
            limit=limit,
            grep=grep,
            follow=follow,
            notice=lambda text: err.print(f"[yellow]![/yellow] {escaped(text)}"),
        )
        for line in found:
            at = line.time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            if output is Output.JSON:
                emit(LogDocument(time=at, service=line.service, line=line.text))
            else:
                out.print(f"[dim]{at}[/dim] [cyan]{line.service}[/cyan] {escaped(line.text)}", soft_wrap=True)


def _seconds(since: str) -> float:
    try:
        return duration_seconds(since)
    except ValueError as error:
        raise UsageError(f"--since {since}: {error}", remedy="for example --since 15m") from error


def _status_table(rows: tuple[Row, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("service", "health", "version", "uptime", "restarts", "memory", "URL"):
        table.add_column(column, overflow="fold", no_wrap=column in ("service", "URL"))
    for row in rows:
        style = "green" if row.good else "red"
        health = row.health if row.state == "running" else row.state
        used = "unknown" if row.memory is None else f"{row.memory / 2**20:.0f} of {row.memory_limit / 2**20:.0f} MiB"
        up = "" if row.uptime is None else str(timedelta(seconds=int(row.uptime)))
        table.add_row(
            row.service, f"[{style}]{escaped(health)}[/{style}]", row.version, up, str(row.restarts), used, row.url
        )
    return table
