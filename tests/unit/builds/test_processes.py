"""Several runs at once, and runs killed in the middle: real processes on one cache."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.unit.builds.one_run import slow_build, store

ROOT = Path(__file__).parents[3]


def start(cache: Path, trace: Path, seconds: float, *names: str) -> subprocess.Popen[str]:
    """A run as a process of its own, on the cache given."""
    command = [
        sys.executable,
        str(Path(__file__).with_name("one_run.py")),
        str(cache),
        str(trace),
        str(seconds),
        *names,
    ]
    path = os.pathsep.join([str(ROOT / "components"), str(ROOT)])
    return subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def wait_for(path: Path) -> None:
    """Return as soon as a file is there."""
    until = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < until, f"{path} did not appear"
        time.sleep(0.02)


def files_below(folder: Path) -> set[str]:
    """Every file below a folder, relative to it."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_two_runs_at_once_build_once(tmp_path: Path) -> None:
    """Both end well with the same results; each build was made by one of them, and the other said that it waited."""
    trace = tmp_path / "trace"
    runs = [start(tmp_path, trace, 1.0, "a", "b") for _ in range(2)]
    said = [run.communicate(timeout=60)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert sorted(trace.read_text().split()) == ["a", "b"]
    assert "made by another run" in "".join(said)
    assert not (tmp_path / "scratch").exists()


def test_after_a_kill_the_next_run_converges(tmp_path: Path) -> None:
    """A run killed in the middle leaves no half result; its child dies with it; the next run uses the shared scratch
    that it left, makes the build whole and leaves nothing behind.
    """
    trace = tmp_path / "trace"
    run = start(tmp_path, trace, 30.0, "a")
    wait_for(tmp_path / "builds" / ".work" / "a" / "out" / "result")
    run.send_signal(signal.SIGKILL)
    run.communicate(timeout=10)

    half = slow_build("a", trace, "0")
    assert not store(tmp_path).is_built(half)
    assert (tmp_path / "scratch" / "a").exists()
    again = start(tmp_path, trace, 0.0, "a")
    said = again.communicate(timeout=60)[1]
    assert again.returncode == 0, said
    assert "waiting" not in said
    assert trace.read_text().split() == ["a", "a"]
    assert (store(tmp_path).path(half) / "result").read_text() == "whole"
    assert files_below(tmp_path / "builds") == {
        "a-1.0-0123456789ab/manifest.json",
        "a-1.0-0123456789ab/result",
        ".locks/a",
        ".locks/scratch",
    }
    assert not (tmp_path / "scratch").exists()


def test_the_child_of_a_killed_run_dies_too(tmp_path: Path) -> None:
    """What a killed run started does not go on writing beside the next run."""
    trace = tmp_path / "trace"
    run = start(tmp_path, trace, 3.0, "a")
    result = tmp_path / "builds" / ".work" / "a" / "out" / "result"
    wait_for(result)
    run.send_signal(signal.SIGKILL)
    run.communicate(timeout=10)
    time.sleep(3.5)
    assert result.read_text() == "half"
