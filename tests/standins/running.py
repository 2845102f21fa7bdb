"""The stand-in runner in a folder of its own, as a host has it."""

from __future__ import annotations

import atexit
import compileall
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import TracebackType

from tests.standins.github_server.messages import Asked
from tests.standins.github_server.operations import runner_files
from tests.standins.github_server.serving import Standin
from tests.standins.github_server.world import Job, Runner, Workflow

PROGRAM = Path(__file__).parent / "runner"
REPOSITORY = "acme/app"
# What a configured runner has in its folder.
FILES = (".runner", ".credentials", ".credentials_rsaparams")
# What the program's waits are multiplied by: 30 s are 30 ms.
SCALE = 0.001
PATIENCE = 30.0


@cache
def compiled() -> Path:
    """The program with its modules compiled, to be copied: each test starts it, most of them twice."""
    folder = Path(tempfile.mkdtemp(prefix="standin-runner-")) / "runner"
    atexit.register(shutil.rmtree, folder.parent, ignore_errors=True)
    shutil.copytree(PROGRAM, folder, ignore=shutil.ignore_patterns("__pycache__", "*.md"))
    compileall.compile_dir(folder / "bin", quiet=2)
    return folder


def until(true: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Waits until something is true; fails with `what` when it never is."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.02)


@dataclass
class Started:
    """A program that runs. `text` is all it has written, once it has ended."""

    process: subprocess.Popen[str]
    output: Path

    @property
    def text(self) -> str:
        """Standard output and error so far."""
        return self.output.read_text("utf-8")

    def says(self, words: str) -> None:
        """Waits for these words."""
        until(lambda: words in self.text or self.process.poll() is not None, words)
        assert words in self.text, self.text

    def ends(self, seconds: float = PATIENCE) -> int:
        """Waits for its end; the exit code."""
        return self.process.wait(seconds)

    def __enter__(self) -> Started:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends what is left of it: its session is its own."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass
class Installed:
    """A runner's folder, and the GitHub that it is for."""

    folder: Path
    standin: Standin
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, folder: Path, standin: Standin, version: str = "2.336.0") -> Installed:
        """A fresh copy of the program that says that version."""
        shutil.copytree(compiled(), folder)
        (folder / "bin" / "version").write_text(f"{version}\n")
        # The interpreter itself: a version manager's wrapper in PATH would double the time of each start.
        path = f"{Path(sys.executable).resolve().parent}:/usr/bin:/bin"
        kept = {"PATH": path, "HOME": str(folder), "RUNNER_ALLOW_RUNASROOT": "1", "NO_PROXY": "*"}
        return cls(folder, standin, kept | {"STANDIN_TIME_SCALE": str(SCALE), "STANDIN_RELAUNCH_SECONDS": "0"})

    @property
    def url(self) -> str:
        """What it is registered at."""
        return f"{self.standin.url}/{REPOSITORY}"

    @property
    def kept(self) -> list[str]:
        """Which of its configuration files there are."""
        return [name for name in FILES if (self.folder / name).exists()]

    @property
    def known(self) -> list[str]:
        """The names of the runners that GitHub knows."""
        return [runner.name for runner in self.standin.app.world.of(REPOSITORY)]

    def text(self, name: str) -> str:
        """A file of its folder."""
        return (self.folder / name).read_text("utf-8-sig")

    def token(self, what: str = "registration") -> str:
        """A registration or remove token."""
        world = self.standin.app.world
        token = f"A{what.upper()}TOKEN{len(world.tokens):017}"
        world.tokens[token] = (what, REPOSITORY, world.now().replace(year=world.now().year + 1))
        return token

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs a program of it to its end."""
        command = [str(self.folder / words[0]), *words[1:]]
        return subprocess.run(
            command, env=self.environment | environment, text=True, capture_output=True, timeout=PATIENCE, check=False
        )

    def config(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Registers it, with its token by the environment as it should be."""
        given = {"ACTIONS_RUNNER_INPUT_TOKEN": self.token()} | environment
        return self.run("config.sh", "--unattended", "--url", self.url, *words, **given)

    def registered(self, *labels: str, ephemeral: bool = False) -> Runner:
        """Registers it without running config.sh: the same files, in no time."""
        runner = self.standin.app.world.enlist(REPOSITORY, "one", labels or ("deploy",), version="2.336.0")
        runner.ephemeral = ephemeral
        for name, content in runner_files(runner, Asked("", "", base=self.standin.url), "_work").items():
            (self.folder / name).write_text(json.dumps(content), "utf-8-sig")
        return runner

    @contextmanager
    def listening(self, *words: str, program: str = "bin/Runner.Listener", **environment: str) -> Iterator[Started]:
        """Runs the listener, or run.sh, beside the test."""
        output = self.folder / "output"
        start = [str(self.folder / program), *(["run"] if program == "bin/Runner.Listener" else []), *words]
        with output.open("w") as file:
            process = subprocess.Popen(
                start,
                env=self.environment | environment,
                text=True,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        with Started(process, output) as started:
            yield started

    def queue(self, script: str, *labels: str, name: str = "deploy") -> Job:
        """Queues a job."""
        world = self.standin.app.world
        workflow = Workflow("w.yml", "w", ((name, labels or ("deploy",), script),))
        return world.jobs_of(world.start(REPOSITORY, workflow, "push"))[0]

    def finished(self, job: Job) -> str:
        """Waits for a job's end; how it ended."""
        until(lambda: job.status == "completed", f"the end of job {job.name}")
        return str(job.conclusion)

    def diag(self, prefix: str) -> str:
        """The text of its log files of that prefix."""
        return "".join(path.read_text("utf-8") for path in sorted((self.folder / "_diag").glob(f"{prefix}_*.log")))
