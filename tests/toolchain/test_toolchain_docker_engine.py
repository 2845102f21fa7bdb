"""Which Docker engine is taken, when one may be installed or started, and what is said when none can be had."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pointsman.errors import UnreachableError
from pointsman.toolchain import docker_engine
from pointsman.toolchain.docker_engine import Absence, DockerEngine
from pointsman.toolchain.machine import Machine, observe
from pointsman.toolchain.pins import load, numbers

BARE = Machine(
    root=False,
    debian=True,
    systemd=True,
    docker_host="",
    sockets=(Path("/var/run/docker.sock"), Path("/run/user/7/docker.sock")),
    dockerd=False,
    apt=True,
    user="ada",
)
PINS = load().docker_engine


def absence(kind: str) -> Absence:
    """An engine that did not answer."""
    return Absence("unix:///var/run/docker.sock", kind, f"it is {kind}")  # type: ignore[arg-type]


def refusal(machine: Machine, kind: str) -> UnreachableError:
    """What a person is told."""
    with pytest.raises(UnreachableError) as caught:
        docker_engine.refuse(machine, absence(kind), PINS)
    return caught.value


def test_no_rights_tells_how_to_get_them() -> None:
    """A socket without rights is no missing Docker: nothing is installed, the remedy names the group."""
    error = refusal(BARE, "denied")
    assert "user ada has no right" in error.message
    assert "usermod -aG docker ada" in error.remedy
    assert "DOCKER_HOST" in error.remedy
    assert error.exit_code == 3


@pytest.mark.parametrize(
    ("machine", "commands"),
    [
        (BARE, ["apt-get install --no-install-recommends docker.io", "systemctl start docker"]),
        (replace(BARE, systemd=False), ["apt-get install", "service docker start"]),
        (replace(BARE, dockerd=True), ["sudo systemctl start docker"]),
        (replace(BARE, debian=False), ["install Docker"]),
    ],
)
def test_no_docker_and_not_root_tells_the_commands(machine: Machine, commands: list[str]) -> None:
    """Who may not install gets the commands for this machine; what is installed is not installed again."""
    error = refusal(machine, "absent")
    assert all(command in error.remedy for command in commands)
    assert ("apt-get" in error.remedy) == (machine.debian and not machine.dockerd)


def test_root_off_debian_without_docker_is_told_so() -> None:
    """Only Debian's packages are installed by themselves."""
    assert "on Debian only" in refusal(replace(BARE, root=True, debian=False, apt=False), "absent").message


@pytest.mark.parametrize("kind", ["absent", "silent", "denied"])
def test_a_chosen_engine_is_never_replaced(kind: str) -> None:
    """With DOCKER_HOST set and silent, nothing is installed or started, not even as root."""
    error = refusal(replace(BARE, root=True, docker_host="tcp://build:2375"), kind)
    assert "DOCKER_HOST=tcp://build:2375" in error.message


@pytest.mark.parametrize(
    "machine", [replace(BARE, root=True), replace(BARE, root=True, debian=False, apt=False, dockerd=True)]
)
def test_root_may_provide_an_engine(machine: Machine) -> None:
    """As root with Debian's packages, or with an installed dockerd that does not run, there is no refusal."""
    docker_engine.refuse(machine, absence("absent"), PINS)


def test_the_first_socket_that_answers_is_taken() -> None:
    """A rootless engine is found behind a system socket without rights; DOCKER_HOST is asked alone."""
    asked: list[str] = []

    def ask(host: str) -> DockerEngine | Absence:
        asked.append(host)
        return DockerEngine(host, "29.0", "1.52") if "user/7" in host else Absence(host, "denied", "no rights")

    found = docker_engine.find(BARE, ask=ask)
    assert isinstance(found, DockerEngine)
    assert found.host == "unix:///run/user/7/docker.sock"
    asked.clear()
    docker_engine.find(replace(BARE, docker_host="tcp://build:2375"), ask=ask)
    assert asked == ["tcp://build:2375"]


def test_of_several_absences_the_telling_one_is_reported() -> None:
    """No rights on one socket tells more than that another is not there."""

    def ask(host: str) -> DockerEngine | Absence:
        return Absence(host, "absent" if "user/7" in host else "denied", "")

    found = docker_engine.find(replace(BARE, sockets=tuple(reversed(BARE.sockets))), ask=ask)
    assert isinstance(found, Absence)
    assert found.kind == "denied"


def test_a_socket_that_nobody_listens_on_is_silent(tmp_path: Path) -> None:
    """A leftover socket file and a missing one are told apart."""
    leftover = tmp_path / "docker.sock"
    leftover.write_text("")
    silent = docker_engine.ask(f"unix://{leftover}")
    missing = docker_engine.ask(f"unix://{tmp_path / 'none.sock'}")
    assert isinstance(silent, Absence)
    assert isinstance(missing, Absence)
    assert (silent.kind, missing.kind) == ("silent", "absent")


def test_the_engine_of_this_machine_answers() -> None:
    """The real engine is found with its versions, and its API is new enough."""
    found = docker_engine.find(observe())
    assert isinstance(found, DockerEngine), found
    assert found.version
    assert numbers(found.api_version) >= numbers(PINS.minimum_api)


def test_a_started_daemon_outlives_its_starter_and_leaves_log_and_pid(tmp_path: Path) -> None:
    """Its output is in the log, its process id in the file, and it leads a session of its own."""
    script = "import os; print(os.getsid(0) == os.getpid(), flush=True)"
    log, pid_file = tmp_path / "state" / "daemon.log", tmp_path / "state" / "daemon.pid"
    pid = docker_engine.start_detached([sys.executable, "-c", script], log, pid_file)
    until = time.monotonic() + 10
    while not log.read_text() and time.monotonic() < until:
        time.sleep(0.02)
    assert log.read_text() == "True\n"
    assert pid_file.read_text() == f"{pid}\n"
