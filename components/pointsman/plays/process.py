"""Starts the process that runs a play, reads what it tells, and ends it with everything below it."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from pointsman.deadline import Deadline
from pointsman.plays.job import Job

Event = Mapping[str, Any]
_SOURCE = Path(__file__).parents[2]
# How often a cancel is looked for, and how long Ansible is waited for after one, in seconds.
LOOK_SECONDS = 0.2
END_SECONDS = 10.0
# On top of the time that Ansible has, for its start and its end.
SLACK_SECONDS = 20.0


@dataclass
class Ended:
    """How Ansible ended: its exit code and ansible-runner's word for it, all that was told, and what was printed
    besides. `status` is empty when it died without a word."""

    status: str = ""
    rc: int = 1
    events: list[Event] = field(default_factory=list)
    errors: str = ""
    cancelled: bool = False


def ansible_playbook() -> Path:
    """Where ansible-playbook has to be: beside this Python."""
    return Path(sys.executable).parent / "ansible-playbook"


def run(
    job: Job, secrets: Mapping[str, str], on_event: Callable[[Event], None], cancelled: Callable[[], bool]
) -> Ended:
    """Runs the job to its end; a cancel ends it, and nothing that it started is left."""
    ended = Ended()
    deadline = Deadline.within(job.seconds + SLACK_SECONDS)
    with _started(job, secrets) as (process, lines):
        while (line := _next(lines, process)) is not None:
            if line:
                _take(ended, json.loads(line), on_event)
            if cancelled() and not ended.cancelled:
                ended.cancelled = True
                deadline = Deadline.within(END_SECONDS)
                assert process.stdin is not None
                process.stdin.close()
            if deadline.passed:
                ended.status = ended.status or "timeout"
                break
        else:
            process.wait(END_SECONDS)
        assert process.stderr is not None
        process.stderr.seek(0)
        ended.errors = process.stderr.read()
    return ended


def _take(ended: Ended, told: Event, on_event: Callable[[Event], None]) -> None:
    if told["event"] == "end":
        ended.status, ended.rc = told["status"], told["rc"]
        return
    ended.events.append(told)
    on_event(told)


def _next(lines: queue.SimpleQueue[str | None], process: subprocess.Popen[str]) -> str | None:
    """The next line; empty when there was none for a moment, None after the last."""
    try:
        return lines.get(timeout=LOOK_SECONDS)
    except queue.Empty:
        return ""


@contextmanager
def _started(
    job: Job, secrets: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[str], queue.SimpleQueue[str | None]]]:
    with (Path(job.folder).parent / "errors").open("w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "pointsman.plays.program"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=job.folder,
            env=variables(secrets),
            start_new_session=True,
        )
        process.stderr = errors
        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        assert process.stdin is not None
        assert process.stdout is not None
        reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
        reader.start()
        try:
            process.stdin.write(job.as_line())
            process.stdin.flush()
            yield process, lines
        finally:
            _end(process)
            reader.join(END_SECONDS)
            process.stdout.close()


def _read(stream: IO[str], lines: queue.SimpleQueue[str | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def _end(process: subprocess.Popen[str]) -> None:
    """Ends the process and all below it, those with a session of their own too."""
    assert process.stdin is not None
    if not process.stdin.closed:
        process.stdin.close()
    if process.poll() is not None:
        return
    import psutil

    try:
        below = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        below = []
    process.kill()
    for each in below:
        try:
            each.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()


def variables(secrets: Mapping[str, str]) -> dict[str, str]:
    """The environment of the process: this one's, with Ansible of this Python first, without settings of Ansible that
    would make a play mean different things to two people."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_") or "VAULT" in name}
    paths = [str(_SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])]
    programs = [str(ansible_playbook().parent), *filter(None, [os.environ.get("PATH")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "PATH": os.pathsep.join(programs), **secrets}
