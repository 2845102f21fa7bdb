"""The worker: one job, in the work folder, between the two hooks."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from .shared import ROOT, Diag

SUCCEEDED, FAILED, CANCELED = 100, 102, 103
NAMES = {SUCCEEDED: "Succeeded", FAILED: "Failed", CANCELED: "Canceled"}
CONCLUSIONS = {SUCCEEDED: "success", FAILED: "failure", CANCELED: "cancelled"}
STARTED, COMPLETED = "ACTIONS_RUNNER_HOOK_JOB_STARTED", "ACTIONS_RUNNER_HOOK_JOB_COMPLETED"
STOP_SECONDS = 7.5  # between the signal and the kill, as in the real program


def main(words: list[str]) -> int:
    """Reads the job on standard input, runs it, writes its report into the file of the second word."""
    diag = Diag("Worker")
    job = json.load(sys.stdin)
    diag.info("Worker", f"Version: {(ROOT / 'bin' / 'version').read_text('utf-8').strip()}")
    diag.info("Worker", f"Job message:\n {json.dumps(job, indent=2)}")
    runner = JobRunner(job, diag)
    result = runner.run()
    diag.info("JobRunner", f"Job result after all job steps finish: {NAMES[result]}")
    diag.info("Worker", f"Job completed. (job: {job['name']}, id: {job['id']}, result: {NAMES[result]})")
    Path(words[1]).write_text(json.dumps({"log": "".join(runner.log), "steps": runner.steps}), "utf-8")
    return result


class JobRunner:
    """One job. `log` is what its steps wrote; `steps` how each ended."""

    def __init__(self, job: Mapping[str, Any], diag: Diag) -> None:
        self._job = job
        self._diag = diag
        self.log: list[str] = []
        self.steps: list[dict[str, str]] = []
        self._process: subprocess.Popen[str] | None = None
        self._cancelled = False
        work = ROOT / str(job["work_folder"])
        name = str(job["repository"]).split("/")[-1]
        self._workspace, self._temp = work / name / name, work / "_temp"

    def run(self) -> int:
        """Runs hooks and script; the result as the exit code of the real worker (100 and the result's number)."""
        signal.signal(signal.SIGINT, self._cancel)
        signal.signal(signal.SIGTERM, self._cancel)
        try:
            self._workspace.mkdir(parents=True, exist_ok=True)
            self._temp.mkdir(parents=True, exist_ok=True)
            result = self._steps()
        except OSError as error:
            # The text of .NET for it is the same: the kernel's.
            self._diag.error("Worker", f"System.IO.IOException: {error.strerror} : '{error.filename}'")
            self.log.append(f"{error.strerror}\n")
            result = FAILED
        return CANCELED if self._cancelled else result

    def _steps(self) -> int:
        result = SUCCEEDED
        started, completed = os.environ.get(STARTED), os.environ.get(COMPLETED)
        if started:
            result = self._step("Set up runner", started)
        if result == SUCCEEDED:
            script = self._temp / f"{os.urandom(16).hex()}.sh"
            script.write_text(str(self._job["script"]), "utf-8")
            result = self._step(str(self._job["name"]), str(script))
            script.unlink(missing_ok=True)
        if completed and self._step("Complete runner", completed) != SUCCEEDED:
            result = FAILED if result == SUCCEEDED else result
        return result

    def _step(self, name: str, script: str) -> int:
        self._diag.info("StepsRunner", f"Processing step: DisplayName='{name}'")
        with subprocess.Popen(
            ["bash", "-e", script],
            cwd=self._workspace,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as self._process:
            if self._cancelled:  # while the process was being made
                self._interrupt()
            self.log.extend(self._process.stdout or ())
        code = self._process.returncode
        self._process = None
        self._diag.info("ProcessInvokerWrapper", f"Finished process with exit code {code}")
        result = CANCELED if self._cancelled else FAILED if code else SUCCEEDED
        self._diag.info("StepsRunner", f"Step result: {NAMES[result]}")
        self.steps.append({"name": name, "conclusion": CONCLUSIONS[result]})
        return result

    def _environment(self) -> dict[str, str]:
        job = self._job
        return os.environ | {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_JOB": str(job["name"]),
            "GITHUB_REPOSITORY": str(job["repository"]),
            "GITHUB_RUN_ID": str(job["run_id"]),
            "GITHUB_RUN_ATTEMPT": str(job["attempt"]),
            "GITHUB_SHA": str(job["sha"]),
            "GITHUB_REF_NAME": str(job["branch"]),
            "GITHUB_WORKFLOW": str(job["workflow"]),
            "GITHUB_WORKSPACE": str(self._workspace),
            "RUNNER_NAME": str(job["runner_name"]),
            "RUNNER_OS": "Linux",
            "RUNNER_TEMP": str(self._temp),
        }

    def _cancel(self, number: int, frame: FrameType | None) -> None:
        self._diag.info("Worker", "Cancellation/Shutdown message received.")
        self._cancelled = True
        self._interrupt()

    def _interrupt(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGINT)
            signal.signal(signal.SIGALRM, self._kill)
            signal.setitimer(signal.ITIMER_REAL, STOP_SECONDS)

    def _kill(self, number: int, frame: FrameType | None) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
