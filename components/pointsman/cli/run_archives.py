"""`runs archive`: what became of finished runs' artifacts, read back, and put back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pointsman.cli.output import Output, OutputOption, guarded, show_rows
from pointsman.errors import UsageError

if TYPE_CHECKING:
    from pointsman.monitor.handlers.manifest import Manifest

app = typer.Typer(help="Archives of finished runs: list, read back, restore.", no_args_is_help=True)

FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--folder", envvar="POINTSMAN_RUN_ARCHIVE", help="Where archives are; left out: as monitor.yaml says."
    ),
]
RunArgument = Annotated[str, typer.Argument(help="A run's id, or the path of an archive.")]
AttemptOption = Annotated[int | None, typer.Option(min=1, help="Which attempt; else the last one archived.")]


@app.callback()
def archive() -> None:
    """Archives of finished runs: list, read back, restore."""


@app.command("list")
def listed(folder: FolderOption = None, output: OutputOption = Output.TABLE) -> None:
    """List all archives of a folder; what is no archive is listed with the reason."""
    from pointsman.monitor.handlers.restoring import archives

    with guarded(output):
        found = _folder(folder)
        if not found.is_dir():
            raise UsageError(f"there is no folder {found.absolute()}", remedy="name the archive folder by --folder")
        rows = [_row(each.file, each.size, each.manifest, each.problem) for each in archives(found)]
        show_rows("run archives", rows, output)


@app.command()
def verify(
    run: RunArgument,
    folder: FolderOption = None,
    attempt: AttemptOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Read an archive back, every byte, and compare it with its manifest."""
    from pointsman.monitor.handlers import zipping

    with guarded(output):
        file = _file(run, folder, attempt)
        manifest = zipping.verify(file)
        show_rows("run archive", [_row(file, file.stat().st_size, manifest, "")], output)


@app.command()
def restore(
    run: RunArgument,
    into: Annotated[Path, typer.Option("--into", help="A folder that is not there yet, or empty.")],
    folder: FolderOption = None,
    attempt: AttemptOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Put a run's artifacts into a folder; the whole archive is read back first, and what it left out is listed."""
    from pointsman.monitor.handlers.restoring import restore as put_back

    with guarded(output):
        manifest = put_back(_file(run, folder, attempt), into)
        rows = [{"restored": member.path, "size": member.size, "left_out": ""} for member in manifest.members]
        rows += [{"restored": each.path, "size": None, "left_out": each.reason} for each in manifest.skipped]
        show_rows("restored artifacts", rows, output)


def _folder(told: Path | None) -> Path:
    """The archive's folder. Raises UsageError where monitor.yaml says that runs are not archived."""
    if told is not None:
        return told
    from pointsman.monitor import settings

    found = settings.read().archive
    if found is None:
        raise UsageError("monitor.yaml says that runs are not archived", remedy="name a folder by --folder")
    return found


def _file(run: str, folder: Path | None, attempt: int | None) -> Path:
    from pointsman.monitor.handlers.restoring import find
    from pointsman.monitor.handlers.retention import SUFFIX

    given = Path(run)
    if run.endswith(SUFFIX) and given.is_file():
        return given
    return find(_folder(folder), run, attempt)


def _row(file: Path, size: int, manifest: Manifest | None, problem: str) -> dict[str, Any]:
    run = manifest.run if manifest else None
    return {
        "run": run.id if run else "",
        "attempt": run.attempt if run else None,
        "kind": run.kind if run else "",
        "state": run.state if run else "",
        "at": manifest.at.isoformat(timespec="seconds") if manifest else "",
        "files": sum(member.kind == "file" for member in manifest.members) if manifest else None,
        "skipped": len(manifest.skipped) if manifest else None,
        "size_bytes": size,
        "file": str(file),
        "problem": problem,
    }
