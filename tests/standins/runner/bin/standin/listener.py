"""The listener: a session, jobs one after another, each in a worker of its own."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote

from .configuration import Command, configure, configured, forget, remove
from .service import Lost, Refused, Service
from .shared import (
    CREDENTIALS,
    KEY,
    RETRYABLE,
    ROOT,
    SCALE,
    SESSION_CONFLICT,
    SETTINGS,
    SUCCESS,
    TERMINATED,
    VERSION_DEPRECATED,
    Diag,
    Terminal,
    Terminated,
    load,
    load_env,
    stamp,
    version,
)

RETRY = 30.0
CONFLICT_LIMIT = 240.0
POLL = 50.0
# How often a running job's lease is renewed and its cancellation looked for; the real one is told at once.
LEASE = 1.0
DELETED = (
    "Failed to create a session. The runner registration has been deleted from the server, please re-configure. "
    "Runner registrations are automatically deleted for runners that have not connected to the service recently."
)
RESULTS = {100: ("success", "Succeeded"), 102: ("failure", "Failed"), 103: ("cancelled", "Canceled")}
DEPRECATED_CODE = "ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE"


class Stopped(Exception):
    """SIGINT or SIGTERM came."""


class Deprecated(Exception):
    """GitHub no longer talks to this version."""


class Conflict(Exception):
    """Another process has held the session for too long."""


def main(words: list[str]) -> int:
    """Runs a command; the exit codes are those of the real program."""
    load_env()
    diag = Diag("Runner")
    terminal = Terminal(diag)
    diag.info("Listener", f"Version: {version()}")
    code = _guarded(words, diag, terminal)
    diag.info("Listener", f"Runner execution has finished with return code {code}")
    return code


def _guarded(words: list[str], diag: Diag, terminal: Terminal) -> int:
    try:
        return _run(Command(words, diag), diag, terminal)
    except Stopped:
        diag.info("Listener", "Runner execution been cancelled.")
        return SUCCESS
    except Terminated as error:
        terminal.error(str(error))
        return TERMINATED
    except Conflict:
        return SESSION_CONFLICT
    except Deprecated as error:
        terminal.error(f"An error occured: {error}")  # spelled as in the real program
        return VERSION_DEPRECATED if os.environ.get(DEPRECATED_CODE) == "1" else TERMINATED
    except Exception as error:  # whatever it is, the service host is to try again
        terminal.error(f"An error occurred: {error}")
        return RETRYABLE


def _run(command: Command, diag: Diag, terminal: Terminal) -> int:
    if command.unknown:
        unknown = ", ".join(command.unknown)
        terminal.error(f"Unrecognized command-line input arguments for command {command.name}: '{unknown}'.")
    if command.flag("version"):
        terminal.line(version())
    elif command.name == "configure":
        configure(command, terminal)
    elif command.name == "remove":
        remove(command, terminal)
    elif command.name == "run":
        if command.get("jitconfig"):
            _unpack(command.get("jitconfig"), diag)
        if not configured():
            raise Terminated("An error occurred: Not configured. Run config.(cmd/sh) to configure the runner.")
        Listener(diag, terminal).run(command.flag("once"))
    return SUCCESS


def _unpack(encoded: str, diag: Diag) -> None:
    """Writes the files that a JIT configuration holds."""
    try:
        files = {name: base64.b64decode(value) for name, value in json.loads(base64.b64decode(encoded)).items()}
    except ValueError as error:
        raise Terminated(str(error)) from None
    for name, content in files.items():
        path = ROOT / Path(name).name
        path.touch(mode=0o600)
        path.write_bytes(content)
        diag.info("Runner", f"Saved {len(content)} bytes to '{path}'.")


class Listener:
    """One run of the listener."""

    def __init__(self, diag: Diag, terminal: Terminal) -> None:
        self._diag = diag
        self._terminal = terminal
        self._settings = load(SETTINGS)
        load(CREDENTIALS)
        credential = load(KEY)["d"]
        diag.mask(credential)
        self._service = Service(self._settings["serverUrl"], credential)
        self._session = ""
        self._cancelled = False
        self._connected = True

    def run(self, once: bool) -> None:
        """Listens until it is stopped, or for one job; raises Stopped, Terminated, Deprecated or Conflict."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        ephemeral = bool(self._settings.get("ephemeral"))
        self._open()
        self._terminal.line(f"Current runner version: '{version()}'")
        self._terminal.line(f"{stamp()}: Listening for Jobs")
        try:
            while True:
                job = self._message()
                if job is None:
                    continue
                self._work(job)
                if once or ephemeral:
                    self._diag.info("Runner", "Job has finished at backend, the runner will exit.")
                    if ephemeral:
                        forget()
                    return
        finally:
            self._close()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._terminal.line("Exiting...")
        raise Stopped

    def _open(self) -> None:
        """Makes a session; what is passing is tried again, as often as the real program does."""
        conflicts = 0
        while True:
            self._diag.info("MessageListener", "Attempt to create session.")
            try:
                asked = {"owner": os.uname().nodename, "version": version()}
                self._session = self._service.ask("POST", "sessions", asked)["session_id"]
            except Refused as error:
                conflicts = self._refused(error, conflicts)
                self._trouble(str(error))
            except Lost as error:
                self._trouble(str(error))
            else:
                self._terminal.success("Connected to GitHub")
                self._reconnected()
                return
            self._diag.info("MessageListener", f"Sleeping for {RETRY:.0f} seconds before retrying.")
            time.sleep(RETRY * SCALE)

    def _refused(self, error: Refused, conflicts: int) -> int:
        if error.kind == "invalid_client":
            self._diag.error("MessageListener", "GitHub.Services.OAuth.VssOAuthTokenRequestException: invalid_client")
            raise Terminated(DELETED)
        if error.kind != "TaskAgentSessionConflictException":
            raise Terminated(f"Failed to create session. {error}")
        self._terminal.error("A session for this runner already exists.")
        if conflicts * RETRY >= CONFLICT_LIMIT:
            self._terminal.error(
                f"Stop retry on SessionConflictException after retried for {CONFLICT_LIMIT:.0f} seconds."
            )
            raise Conflict
        return conflicts + 1

    def _message(self) -> dict[str, Any] | None:
        """The next job, None when there was none for a while."""
        path = f"sessions/{self._session}/message?wait={POLL}&version={quote(version())}"
        try:
            job: dict[str, Any] | None = self._service.ask("GET", path, wait=POLL)
        except Refused as error:
            if error.kind == "AccessDeniedException":
                self._diag.info("MessageListener", "Runner version has been depricated")  # as in the real program
                raise Deprecated(str(error)) from None
            if error.kind == "invalid_client":
                raise Terminated(DELETED) from None
            self._diag.info("MessageListener", f"{error.kind} received, recover by recreating the session.")
            self._open()
            return None
        except Lost as error:
            self._trouble(str(error))
            time.sleep(RETRY / 2 * SCALE)
            return None
        self._reconnected()
        return job

    def _trouble(self, reason: str) -> None:
        self._diag.error("MessageListener", f"Catch exception: {reason}")
        if self._connected:
            self._terminal.error(f"{stamp()}: Runner connect error: {reason}. Retrying until reconnected.")
        self._connected = False

    def _reconnected(self) -> None:
        if not self._connected:
            self._terminal.line(f"{stamp()}: Runner reconnected.")
        self._connected = True

    def _work(self, job: dict[str, Any]) -> None:
        """Runs a job in a worker, and tells how it ended."""
        self._diag.info("JobDispatcher", f"Job request {job['id']} for plan {job['run_id']} received.")
        self._terminal.line(f"{stamp()}: Running job: {job['name']}")
        message = job | {"work_folder": self._settings["workFolder"], "runner_name": self._settings["agentName"]}
        report = ROOT / "_diag" / f"report-{job['id']}.json"
        self._cancelled = False
        worker = subprocess.Popen(
            [str(ROOT / "bin" / "Runner.Worker"), "spawnclient", str(report)],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            if worker.stdin is not None:
                worker.stdin.write(json.dumps(message))
                worker.stdin.close()
            self._watch(job, worker)
        except Stopped:
            self._end(worker)
            raise
        finally:
            code = worker.wait()
            conclusion, shown = RESULTS[103] if self._cancelled else RESULTS.get(code, RESULTS[102])
            self._complete(job, conclusion, report)
            self._terminal.line(f"{stamp()}: Job {job['name']} completed with result: {shown}")

    def _watch(self, job: dict[str, Any], worker: subprocess.Popen[str]) -> None:
        """Renews the job's lease until its worker ends, and stops that when the job is cancelled."""
        while True:
            try:
                worker.wait(max(LEASE * SCALE, 0.05))
            except subprocess.TimeoutExpired:
                pass
            else:
                return
            try:
                told = self._service.ask("POST", f"jobs/{job['id']}/lease", {})
            except Lost as error:
                self._trouble(str(error))
                continue
            except Refused as error:
                self._diag.error("JobDispatcher", f"The job's lease is lost: {error}")
                self._end(worker)
                return
            self._reconnected()
            if told["cancelled"]:
                self._diag.info("JobDispatcher", f"Job {job['id']} is cancelled.")
                self._end(worker)
                return

    def _end(self, worker: subprocess.Popen[str]) -> None:
        self._cancelled = True
        if worker.poll() is None:
            worker.send_signal(signal.SIGINT)

    def _complete(self, job: dict[str, Any], conclusion: str, report: Path) -> None:
        """Tells the service; a few tries, since the result of a job should not get lost by a passing fault."""
        told = json.loads(report.read_text("utf-8")) if report.is_file() else {}
        report.unlink(missing_ok=True)
        for _ in range(5):
            try:
                self._service.ask("POST", f"jobs/{job['id']}/completion", {"conclusion": conclusion, **told})
            except Lost as error:
                self._trouble(str(error))
                time.sleep(RETRY / 6 * SCALE)
            except Refused as error:
                self._diag.error("JobDispatcher", f"The result is not taken: {error}")
                return
            else:
                self._reconnected()
                return

    def _close(self) -> None:
        self._diag.info("Runner", "Deleting Runner Session...")
        try:
            self._service.ask("DELETE", f"sessions/{self._session}")
        except (Lost, Refused) as error:
            self._diag.info("Runner", f"Ignore any exception during DeleteSession: {error}")
