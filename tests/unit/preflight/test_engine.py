"""The check for a Docker engine, from facts alone: whatever the machine is like, it says what is so and what to do."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest

from pointsman.checks import Outcome
from pointsman.preflight.engine import Look, judge, within
from pointsman.preflight.facts import EngineFacts, container
from pointsman.toolchain import DockerEngine
from pointsman.toolchain.docker_engine import Absence
from pointsman.toolchain.machine import Machine
from pointsman.toolchain.pins import DockerEnginePins

SOCKET = "unix:///var/run/docker.sock"
PINS = DockerEnginePins(minimum="20.10", minimum_api="1.41", package="docker.io", start_seconds=60)
USER = Machine(
    root=False,
    debian=True,
    systemd=True,
    docker_host="",
    sockets=(Path("/var/run/docker.sock"),),
    dockerd=False,
    apt=True,
    user="mia",
)
ROOT = dataclasses.replace(USER, root=True, user="root")
NONE = Absence(SOCKET, "absent", "/var/run/docker.sock does not exist")


def test_no_engine_and_no_root_says_what_to_type() -> None:
    """A user who may not install gets the command for who may; nothing is promised."""
    found = judge(Look(NONE, USER), PINS)
    assert found.outcome is Outcome.FAIL
    assert "does not exist" in found.seen
    assert "sudo apt-get install --no-install-recommends docker.io" in found.remedy


def test_a_socket_without_rights_names_the_group() -> None:
    """An engine that is there but closed to this user is told apart from none."""
    denied = Absence(SOCKET, "denied", "/var/run/docker.sock may not be opened by this user")
    found = judge(Look(denied, USER), PINS)
    assert found.outcome is Outcome.FAIL
    assert "user mia has no right" in found.seen
    assert "usermod -aG docker mia" in found.remedy


@pytest.mark.parametrize(("dockerd", "how"), [(False, "installed and started"), (True, "started")])
def test_root_on_debian_gets_an_engine(dockerd: bool, how: str) -> None:
    """Where the toolchain provides the engine, its absence is no fault, and what will happen is said."""
    found = judge(Look(NONE, dataclasses.replace(ROOT, dockerd=dockerd)), PINS)
    assert found.outcome is Outcome.PASS
    assert f"will be {how} by" in found.seen


def test_root_elsewhere_gets_none() -> None:
    """Off Debian nothing is promised to root either."""
    found = judge(Look(NONE, dataclasses.replace(ROOT, debian=False)), PINS)
    assert found.outcome is Outcome.FAIL


def test_docker_host_is_never_replaced_by_an_engine_of_our_own() -> None:
    """Even root gets no second engine when DOCKER_HOST names one that does not answer."""
    gone = Absence("tcp://10.0.0.1:2376", "silent", "connection refused")
    found = judge(Look(gone, dataclasses.replace(ROOT, docker_host="tcp://10.0.0.1:2376")), PINS)
    assert found.outcome is Outcome.FAIL
    assert "DOCKER_HOST=tcp://10.0.0.1:2376" in found.seen


def test_a_hung_engine_is_not_taken_for_one_to_start() -> None:
    """Root would otherwise start a second engine over the first, which still holds its socket and its data."""
    silent = Absence(SOCKET, "silent", "no answer within 5 s")
    found = judge(Look(silent, dataclasses.replace(ROOT, dockerd=True), hung=True), PINS)
    assert found.outcome is Outcome.FAIL
    assert "systemctl restart docker" in found.remedy


@pytest.mark.parametrize(("api", "outcome"), [("1.40", Outcome.FAIL), ("1.41", Outcome.PASS), ("1.100", Outcome.PASS)])
def test_an_engine_too_old_is_refused(api: str, outcome: Outcome) -> None:
    """API versions are compared as numbers; Compose is never asked for."""
    found = judge(Look(DockerEngine(SOCKET, "20.10.24", api), USER), PINS)
    assert found.outcome is outcome
    assert f"API {api}" in found.seen
    assert "20.10 or newer" in found.seen + found.expected


@pytest.mark.parametrize(
    ("host", "name", "system", "is_here", "publishes_here"),
    [
        (SOCKET, "vm", "Debian GNU/Linux 12", True, True),
        (SOCKET, "docker-desktop", "Docker Desktop", False, True),
        # A socket that was mounted into this container.
        (SOCKET, "another", "Debian GNU/Linux 12", False, False),
        ("tcp://10.0.0.1:2376", "vm", "Debian GNU/Linux 12", False, False),
    ],
)
def test_where_the_engine_is(host: str, name: str, system: str, is_here: bool, publishes_here: bool) -> None:
    """Disk, memory and ports are looked at on this machine only when they are the engine's."""
    facts = EngineFacts(host, name=name, system=system)
    seen = Look(DockerEngine(host, "28.0.0", "1.48"), USER, facts, hostname="vm")
    assert (seen.is_here, seen.publishes_here) == (is_here, publishes_here)


def test_a_look_that_hangs_is_given_up() -> None:
    """What never answers costs the deadline and no more."""
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        within(0.05, lambda: time.sleep(3))
    assert time.monotonic() - began < 1


def test_published_ports_of_a_container() -> None:
    """Ports that are exposed but not published, and UDP ones, hold nothing; an empty address is every address."""
    row = {
        "Id": "1",
        "Names": ["/web"],
        "State": "running",
        "Labels": None,
        "Ports": [
            {"PrivatePort": 80, "Type": "tcp"},
            {"IP": "127.0.0.1", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
            {"IP": "", "PrivatePort": 81, "PublicPort": 8081, "Type": "tcp"},
            {"IP": "0.0.0.0", "PrivatePort": 53, "PublicPort": 53, "Type": "udp"},
        ],
    }
    found = container(row)
    assert (found.name, found.running) == ("web", True)
    assert [(each.address, each.port) for each in found.published] == [("127.0.0.1", 8080), ("0.0.0.0", 8081)]
