"""`python -m pointsman.monitor --settings FILE`: the run monitor in a container, which has no whole command line."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pointsman.errors import EXIT_GOOD, PointsmanError
from pointsman.monitor import settings
from pointsman.monitor.journal import Journal
from pointsman.monitor.letters import Letters
from pointsman.monitor.loop import Monitor


def main(words: Sequence[str] | None = None) -> int:
    """Watches until SIGTERM or SIGINT, or has what was given up tried again; the exit code."""
    parser = argparse.ArgumentParser(prog="pointsman-run-monitor", description="Sees runs end, stall or go silent.")
    parser.add_argument("--settings", type=Path, required=True, metavar="FILE", help="monitor.yaml")
    parser.add_argument(
        "--retry", action="store_true", help="have what was given up tried again, print how much, and end"
    )
    parser.add_argument("--handler", default="", help="with --retry: only what this handler gave up")
    parser.add_argument("--event", action="append", default=[], help="with --retry: only this event's; may be repeated")
    given = parser.parse_args(words)
    log_to_stderr()
    try:
        found = settings.read(given.settings)
        if given.retry:
            print(_retry(found.journal, given.handler, given.event))
            return EXIT_GOOD
        return Monitor(found).run()
    except PointsmanError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


def _retry(file: Path, handler: str, events: Sequence[str]) -> int:
    journal = Journal(file)
    try:
        return Letters(journal).retry(datetime.now(UTC).timestamp(), handler, events)
    finally:
        journal.close()


def log_to_stderr() -> None:
    """The monitor's own log; that of its events goes where its settings say."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    # One line for each request would be most of the log.
    logging.getLogger("httpx").setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
