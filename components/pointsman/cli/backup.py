"""`backup`, `restore`: an environment's data in one file, and back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from pointsman.cli.documents import BackupDocument, RestoreDocument, VolumeLine
from pointsman.cli.output import (
    EnvironmentOption,
    Output,
    OutputOption,
    checks_table,
    console_for,
    emit,
    escaped,
    finish,
    guarded,
    lines,
)

if TYPE_CHECKING:
    from pointsman.backup.model import Backup
    from pointsman.checks import Report
    from pointsman.declared import Declared

NOT_IN_IT = (
    "The passphrase is not in it: keep a copy of {passphrase} elsewhere. Without it the state in the backup is lost, "
    "the data is not."
)


def register(app: typer.Typer) -> None:
    """Adds the verbs."""
    app.command()(backup)
    app.command()(restore)


def backup(
    environment: EnvironmentOption = "dev",
    to: Annotated[
        Path | None,
        typer.Option("--to", help="The file to write, or a folder for it; else backups/ in the state directory."),
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Write data, image lock and Pulumi state into one file; each service with data stops while it is copied."""
    from pointsman.deploy import variables

    with guarded(output):
        console = console_for(output)
        document = _taken(environment, to, console)
        if output is Output.JSON:
            emit(document)
            return
        console.print(f"[green]✓[/green] {environment} is backed up in {document.seconds:.1f} s", soft_wrap=True)
        console.print(escaped(document.file), soft_wrap=True)
        if not document.state:
            console.print("There is no Pulumi state of this environment here: the backup holds none.")
        console.print(NOT_IN_IT.format(passphrase=variables.passphrase_file()), style="dim", soft_wrap=True)


def _taken(environment: str, to: Path | None, console: Console) -> BackupDocument:
    from datetime import UTC, datetime

    from pointsman.backup.taking import take, target
    from pointsman.cli.lifecycle import installed_toolchain
    from pointsman.declared import declared
    from pointsman.deploy import stack, variables
    from pointsman.spec.reader import read_environment
    from pointsman.spec.render import resolved_yaml

    began, spec = time.monotonic(), resolved_yaml(read_environment(environment))
    found = declared(environment)
    file = target(environment, to, datetime.now(UTC))
    state = None
    if variables.stack_file(environment).is_file():
        state = stack.export_state(environment, variables.of(installed_toolchain()))
    with Steps(console) as steps:
        taken = take(found, spec, state, file, steps)
    return BackupDocument(
        environment=environment,
        file=str(taken.file),
        size=taken.size,
        created=taken.manifest.created,
        volumes=[
            VolumeLine(service=each.service, volume=each.volume, bytes=each.bytes, stopped=each.stopped)
            for each in taken.volumes
        ],
        state=state is not None,
        seconds=round(time.monotonic() - began, 2),
    )


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `pointsman backup` wrote.")],
    environment: EnvironmentOption = "dev",
    force: Annotated[bool, typer.Option("--force", help="Give up the data, or the state, that is there.")] = False,
    state: Annotated[
        bool, typer.Option("--state", help="Put back Pulumi's state, image lock and estate id instead of data.")
    ] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Put a backup's data into an environment, its own or a new one; the whole file is checked first."""
    from pointsman.backup.reading import check
    from pointsman.spec.reader import read_environment

    with guarded(output):
        began, console = time.monotonic(), console_for(output)
        read_environment(environment)
        with Steps(console) as steps:
            found = check(file, steps)
        restored = _state(found, environment, force=force) if state else _data(found, environment, console, force=force)
        document = restored.model_copy(update={"seconds": round(time.monotonic() - began, 2)})
        if output is Output.JSON:
            emit(document)
        else:
            _show(document, console)
        finish(0 if document.good else 1)


def _state(found: Backup, environment: str, *, force: bool) -> RestoreDocument:
    from pointsman.backup.state import restore_state
    from pointsman.cli.lifecycle import installed_toolchain

    restore_state(found, environment, installed_toolchain(), force=force)
    return _document(found, environment, state=True)


def _data(found: Backup, environment: str, console: Console, *, force: bool) -> RestoreDocument:
    """Data, and where services ran before: what `up` does, so that they run again and are proved."""
    from pointsman.backup.restoring import restore as put_back
    from pointsman.builds import progress_for
    from pointsman.declared import declared
    from pointsman.images.resolve import ensure
    from pointsman.spec.reader import read_environment

    progress = progress_for(console)
    try:
        ensure(environment, read_environment(environment), progress)
    finally:
        progress.close()
    estate = declared(environment)
    with Steps(console) as steps:
        restored = put_back(found, estate, steps, force=force)
    report = _proved(estate, console) if restored.was_up else None
    if report:
        console.print(checks_table(report, f"proof of {environment}"))
    return _document(
        found, environment, services=list(restored.services), findings=list(restored.findings), report=report
    )


def _proved(estate: Declared, console: Console) -> Report:
    from pointsman.cli.lifecycle import installed_toolchain
    from pointsman.cli.up import patience
    from pointsman.deploy import stack, variables
    from pointsman.spec.reader import read_environment
    from pointsman.verify import run

    stack.up(estate.environment, variables.of(installed_toolchain()), console)
    return run(estate, deadline_seconds=patience(read_environment(estate.environment)))


def _document(
    found: Backup,
    environment: str,
    *,
    state: bool = False,
    services: list[str] | None = None,
    findings: list[str] | None = None,
    report: Report | None = None,
) -> RestoreDocument:
    return RestoreDocument(
        environment=environment,
        file=str(found.path),
        taken_from=found.manifest.environment,
        created=found.manifest.created,
        services=services or [],
        state=state,
        up=report is not None,
        good=report is None or not report.failures,
        checks=lines(report) if report else [],
        findings=findings or [],
        seconds=0.0,
    )


def _show(document: RestoreDocument, console: Console) -> None:
    for finding in document.findings:
        console.print(f"[yellow]![/yellow] {escaped(finding)}")
    whence = f"from {document.taken_from}, {document.created}"
    if document.state:
        console.print(f"[green]✓[/green] the state of {document.environment} is back ({whence})")
        console.print(
            f"next: pulumi preview --stack {document.environment}, or pointsman up --env {document.environment}"
        )
        return
    mark = "[green]✓[/green]" if document.good else "[red]✗[/red]"
    console.print(f"{mark} {', '.join(document.services)}: data restored {whence}, in {document.seconds:.1f} s")
    if not document.up:
        console.print(f"next: pointsman up --env {document.environment}, which takes the volumes up")


class Steps:
    """The steps of long work: a bar on a terminal, a line for each step that is done elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
        self._bars = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bars.add_task("", visible=False)
        self._name = ""

    def __enter__(self) -> Steps:
        """Begins to draw."""
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves the lines of the steps that are done."""
        self._bars.stop()

    def begin(self, name: str, total: int | None = None) -> None:
        """A step begins."""
        self._name = name
        self._bars.remove_task(self._task)
        self._task = self._bars.add_task(name, total=total)

    def advance(self, count: int) -> None:
        """So many more bytes are done."""
        self._bars.advance(self._task, count)

    def end(self, text: str) -> None:
        """The step is done."""
        self._console.print(f"[green]✓[/green] {escaped(self._name)}: {escaped(text)}")
