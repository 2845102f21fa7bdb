"""The facts of the status table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from pointsman import status
from pointsman.status import built_version, kernel_working_set, labelled_version, rows, working_set
from pointsman.targets.docker.engine import Running
from tests.unit.verify.doubles import World, running

METRICS = """\
# TYPE go_build_info gauge
go_build_info{version="(devel)"} 1
node_exporter_build_info{branch="",goversion="go1.26.8",version="1.12.1"} 1
"""


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, Running]:
    """What the engine tells; a test may change it."""
    containers = running(World().environment)

    @contextmanager
    def connect(timeout: int = 0) -> Iterator[None]:
        yield None

    monkeypatch.setattr(status, "connect", connect)
    monkeypatch.setattr(status, "containers", lambda docker, estate, environment: containers)
    monkeypatch.setattr(status, "kernel_working_set", lambda container: 5 * 2**20)
    return containers


def test_a_row_for_every_service(found: dict[str, Running]) -> None:
    """The version is the service's own word where it gives one, else that of its image, and says which."""
    world = World()
    table = {row.service: row for row in rows(world.environment, client=world.client())}
    assert list(table) == [service.name for service in world.environment.estate.services]
    assert all(row.good for row in table.values())
    prometheus, proxy = table["prometheus"], table["socket-proxy"]
    assert (prometheus.version, prometheus.version_from) == ("3.15.0", "service")
    assert (prometheus.url, prometheus.memory) == ("http://127.0.0.1:19090", 5 * 2**20)
    assert (proxy.version, proxy.version_from, proxy.health) == ("1.2.3", "image", "not published")


def test_what_is_not_well_is_not_good(found: dict[str, Running]) -> None:
    """Missing, halted, and running but refused from outside: each in its own words."""
    world = World(lost={"/-/ready": httpx.ConnectError("[Errno 111] Connection refused")})
    del found["loki"]
    found["log-agent"] = replace(found["log-agent"], status="exited")
    table = {row.service: row for row in rows(world.environment, client=world.client())}
    assert {name for name, row in table.items() if not row.good} == {"loki", "log-agent", "prometheus"}
    assert (table["loki"].state, table["loki"].version_from, table["loki"].memory) == ("missing", "unknown", None)
    assert (table["log-agent"].state, table["log-agent"].uptime) == ("exited", None)
    assert "Connection refused" in table["prometheus"].health


def test_the_version_is_that_of_the_program_asked_for() -> None:
    """Not that of another build_info in the same metrics."""
    assert built_version(METRICS, "node-exporter") == "1.12.1"
    assert built_version(METRICS, "loki") == ""


@pytest.mark.parametrize(
    ("label", "version"),
    [
        ("pointsman/loki:3.7.8-ab12cd34ef56", "3.7.8"),
        ("docker.io/grafana/loki:3.7.8@sha256:0f1e", "3.7.8"),
        ("mirror.example.org:5000/grafana/loki:3.7.8", "3.7.8"),
        ("mirror.example.org:5000/grafana/loki", ""),
        ("", ""),
    ],
)
def test_the_version_in_the_name_of_an_image(label: str, version: str) -> None:
    """A registry's port and a recipe's hash are no part of it."""
    assert labelled_version(label) == version


@pytest.mark.parametrize(
    ("usage", "key"),
    [
        ("memory/docker/abc/memory.usage_in_bytes", "total_inactive_file"),
        ("docker/abc/memory.current", "inactive_file"),
        ("system.slice/docker-abc.scope/memory.current", "inactive_file"),
    ],
)
def test_the_working_set_from_the_kernel(tmp_path: Path, usage: str, key: str) -> None:
    """cgroup v1 and v2; a container that this machine does not run is unknown and not zero."""
    path = tmp_path / usage
    path.parent.mkdir(parents=True)
    path.write_text("1000\n")
    path.with_name("memory.stat").write_text(f"anon 1\n{key} 300\n")
    assert kernel_working_set("abc", tmp_path) == 700
    assert kernel_working_set("other", tmp_path) is None


def test_the_working_set_from_the_engine() -> None:
    """An engine without memory accounting answers with nothing or zeros, which is unknown."""
    assert working_set({"usage": 1000, "stats": {"total_inactive_file": 300}}) == 700
    assert working_set({"usage": 1000, "stats": {"inactive_file": 100}}) == 900
    assert working_set({"usage": 0}) is None
    assert working_set({}) is None
