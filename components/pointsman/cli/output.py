"""How results reach the user: tables and messages for people, documents for scripts, an exit code for both."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pointsman.checks import Check, Outcome, Report
from pointsman.cli.documents import CheckLine, Document, ErrorDocument, HopLine, TableDocument
from pointsman.errors import PointsmanError
from pointsman.spec.mistakes import SpecError


class Output(StrEnum):
    """The form of the result."""

    TABLE = "table"
    JSON = "json"


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="table for people, json for scripts.")]
EnvironmentOption = Annotated[
    str,
    typer.Option(
        "--env", "-e", envvar="POINTSMAN_ENVIRONMENT", help="The environment: the name of its file in stacks/."
    ),
]

_HEADINGS = {"size_bytes": "size", "checksum_ok": "checksum", "image_id": "image", "label": "name"}
_STYLES = {Outcome.PASS: ("✓", "green"), Outcome.FAIL: ("✗", "red"), Outcome.NOT_VERIFIABLE: ("–", "yellow")}

# Where output goes to a file or a pipe there is no width to keep: the terminal's default of 80 would break every line.
PIPED_WIDTH = 160

out = Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
err = Console(highlight=False, width=None if sys.stderr.isatty() else PIPED_WIDTH, stderr=True)


def console_for(output: Output) -> Console:
    """Where progress goes: standard output belongs to the document when there is one."""
    return err if output is Output.JSON else out


@contextmanager
def guarded(output: Output) -> Iterator[None]:
    """Turns a fault into its message or document and its exit code."""
    try:
        yield
    except PointsmanError as error:
        if output is Output.JSON:
            mistakes = error.as_dict()["mistakes"] if isinstance(error, SpecError) else []
            emit(
                ErrorDocument(
                    exit_code=error.exit_code,
                    message=error.message,
                    detail=error.detail,
                    remedy=error.remedy,
                    mistakes=mistakes,
                )
            )
        else:
            show_error(error)
        raise typer.Exit(error.exit_code) from error


def show_error(error: PointsmanError) -> None:
    """A fault for people: what is wrong, the evidence, the next step."""
    err.print(f"[red]✗[/red] {escaped(error.message)}", soft_wrap=True)
    if error.detail:
        err.print(escaped(error.detail), style="dim", soft_wrap=True)
    if error.remedy:
        err.print(f"[bold]next:[/bold] {escaped(error.remedy)}", soft_wrap=True)


def emit(document: Document) -> None:
    """A document on one line of standard output."""
    sys.stdout.write(document.model_dump_json() + "\n")
    sys.stdout.flush()


def show_rows(name: str, rows: list[dict[str, Any]], output: Output) -> None:
    """Rows of like keys as a table or a document; the table leaves out columns that are empty in every row."""
    if output is Output.JSON:
        emit(TableDocument(name=name, rows=rows))
        return
    columns = [key for key in (rows[0] if rows else ()) if any(row[key] not in (None, "") for row in rows)]
    table = Table(box=None, pad_edge=False)
    for index, key in enumerate(columns):
        table.add_column(_HEADINGS.get(key, key.replace("_", " ")), overflow="fold", no_wrap=index == 0)
    for row in rows:
        table.add_row(*(escaped(_readable(key, row[key])) for key in columns))
    out.print(table)


def _readable(key: str, value: object) -> str:
    if value is None:
        return ""
    if key.startswith("size") and isinstance(value, int):
        return f"{value / 1e6:.0f} MB"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}"
    text = str(value)
    if text.startswith("sha256:"):
        return text[7:19]
    home = str(Path.home())
    return text.replace(home, "~", 1) if text.startswith(home) else text


def finish(code: int) -> NoReturn:
    """Ends the command."""
    raise typer.Exit(code)


def lines(report: Report) -> list[CheckLine]:
    """The checks of a report for a document."""
    return [
        CheckLine(
            name=check.name,
            outcome=check.outcome.value,
            seen=check.seen,
            expected=check.expected,
            remedy=check.remedy,
            seconds=round(check.seconds, 3),
            group=check.group,
            service=check.service,
            hops=[HopLine(**(asdict(hop) | {"outcome": hop.outcome.value})) for hop in check.hops],
        )
        for check in report.checks
    ]


def checks_table(report: Report, title: str) -> Table:
    """The checks of a report for people."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, show_header=False)
    for column in ("", "check", "seen"):
        table.add_column(column, overflow="fold", no_wrap=column == "check")
    table.add_column("seconds", justify="right", style="dim")
    group = ""
    for check in report.checks:
        if check.group != group:
            group = check.group
            table.add_row("", f"[bold]{group}[/bold]")
        mark, style = _STYLES[check.outcome]
        table.add_row(f"[{style}]{mark}[/{style}]", check.name, _evidence(check), f"{check.seconds:.1f} s")
    return table


def summary_table(report: Report, title: str) -> Table:
    """A report after a change: a line for each group, and in full what was followed hop by hop or is not good."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, show_header=False)
    for column in ("", "check", "seen"):
        table.add_column(column, overflow="fold", no_wrap=column == "check")
    table.add_column("seconds", justify="right", style="dim")
    for group in dict.fromkeys(check.group for check in report.checks):
        inside = [check for check in report.checks if check.group == group]
        good = sum(check.outcome is Outcome.PASS for check in inside)
        mark, style = _STYLES[_worst(inside)]
        seconds = max(check.seconds for check in inside)
        table.add_row(
            f"[{style}]{mark}[/{style}]", f"[bold]{group}[/bold]", f"{good} of {len(inside)} good", f"{seconds:.1f} s"
        )
        for check in inside:
            if check.outcome is not Outcome.PASS or check.hops:
                mark, style = _STYLES[check.outcome]
                row = (f"  {check.name}", _evidence(check), f"{check.seconds:.1f} s")
                table.add_row(f"[{style}]{mark}[/{style}]", *row)
    return table


def _worst(checks: Sequence[Check]) -> Outcome:
    found = {check.outcome for check in checks}
    return next(each for each in (Outcome.FAIL, Outcome.NOT_VERIFIABLE, Outcome.PASS) if each in found)


def failures_text(report: Report) -> str:
    """The checks that found a fault as plain text: each a line with what was seen, then what to do."""
    return "\n".join(
        f"{check.name}: {check.seen}\n  expected: {check.expected}\n  next: {check.remedy}" for check in report.failures
    )


def _evidence(check: Check) -> str:
    if check.outcome is Outcome.PASS:
        return escaped(check.seen)
    if check.outcome is Outcome.NOT_VERIFIABLE:
        return f"[yellow]not verifiable here:[/yellow] {escaped(check.seen)}"
    return f"[red]{escaped(check.seen)}[/red]\nexpected: {escaped(check.expected)}\nnext: {escaped(check.remedy)}"


def escaped(text: str) -> str:
    """Text that Rich prints as it is, brackets and all."""
    return escape(text)
