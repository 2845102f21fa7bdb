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

from pointsman.cli.documents import HostStatusLine, ServiceLine, StatusDocument
from pointsman.cli.output import Output, emit, escaped, out
from pointsman.errors import EXIT_FAULT, EXIT_GOOD, UnreachableError

if TYPE_CHECKING:
    from pointsman.declared import Declared
    from pointsman.status import HostRow, Row, Status

INTERVAL_SECONDS = 2.0
MIB, GIB = 2**20, 2**30
NOT_WRAPPED = ("service", "takes in", "URL", "host", "free disk", "SSH")


def once(declared: Declared, output: Output) -> int:
    """Prints the status; the exit code says whether all is well."""
    found = _now(declared)
    if output is Output.JSON:
        emit(document(declared, found))
    else:
        out.print(tables(found))
    return EXIT_GOOD if found.good else EXIT_FAULT


def watch(declared: Declared, output: Output) -> int:
    """Prints the status every two seconds until Ctrl-C, which is its good end.

    In place on a terminal; elsewhere each look is printed below the one before, or as a document a line.
    """
    try:
        if output is Output.JSON:
            _each_look(lambda: emit(document(declared, _now(declared))))
        elif not out.is_terminal:
            _each_look(lambda: out.print(_look(declared), Text()))
        else:
            with Live(_look(declared), console=out, auto_refresh=False, screen=False) as live:
                _each_look(lambda: live.update(_look(declared), refresh=True))
    except KeyboardInterrupt:
        pass
    return EXIT_GOOD


def document(declared: Declared, found: Status) -> StatusDocument:
    """The status for scripts."""
    services = [ServiceLine(**asdict(row), good=row.good) for row in found.services]
    hosts = [HostStatusLine(**asdict(row), good=row.good) for row in found.hosts]
    return StatusDocument(environment=declared.environment, good=found.good, services=services, hosts=hosts)


def tables(found: Status) -> RenderableType:
    """The status for people: services, and below them the hosts where there are any."""
    services = _services(found.services)
    return Group(services, Text(), hosts_table(found.hosts)) if found.hosts else services


def _services(rows: Sequence[Row]) -> Table:
    shown = _table("service", "health", "version", "uptime", "restarts", "memory", "takes in", "URL")
    for row in rows:
        shown.add_row(
            row.service,
            _coloured(row.good, _said(row)),
            row.version,
            _up(row.uptime),
            str(row.restarts),
            _used(row),
            takes_in(row),
            _addresses(row),
        )
    return shown


def hosts_table(rows: Sequence[HostRow]) -> Table:
    """The runner hosts for people."""
    shown = _table("host", "health", "runner", "uptime", "job", "free disk", "labels", "SSH")
    shown.title, shown.title_justify, shown.title_style = "hosts", "left", "bold"
    for row in rows:
        shown.add_row(
            row.host,
            _coloured(row.good, row.health),
            row.version,
            _up(row.uptime),
            _job(row),
            _free(row),
            escaped(", ".join(row.labels)),
            row.address,
        )
    return shown


def _table(*columns: str) -> Table:
    shown = Table(box=None, pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold", no_wrap=column in NOT_WRAPPED)
    return shown


def _coloured(good: bool, text: str) -> str:
    style = "green" if good else "red"
    return f"[{style}]{escaped(text)}[/{style}]"


def _up(seconds: float | None) -> str:
    return "" if seconds is None else str(timedelta(seconds=int(seconds)))


def _job(row: HostRow) -> str:
    """Whether its runner has one: a runner that is not well is not idle. Empty where nothing tells."""
    if row.job is None:
        return ""
    return "yes" if row.job else "idle" if row.good else "no"


def _free(row: HostRow) -> str:
    """Of the file system that the work folder is on."""
    if row.free is None or not row.size:
        return ""
    unit, name, digits = (GIB, "GiB", 1) if row.size >= GIB else (MIB, "MiB", 0)
    return f"{row.free / unit:.{digits}f} of {row.size / unit:.{digits}f} {name}"


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
    """The tables of this moment, or why there is none: a watch outlives an engine that restarts."""
    now = time.strftime("%H:%M:%S")
    try:
        found = _now(declared)
    except UnreachableError as error:
        return Text(f"{now}  {error.message}", style="red")
    counts = f"{_well(found.services)} well" + (f", {_well(found.hosts)} hosts" if found.hosts else "")
    head = Text(f"{declared.environment}  {now}  {counts}", style="bold" if found.good else "red")
    return Group(head, tables(found))


def _well(rows: Sequence[Row | HostRow]) -> str:
    return f"{sum(row.good for row in rows)} of {len(rows)}"


def _now(declared: Declared) -> Status:
    from pointsman.status import look

    return look(declared)


def _each_look(look: Callable[[], None]) -> None:
    """Looks for ever, each time two seconds after it began the time before."""
    while True:
        began = time.monotonic()
        look()
        time.sleep(max(0.0, INTERVAL_SECONDS - (time.monotonic() - began)))
