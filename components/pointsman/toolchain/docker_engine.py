"""The Docker engine: the running one, which is left as it is; else, as root on Debian, one installed and started."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import docker
from docker.errors import DockerException

from pointsman.builds.locks import exclusive
from pointsman.builds.progress import Progress
from pointsman.errors import UnreachableError
from pointsman.paths import cache_dir, state_dir
from pointsman.toolchain.machine import DEFAULT_SOCKET, Machine
from pointsman.toolchain.pins import DockerEnginePins, numbers

TASK = "toolchain/docker-engine"
_PING_SECONDS = 10
_INSTALL_SECONDS = 60.0  # docker.io and what it depends on, from a near mirror
_LOG_LINES = 15


@dataclass(frozen=True)
class DockerEngine:
    """An engine that answered: its address as for DOCKER_HOST, its version and API version."""

    host: str
    version: str
    api_version: str


@dataclass(frozen=True)
class Absence:
    """Why no engine answered at an address."""

    host: str
    kind: Literal["absent", "denied", "silent"]
    reason: str


def ask(host: str) -> DockerEngine | Absence:
    """Ask for the engine at an address (unix://…, tcp://…, ssh://…); TLS settings are those of the docker command."""
    socket = Path(host.removeprefix("unix://")) if host.startswith("unix://") else None
    if socket is not None and not socket.exists():
        return Absence(host, "absent", f"{socket} does not exist")
    if socket is not None and not os.access(socket, os.R_OK | os.W_OK):
        return Absence(host, "denied", f"{socket} may not be opened by this user")
    try:
        client = docker.from_env(
            environment={**os.environ, "DOCKER_HOST": host}, timeout=_PING_SECONDS, use_ssh_client=True
        )
        try:
            answer = client.version()
        finally:
            client.close()
    except (DockerException, OSError) as error:
        return Absence(host, "silent", str(error))
    return DockerEngine(host, str(answer["Version"]), str(answer["ApiVersion"]))


def find(machine: Machine, *, ask: Callable[[str], DockerEngine | Absence] = ask) -> DockerEngine | Absence:
    """The engine of this machine: DOCKER_HOST's and no other when it is set, else the first socket that answers.

    When none answers, the absence that a person can do most about: no rights, then a silent socket, then none.
    """
    hosts = [machine.docker_host] if machine.docker_host else [f"unix://{socket}" for socket in machine.sockets]
    absences: list[Absence] = []
    for host in hosts:
        found = ask(host)
        if isinstance(found, DockerEngine):
            return found
        absences.append(found)
    order = ("denied", "silent", "absent")
    return min(absences, key=lambda absence: order.index(absence.kind))


def ensure(machine: Machine, pins: DockerEnginePins, progress: Progress) -> DockerEngine:
    """An engine that answers; installed and started where this user may and there is none.

    Raises UnreachableError, with the commands to type, where that cannot be.
    """
    found = find(machine)
    if isinstance(found, Absence):
        refuse(machine, found, pins)
        with exclusive(cache_dir() / "locks" / "docker-engine"):
            found = _provide(machine, pins, progress)
    if numbers(found.api_version) < numbers(pins.minimum_api):
        raise UnreachableError(
            f"the Docker engine at {found.host} is {found.version} with API {found.api_version}; "
            f"API {pins.minimum_api} or newer is needed",
            remedy="upgrade that engine, or set DOCKER_HOST to another",
        )
    return found


def refuse(machine: Machine, absence: Absence, pins: DockerEnginePins) -> None:
    """Raise UnreachableError when this machine cannot be given an engine; return when it can."""
    if machine.docker_host:
        raise UnreachableError(
            f"no Docker engine answers at DOCKER_HOST={machine.docker_host}: {absence.reason}",
            remedy="start that engine, or unset DOCKER_HOST to use this machine's own",
        )
    if absence.kind == "denied":
        raise UnreachableError(
            f"a Docker engine is there, but user {machine.user} has no right to use it: {absence.reason}",
            remedy=f"sudo usermod -aG docker {machine.user}, then log in again (or set DOCKER_HOST to an engine of "
            "your own, such as rootless Docker's)",
        )
    if not machine.root:
        install = "" if machine.dockerd else f"sudo apt-get install --no-install-recommends {pins.package} && "
        start = "sudo systemctl start docker" if machine.systemd else "sudo service docker start"
        typed = f"{install}{start}" if machine.dockerd or machine.debian else "install Docker (docs.docker.com/engine)"
        raise UnreachableError(
            f"no Docker engine is running here: {absence.reason}", remedy=f"{typed}, or set DOCKER_HOST to another one"
        )
    if not machine.dockerd and not (machine.debian and machine.apt):
        raise UnreachableError(
            f"no Docker engine is here: {absence.reason}; one is installed by itself on Debian only",
            remedy="install and start Docker (docs.docker.com/engine), or set DOCKER_HOST to a running one",
        )


def _provide(machine: Machine, pins: DockerEnginePins, progress: Progress) -> DockerEngine:
    # Whoever held the lock before may have done it all.
    found = find(machine)
    if isinstance(found, DockerEngine):
        return found
    progress.plan([(TASK, "", 5.0 if machine.dockerd else _INSTALL_SECONDS)])
    progress.start(TASK)
    try:
        if not machine.dockerd:
            _install(pins.package, lambda text: progress.report(TASK, text))
        # A package's own scripts may have started it already.
        found = _wait(machine, 3.0, lambda: progress.report(TASK, "starting"))
        if isinstance(found, Absence):
            found = _start(machine, pins.start_seconds, lambda: progress.report(TASK, "starting"))
    except BaseException:
        progress.fail(TASK)
        raise
    progress.finish(TASK, f"Docker {found.version}")
    return found


def _install(package: str, report: Callable[[str], None]) -> None:
    """Install a Debian package from the machine's own sources; the package lists are fetched only if that fails."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--yes", "--no-install-recommends", package]
    report(f"installing {package}")
    log = ""
    for command in (install, ["apt-get", "update"], install):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        log += done.stdout + done.stderr
        if command is install and done.returncode == 0:
            return
    raise UnreachableError(
        f"apt-get could not install {package}",
        detail="\n".join(log.splitlines()[-_LOG_LINES:]),
        remedy="mend the machine's apt sources, or set DOCKER_HOST to a running engine",
    )


def _start(machine: Machine, seconds: float, tick: Callable[[], None]) -> DockerEngine:
    log = state_dir() / "dockerd.log"
    if machine.systemd:
        subprocess.run(["systemctl", "start", "docker"], capture_output=True, check=False)
        lines = "journalctl -u docker -n 50"
    else:
        start_detached(["dockerd", "--host", f"unix://{DEFAULT_SOCKET}"], log, state_dir() / "dockerd.pid")
        lines = str(log)
    found = _wait(machine, seconds, tick)
    if isinstance(found, DockerEngine):
        return found
    raise UnreachableError(
        f"dockerd was started but does not answer after {seconds:.0f} s: {found.reason}",
        detail=_tail(machine, log),
        remedy=f"read {lines}, or set DOCKER_HOST to a running engine",
    )


def start_detached(command: list[str], log: Path, pid_file: Path) -> int:
    """Start a daemon that outlives this process; its output goes to `log`, its process id to `pid_file`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True, cwd="/"
        )
    pid_file.write_text(f"{child.pid}\n", encoding="utf-8")
    return child.pid


def _wait(machine: Machine, seconds: float, tick: Callable[[], None]) -> DockerEngine | Absence:
    until = time.monotonic() + seconds
    while True:
        found = find(machine)
        if isinstance(found, DockerEngine) or time.monotonic() >= until:
            return found
        tick()
        time.sleep(0.3)


def _tail(machine: Machine, log: Path) -> str:
    if machine.systemd:
        command = ["journalctl", "-u", "docker", "-n", str(_LOG_LINES), "--no-pager"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    return "\n".join(lines[-_LOG_LINES:])
