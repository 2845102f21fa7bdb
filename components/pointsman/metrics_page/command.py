"""The command line that all exporters have: `--settings FILE`, and how they end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pointsman.errors import PointsmanError
from pointsman.metrics_page.serving import PageServer


def main(name: str, about: str, start: Callable[[Path], PageServer], words: Sequence[str] | None = None) -> int:
    """Serves what `start` makes of the settings file until it is stopped; the exit code."""
    parser = argparse.ArgumentParser(prog=name, description=about)
    parser.add_argument("--settings", type=Path, required=True, metavar="FILE", help="JSON file with the settings")
    given = parser.parse_args(words)
    try:
        server = start(given.settings)
    except PointsmanError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{name}: listening on port {server.port}", file=sys.stderr, flush=True)
    server.serve_until_stopped()
    return 0
