"""Delivers one end of a run to one handler: the process that tests kill. Arguments: folder, handler."""

from __future__ import annotations

import sys
from pathlib import Path

from pointsman.monitor.handlers.archive import Archive, ArchiveSettings
from pointsman.monitor.handlers.log import Log, LogSettings
from pointsman.monitor.handlers.report import Report, ReportSettings
from pointsman.monitor.handling import Handler
from tests.unit.monitor.handlers.runs import occurrence, run


def main(folder: Path, which: str) -> None:
    """Prints the line for the journal."""
    made: dict[str, Handler] = {
        "archive": Archive(ArchiveSettings(folder / "archive", min_free=0)),
        "report": Report(ReportSettings(folder / "report", folder / "archive")),
        "log": Log(LogSettings(folder / "log" / "events.jsonl")),
    }
    print(made[which].handle(occurrence(run(artifacts=folder / "made"))))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
