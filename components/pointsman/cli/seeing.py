"""The status of an environment for people and scripts: once, or again and again until Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pointsman.cli.documents import ServiceLine, StatusDocument
from pointsman.cli.output import Output, emit, escaped, out
from pointsman.errors import EXIT_FAULT, EXIT_GOOD, UnreachableError

if TYPE_CHECKING:
    from pointsman.declared import Declared
    from pointsman.status import Row

INTERVAL_SECONDS = 2.0
MIB = 2**20


def once(declared: Declared, output: Output) -> int:
    """Prints the status; the exit code says whether all is well."""
    from pointsman.status import rows

    found = rows(declared)
    if output is Output.JSON:
        emit(document(declared, found))
    else:
        out.print(table(found))
    return EXIT_GOOD if all(row.good for row in found) else EXIT_FAULT


def watch(declared: Declared, output: Output) -> int:
    """Prints the status every two seconds until Ctrl-C, which is its good end.

    In place on a terminal; elsewhere each look is printed below the one before, or as a document a line.
    """
    try:
        if output is Output.JSON:
            _each_look(lambda: emit(document(declared, _rows(declared))))
        elif not out.is_terminal:
            _each_look(lambda: out.print(_look(declared), Text()))
        else:
            with Live(_look(declared), console=out, auto_refresh=False, screen=False) as live:
                _each_look(lambda: live.update(_look(declared), refresh=True))
    except KeyboardInterrupt:
        pass
    return EXIT_GOOD


def document(declared: Declared, rows: Sequence[Row]) -> StatusDocument:
    """The status for scripts."""
    services = [ServiceLine(**asdict(row), good=row.good) for row in rows]
    return StatusDocument(environment=declared.environment, good=all(row.good for row in rows), services=services)


def table(rows: Sequence[Row]) -> Table:
    """The status for people."""
    shown = Table(box=None, pad_edge=False)
    for column in ("service", "health", "version", "uptime", "restarts", "memory", "takes in", "URL"):
        shown.add_column(column, overflow="fold", no_wrap=column in ("service", "takes in", "URL"))
    for row in rows:
        style = "green" if row.good else "red"
        shown.add_row(
            row.service,
            f"[{style}]{escaped(_said(row))}[/{style}]",
            row.version,
            "" if row.uptime is None else str(timedelta(seconds=int(row.uptime))),
            str(row.restarts),
            _used(row),
            takes_in(row),
            _addresses(row),
        )
    return shown


def takes_in(row: Row) -> str:
    """The rate in words: empty for a service that counts nothing, `unknown` where Prometheus does not tell."""
    if not row.ingestion_unit:
        return ""
    if row.ingestion is None:
        return "unknown"
    digits = 0 if row.ingestion >= 10 or row.ingestion == 0 else 1 if row.ingestion >= 0.1 else 3
    return f"{row.ingestion:,.{digits}f} {row.ingestion_unit}/s"


def _used(row: Row) -> str:
    if row.memory is None:
        return "unknown" if row.state == "running" else ""
    return f"{row.memory / MIB:.0f} of {row.memory_limit / MIB:.0f} MiB"


def _said(row: Row) -> str:
    return "missing" if row.state == "missing" else row.health


def _addresses(row: Row) -> str:
    """The main address; below it the ports beside it."""
    others = [f"{name} :{each.rpartition(':')[2]}" for name, each in row.addresses.items() if each != row.url]
    return "\n".join((row.url, f"[dim]{'  '.join(others)}[/dim]")) if others else row.url


def _look(declared: Declared) -> RenderableType:
    """The table of this moment, or why there is none: a watch outlives an engine that restarts."""
    now = time.strftime("%H:%M:%S")
    try:
        found = _rows(declared)
    except UnreachableError as error:
        return Text(f"{now}  {error.message}", style="red")
    well = sum(row.good for row in found)
    head = Text(
        f"{declared.environment}  {now}  {well} of {len(found)} well", style="bold" if well == len(found) else "red"
    )
    return Group(head, table(found))


def _rows(declared: Declared) -> tuple[Row, ...]:
    from pointsman.status import rows

    return rows(declared)


def _each_look(look: Callable[[], None]) -> None:
    """Looks for ever, each time two seconds after it began the time before."""
    while True:
        began = time.monotonic()
        look()
        time.sleep(max(0.0, INTERVAL_SECONDS - (time.monotonic() - began)))
