"""`status`, `open`, `topology`, `verify`, `logs`: what runs, whether it is what the spec says, and what it prints."""

from __future__ import annotations

from typing import Annotated

import typer

from pointsman.cli import addresses, topology
from pointsman.cli.documents import ChecksDocument, LogDocument
from pointsman.cli.hosts import prove
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
from pointsman.errors import UsageError
from pointsman.spec.scalars import duration_seconds


def register(app: typer.Typer) -> None:
    """Adds the verbs."""
    app.command()(status)
    app.command()(verify)
    app.command()(logs)
    app.command("open")(addresses.open_service)
    app.command()(topology.topology)


def status(
    environment: EnvironmentOption = "dev",
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Look again every two seconds, until Ctrl-C.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show every service and runner host: health from outside, version, uptime, load, addresses."""
    from pointsman.cli import seeing
    from pointsman.declared import declared

    with guarded(output):
        found = declared(environment)
        finish(seeing.watch(found, output) if watch else seeing.once(found, output))


def verify(
    environment: EnvironmentOption = "dev",
    hosts: Annotated[
        bool, typer.Option("--hosts", help="Prove the runner hosts instead: over SSH, from outside, at GitHub.")
    ] = False,
    host: Annotated[
        list[str] | None, typer.Option("--host", help="The same for one host or group; may be given again.")
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Prove what runs: containers, addresses, targets, and a signal of every kind followed hop by hop to its end."""
    from pointsman.declared import declared
    from pointsman.verify import run

    with guarded(output):
        if hosts or host:
            finish(prove(declared(environment), host or (), output))
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
