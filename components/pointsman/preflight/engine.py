"""The look at the Docker engine that all checks share, and the check that there is one."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread
from typing import TypeVar

import docker
import requests
from docker.errors import DockerException

from pointsman.checks import Check, failed, passed
from pointsman.errors import UnreachableError
from pointsman.preflight import facts
from pointsman.preflight.facts import EngineFacts
from pointsman.toolchain import DockerEngine, docker_engine, pins
from pointsman.toolchain.docker_engine import Absence
from pointsman.toolchain.machine import DEFAULT_SOCKET, Machine, observe
from pointsman.toolchain.pins import DockerEnginePins, numbers

NAME = "docker"
# An engine on a busy machine was seen to take 1 s for its lists; a hung one never answers.
DEADLINE = 5.0
T = TypeVar("T")


@dataclass(frozen=True)
class Look:
    """What was found where an engine should be; `hung` when it took the connection and did not answer in time.

    `facts` is None when no engine answered, `hostname` this machine's name, `seconds` how long the look took.
    """

    found: DockerEngine | Absence
    machine: Machine
    facts: EngineFacts | None = None
    hung: bool = False
    hostname: str = ""
    compose: bool = False
    seconds: float = 0.0

    @property
    def is_here(self) -> bool:
        """Whether the engine runs on this very machine, so that its paths and memory are this machine's."""
        return self.facts is not None and self.facts.host.startswith("unix://") and self.facts.name == self.hostname

    @property
    def publishes_here(self) -> bool:
        """Whether published ports are taken on this machine: of its own engine, of one to come, of Docker Desktop."""
        if self.facts is None:
            return not self.machine.docker_host or self.machine.docker_host.startswith("unix://")
        return self.is_here or (self.facts.host.startswith("unix://") and self.facts.system == "Docker Desktop")


@dataclass(frozen=True)
class _Answer:
    found: DockerEngine | Absence
    facts: EngineFacts | None = field(default=None)


def look() -> Look:
    """Asks for the engine and what it has; never raises, and takes at most `DEADLINE` seconds."""
    began, machine = time.monotonic(), observe()
    hung = False
    try:
        answer = within(DEADLINE, lambda: _ask(machine))
    except TimeoutError:
        hung = True
        host = machine.docker_host or f"unix://{next(filter(_is_seen, machine.sockets), DEFAULT_SOCKET)}"
        answer = _Answer(Absence(host, "silent", f"no answer within {DEADLINE:.0f} s"))
    except OSError as error:
        answer = _Answer(Absence(machine.docker_host or f"unix://{DEFAULT_SOCKET}", "denied", str(error)))
    return Look(
        answer.found,
        machine,
        answer.facts,
        hung=hung,
        hostname=socket.gethostname(),
        compose=_has_compose(),
        seconds=time.monotonic() - began,
    )


def check(seen: Look) -> Check:
    """Whether an engine answers, or will be there after `up`; its seconds are those of the look that all share."""
    return replace(judge(seen, pins.load().docker_engine), seconds=seen.seconds)


def judge(seen: Look, wanted: DockerEnginePins) -> Check:
    """The check, from facts alone."""
    expected = f"Docker {wanted.minimum} or newer (API {wanted.minimum_api})"
    compose = f"Compose {'is there' if seen.compose else 'is not there'} and not needed"
    if isinstance(seen.found, DockerEngine):
        text = f"Docker {seen.found.version} (API {seen.found.api_version}) at {seen.found.host}"
        if numbers(seen.found.api_version) < numbers(wanted.minimum_api):
            remedy = "upgrade that engine, or set DOCKER_HOST to another"
            return failed(NAME, text, expected=expected, remedy=remedy)
        return passed(NAME, f"{text}, {wanted.minimum} or newer is needed; {compose}")
    if seen.hung:
        restart = "sudo systemctl restart docker" if seen.machine.systemd else "restart that engine"
        return failed(
            NAME,
            f"the Docker engine at {seen.found.host} takes connections but does not answer: {seen.found.reason}",
            expected=expected,
            remedy=f"{restart}, or set DOCKER_HOST to another",
        )
    try:
        docker_engine.refuse(seen.machine, seen.found, wanted)
    except UnreachableError as error:
        return failed(NAME, error.message, expected=expected, remedy=error.remedy)
    how = "started" if seen.machine.dockerd else "installed and started"
    return passed(NAME, f"no Docker engine runs here: it will be {how} by `pointsman up` or `make up`")


def within(seconds: float, work: Callable[[], T]) -> T:
    """The result of `work`, or TimeoutError after `seconds`; a thread that hangs does not keep the program alive."""
    answer: Future[T] = Future()

    def body() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:
            answer.set_exception(error)

    Thread(target=body, name="engine look", daemon=True).start()
    return answer.result(timeout=seconds)


def _ask(machine: Machine) -> _Answer:
    found = docker_engine.find(machine)
    if isinstance(found, Absence):
        return _Answer(found)
    try:
        client = docker.from_env(
            environment={**os.environ, "DOCKER_HOST": found.host}, timeout=int(DEADLINE), use_ssh_client=True
        )
        try:
            return _Answer(found, facts.ask(found.host, client.api))
        finally:
            client.close()
    except (DockerException, requests.RequestException) as error:
        return _Answer(Absence(found.host, "silent", str(error)))


def _has_compose() -> bool:
    """Whether Docker Compose is there, by its places on Linux and macOS; it is not run, which takes long."""
    folders = (
        Path.home() / ".docker/cli-plugins",
        *map(Path, ("/usr/local/lib/docker/cli-plugins", "/usr/local/libexec/docker/cli-plugins")),
        *map(Path, ("/usr/lib/docker/cli-plugins", "/usr/libexec/docker/cli-plugins")),
    )
    return shutil.which("docker-compose") is not None or any(_is_seen(each / "docker-compose") for each in folders)


def _is_seen(path: Path) -> bool:
    # Unlike `Path.exists`, no error for a folder that this user may not enter.
    return os.access(path, os.F_OK)
