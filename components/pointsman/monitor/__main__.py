"""`python -m pointsman.monitor --settings FILE`: the run monitor as a service of its own, in a container or under a
service manager that has no use for the whole command line."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from pointsman.errors import PointsmanError
from pointsman.monitor import settings
from pointsman.monitor.loop import Monitor


def main(words: Sequence[str] | None = None) -> int:
    """Watches until SIGTERM or SIGINT; the exit code."""
    parser = argparse.ArgumentParser(prog="pointsman-run-monitor", description="Sees runs end, stall or go silent.")
    parser.add_argument("--settings", type=Path, required=True, metavar="FILE", help="monitor.yaml")
    given = parser.parse_args(words)
    log_to_stderr()
    try:
        return Monitor(settings.read(given.settings)).run()
    except PointsmanError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


def log_to_stderr() -> None:
    """The monitor's own log; that of its events goes where its settings say."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    # One line for each request would be most of the log.
    logging.getLogger("httpx").setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
