"""The program that runs one playbook through ansible-runner; a process of its own, so that nobody else pays for its
import, and so that whatever the play started ends with it.

It reads one `Job` as a line of JSON on standard input, and stops the play when standard input ends. It writes one line
of JSON for each event that somebody may want, and last how Ansible ended. Secrets come by its environment.
"""

from __future__ import annotations

import ctypes
import difflib
import json
import os
import queue
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pointsman.plays.job import Job

# Events that are passed on; of verbose ones only the text.
WANTED = frozenset(
    {
        "playbook_on_task_start",
        "playbook_on_handler_task_start",
        "runner_on_ok",
        "runner_on_failed",
        "runner_on_unreachable",
        "runner_item_on_failed",
        "runner_retry",
        "playbook_on_stats",
    }
)
PRINTED = frozenset({"verbose", "warning", "error", "deprecated"})
# How often ansible-runner looks whether it is to stop, in seconds.
LOOK_SECONDS = 1
LONGEST_TEXT = 4000
# Of what a file would become, so many lines are told.
MOST_DIFFERING = 12
_STOP_REAPING_TRIES = 50
_PR_SET_CHILD_SUBREAPER = 36


def run(job: Job, stopping: threading.Event, tell: Callable[[Mapping[str, Any]], None]) -> Mapping[str, Any]:
    """Runs the job; every event that is wanted is told. Returns how it ended."""
    from ansible_runner import interface

    environment = Path(job.folder) / "env"
    environment.mkdir(mode=0o700)
    # ansible-runner takes these from a file only.
    (environment / "settings").write_text(json.dumps({"pexpect_timeout": LOOK_SECONDS, "suppress_output_file": True}))

    def on_event(event: Mapping[str, Any]) -> bool:
        if (told := condensed(event)) is not None:
            tell(told)
        return False  # no file of the event

    def on_status(status: Mapping[str, Any], runner_config: Any) -> None:
        if status["status"] == "running":
            # It holds Ansible's whole environment, and so the secrets.
            (Path(runner_config.artifact_dir) / "command").unlink(missing_ok=True)

    ended = interface.run(
        private_data_dir=job.folder,
        playbook=job.playbook,
        inventory=job.inventory,
        limit=job.host,
        cmdline=f"-e @{job.variables} {job.arguments}".strip(),
        envvars=dict(job.settings),
        timeout=job.seconds,
        quiet=True,
        suppress_env_files=True,
        ident="play",
        event_handler=on_event,
        status_handler=on_status,
        cancel_callback=stopping.is_set,
    )
    return {"event": "end", "status": ended.status, "rc": ended.rc}


def condensed(event: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is worth telling of an event of ansible-runner; None for one that nobody wants."""
    kind = event.get("event", "")
    if kind in PRINTED:
        text = str(event.get("stdout") or "").strip()
        return {"event": "printed", "text": text[:LONGEST_TEXT]} if text else None
    if kind not in WANTED:
        return None
    data = event.get("event_data") or {}
    told = {key: data[key] for key in ("host", "task", "role", "ignore_errors") if data.get(key)}
    if kind == "playbook_on_stats":
        told["stats"] = {key: data.get(key) or {} for key in ("ok", "changed", "failures", "dark", "rescued")}
    if isinstance(result := data.get("res"), Mapping):
        told["changed"] = bool(result.get("changed"))
        if kind != "runner_on_ok":
            told["result"] = _result(result)
        elif told["changed"]:
            told["changes"] = list(_changes(result))
    return {"event": kind, **told}


def _changes(result: Mapping[str, Any]) -> Iterator[str]:
    """What a task changed, or would in a check: each item of a loop, and the lines that differ where a diff is told."""
    for each in result.get("results") or [result]:
        if not isinstance(each, Mapping) or not each.get("changed") or "censored" in each:
            continue
        item = each.get("item")
        told = item.get("path") or item if isinstance(item, Mapping) else item or each.get("dest") or each.get("msg")
        name = told if isinstance(told, str) else json.dumps(told, default=str) if told else ""
        diffs = each.get("diff") or []
        lines = [line for diff in (diffs if isinstance(diffs, list) else [diffs]) for line in _differing(diff)]
        yield "\n".join([name, *lines[:MOST_DIFFERING], *(["…"] if len(lines) > MOST_DIFFERING else [])])[:LONGEST_TEXT]


def _differing(diff: Mapping[str, Any]) -> list[str]:
    """The lines that go and come of a file, with - and + before them."""
    before, after = diff.get("before"), diff.get("after")
    if not isinstance(before, str) or not isinstance(after, str):
        return []
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))
    return [line for line in lines[2:] if not line.startswith("@@")]


def _result(result: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a module's answer that says what went wrong."""
    if "censored" in result:
        return {"censored": True}
    kept: dict[str, Any] = {}
    for key in ("msg", "stderr", "stdout", "module_stderr", "module_stdout", "reason"):
        if text := result.get(key):
            kept[key] = (text if isinstance(text, str) else json.dumps(text, default=str))[-LONGEST_TEXT:]
    for key in ("rc", "attempts"):
        if isinstance(result.get(key), int):
            kept[key] = result[key]
    for item in result.get("results") or []:
        if isinstance(item, Mapping) and (item.get("failed") or item.get("unreachable")):
            return {**kept, **_result(item), "item": str(item.get("item", ""))[:LONGEST_TEXT]}
    return kept


def end_descendants() -> None:
    """Kills everything that was started below this process and is still there: Ansible's workers have sessions of
    their own, and so has an ssh that keeps a connection open."""
    import psutil

    own = psutil.Process()
    for _ in range(_STOP_REAPING_TRIES):
        left = own.children(recursive=True)
        if not left:
            return
        for each in left:
            try:
                each.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(left, timeout=0.1)


def adopt_orphans() -> None:
    """Makes this process the parent of every orphan below it (Linux; elsewhere nothing)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def main() -> None:
    """Runs the job that standard input names."""
    adopt_orphans()
    # Ctrl-C reaches the whole process group of a terminal; who started this says when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    parent = os.getppid()
    job = Job.of_line(sys.stdin.readline())
    stopping = threading.Event()

    def watch() -> None:
        sys.stdin.read()
        stopping.set()

    threading.Thread(target=watch, daemon=True).start()
    # ansible-runner fails when an event is not taken within seconds, so that a slow reader must not hold it.
    told: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()

    def write() -> None:
        while (each := told.get()) is not None:
            answers.write(json.dumps(each, default=str) + "\n")
            answers.flush()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        told.put(run(job, stopping, told.put))
    finally:
        end_descendants()
        told.put(None)
        writer.join()
        if os.getppid() != parent:
            # Who would have removed it was killed.
            shutil.rmtree(Path(job.folder).parent, ignore_errors=True)


if __name__ == "__main__":
    main()
