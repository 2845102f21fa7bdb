"""Starts the stand-in on a port, until it is ended."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from pathlib import Path

from .serving import SLICE, Standin


def main() -> int:
    """Reads the command line and serves; SIGTERM and SIGINT end it with 0."""
    parser = argparse.ArgumentParser(prog="github_server", description="A stand-in for GitHub, for tests")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--repository", action="append", default=[], help="OWNER/NAME that is there; may be repeated")
    parser.add_argument("--organisation", action="append", default=[], help="NAME that is there; may be repeated")
    parser.add_argument("--secret", action="append", default=[], help="NAME that each of them has; may be repeated")
    parser.add_argument("--token-file", type=Path, help="tokens that may do everything, one a line")
    parser.add_argument("--openapi", type=Path, default=SLICE, help="the slice of the published description")
    parser.add_argument("--packages", type=Path, help="a folder of runner programs, served below /_packages")
    parser.add_argument("--state", type=Path, help="a file that the state is kept in from one start to the next")
    arguments = parser.parse_args()
    tokens = arguments.token_file.read_text("utf-8").split() if arguments.token_file else []
    holders = [*arguments.repository, *arguments.organisation] or ["acme/app", "acme"]
    standin = Standin(
        holders,
        tokens,
        port=arguments.port,
        host=arguments.host,
        slice_file=arguments.openapi,
        packages=arguments.packages,
    )
    if arguments.state:
        standin.app.world.recall(arguments.state)
    for name in arguments.secret:
        standin.app.world.have_secret(name)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"stand-in for GitHub on http://{arguments.host}:{standin.port}", flush=True)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            standin.serve()
    finally:
        if arguments.state:
            standin.app.world.keep(arguments.state)
    return 0


if __name__ == "__main__":
    sys.exit(main())
