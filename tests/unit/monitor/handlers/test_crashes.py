"""`kill -9` at every point of the handlers that do their work exactly once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pointsman.monitor.crashing import VARIABLE
from pointsman.monitor.handlers import archive, log, report, zipping
from pointsman.monitor.handlers.summary import Summary
from tests.unit.monitor.handlers.runs import artifacts, occurrence, run

ROOT = Path(__file__).parents[4]
MATRIX = [("archive", point) for point in archive.POINTS]
MATRIX += [("report", point) for point in report.POINTS]
MATRIX += [("log", point) for point in log.POINTS]


def deliver(folder: Path, handler: str, crash_at: str = "") -> subprocess.CompletedProcess[str]:
    """Delivers the event in a process of its own."""
    paths = os.pathsep.join((str(ROOT), str(ROOT / "components")))
    words = [sys.executable, "-m", "tests.unit.monitor.handlers.delivering", str(folder), handler]
    variables = os.environ | {"PYTHONPATH": paths, VARIABLE: crash_at}
    return subprocess.run(words, env=variables, capture_output=True, text=True)


def left(folder: Path, handler: str) -> dict[str, tuple[int, int]]:
    """The files of a handler: which they are, and when they were written."""
    found = (folder / handler).iterdir() if (folder / handler).exists() else ()
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def prove(folder: Path, handler: str) -> None:
    """The work is done, whole, once, and nothing else lies there."""
    event = occurrence(run(artifacts=folder / "made")).event
    files = sorted(left(folder, handler))
    if handler == "archive":
        assert files == ["deploy-1.zip"]
        manifest = zipping.verify(folder / "archive" / "deploy-1.zip")
        assert (manifest.events, len(manifest.members)) == ((event.id,), 5)
    elif handler == "report":
        assert files == ["deploy-1_summary.html", "deploy-1_summary.json"]
        assert (folder / "report" / "deploy-1_summary.html").read_text().endswith("</html>\n")
        made = Summary.model_validate_json((folder / "report" / "deploy-1_summary.json").read_bytes())
        assert made.events == (event.id,)
    else:
        lines = (folder / "log" / "events.jsonl").read_text().splitlines()
        assert [json.loads(line)["event_id"] for line in lines] == [event.id]


@pytest.mark.parametrize(("handler", "point"), MATRIX)
def test_killed_at_any_point_it_is_done_once(tmp_path: Path, handler: str, point: str) -> None:
    """Killed, then delivered again as the journal would, then once more: it is done once."""
    artifacts(tmp_path / "made")
    killed = deliver(tmp_path, handler, point)
    assert killed.returncode == -signal.SIGKILL, f"{point} was not passed: {killed.stdout}{killed.stderr}"
    finished = left(tmp_path, handler)
    # What has its name is whole, at any moment.
    for name in finished:
        if name.endswith(".zip"):
            zipping.verify(tmp_path / handler / name)
    again = deliver(tmp_path, handler)
    assert again.returncode == 0, again.stderr
    prove(tmp_path, handler)
    done = left(tmp_path, handler)
    kept = {name: at for name, at in finished.items() if name.endswith((".zip", ".json", ".jsonl"))}
    assert kept.items() <= done.items(), "what was finished before the kill was written again"
    assert "already" in deliver(tmp_path, handler).stdout
    assert left(tmp_path, handler) == done
