"""One run of the build engine, as a process of its own: `python one_run.py CACHE TRACE SECONDS [NAME …]`.

Each build writes a line to TRACE when it is made, takes SECONDS, and leaves a file named `result`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pointsman.builds import Build, PlainProgress, Store, Workspace


def slow_build(name: str, trace: Path, seconds: str) -> Build:
    """A build which notes that it began, writes half of its result, takes its time, writes the other half."""

    def make(workspace: Workspace) -> None:
        script = f'echo {name} >> "$TRACE"; printf half > "$OUT"; sleep {seconds}; printf whole > "$OUT"'
        (workspace.shared / name).write_text("kept for the next build of the run")
        workspace.run(["sh", "-c", script], env={"TRACE": str(trace), "OUT": str(workspace.out / "result")})

    return Build(name, "1.0", "0123456789ab", seconds=1.0, scratch_bytes=1, make=make)


def store(cache: Path) -> Store:
    """A store below a folder of the test's own."""
    return Store(root=cache / "builds", logs=cache / "logs", scratch=cache / "scratch")


if __name__ == "__main__":
    cache, trace, seconds, *names = sys.argv[1:]
    builds = [slow_build(name, Path(trace), seconds) for name in names]
    store(Path(cache)).ensure(builds, progress=PlainProgress())
