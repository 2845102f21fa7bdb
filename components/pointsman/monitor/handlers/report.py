"""The handler `report`: what became of a run, as JSON for programs and as a page for people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from pointsman.monitor import crashing
from pointsman.monitor.events import EventKind
from pointsman.monitor.handlers.archive import archive_file
from pointsman.monitor.handlers.artifacts import nothing_of
from pointsman.monitor.handlers.durable import folder_at_hand, sync_folder, write
from pointsman.monitor.handlers.naming import ENDINGS, safe_name
from pointsman.monitor.handlers.report_page import html
from pointsman.monitor.handlers.summary import ReportedArchive, Summary, summary
from pointsman.monitor.handling import NotNow, Occurrence
from pointsman.runs.model import Run

POINTS: Final = ("before-report", "after-report-html", "after-report-json")
"""The injection points that the handler passes, in their order."""


@dataclass(frozen=True)
class ReportSettings:
    """Where reports go, and the archive's folder, None where runs are not archived."""

    folder: Path
    archive: Path | None = None


def report_files(folder: Path, run: Run) -> tuple[Path, Path]:
    """Where a run's report is, or would be: JSON, page."""
    name = f"{safe_name(run)}_summary"
    return folder / f"{name}.json", folder / f"{name}.html"


class Report:
    """Writes two files a run, exactly once: the JSON file comes last, and tells for which events it was written.

    Raises NotNow for a folder that is full or cannot be written.
    """

    name = "report"

    def __init__(self, settings: ReportSettings) -> None:
        self._settings = settings

    def wants(self, kind: EventKind) -> bool:
        """The ends of runs."""
        return kind in ENDINGS

    def handle(self, occurrence: Occurrence) -> str:
        """Reports; a second call finds the files, and leaves them as they are."""
        event, folder = occurrence.event, self._settings.folder
        document, page = report_files(folder, event.run)
        with folder_at_hand("the reports folder", folder):
            earlier = _earlier(document)
            if event.id in earlier and page.is_file():
                sync_folder(folder)
                return f"{document} is there already"
            others = tuple(each for each in earlier if each != event.id)
            made = summary(occurrence, self._archive(event.run), others)
            crashing.point("before-report")
            write(page, html(made))
            crashing.point("after-report-html")
            write(document, made.model_dump_json(indent=2).encode() + b"\n")
            crashing.point("after-report-json")
        return f"{document} and {page.name} are written"

    def _archive(self, run: Run) -> ReportedArchive:
        if self._settings.archive is None:
            return ReportedArchive(state="none", reason="runs are not archived here")
        try:
            reason = nothing_of(run)
        except NotNow as error:
            reason = str(error)
        if reason:
            return ReportedArchive(state="none", reason=reason)
        file = archive_file(self._settings.archive, run)
        return ReportedArchive(state="written" if file.is_file() else "to come", file=str(file))


def _earlier(document: Path) -> tuple[str, ...]:
    """The events that the report was written for; none where it is not there, or is none."""
    try:
        return Summary.model_validate_json(document.read_bytes()).events
    except (FileNotFoundError, ValidationError):
        return ()
