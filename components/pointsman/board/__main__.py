"""`python -m pointsman.board --provisioning DIR`: serves the board, or with --check reads the files and ends."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pointsman.board import ABOUT
from pointsman.board.provisioning import load
from pointsman.board.subset import beyond
from pointsman.errors import PointsmanError


def main(words: Sequence[str] | None = None) -> int:
    """Serves until it is stopped; the exit code."""
    parser = argparse.ArgumentParser(
        prog="pointsman-board", description=f"{ABOUT}: shows Grafana's provisioning files."
    )
    parser.add_argument("--provisioning", type=Path, required=True, metavar="DIR", help="folder of Grafana's files")
    parser.add_argument("--live", default="", metavar="DIR", help="the path by which the files name that folder")
    parser.add_argument("--listen", default="0.0.0.0", help="IP address to listen on")
    parser.add_argument("--port", type=int, default=3000, help="port to listen on")
    parser.add_argument(
        "--check", action="store_true", help="only read the files: 0 when the board can show all of them"
    )
    given = parser.parse_args(words)
    try:
        provisioned = load(given.provisioning, given.live)
        faults = [f"{board.source}: {each}" for board in provisioned.boards for each in beyond(board.model)]
        for each in faults:
            print(f"error: {each}" if given.check else f"warning: {each}", file=sys.stderr)
        if given.check:
            return 1 if faults else 0
        from pointsman.board.serving import Site, server

        serving = server(Site(provisioned), given.listen, given.port)
    except PointsmanError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"pointsman-board: {len(provisioned.boards)} dashboards, port {serving.port}", file=sys.stderr, flush=True)
    serving.serve_until_stopped()
    return 0


if __name__ == "__main__":
    sys.exit(main())
