"""The whole proof, with a pretended engine and pretended services."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from pointsman.checks import Check, Outcome, Report
from pointsman.logs import Line
from pointsman.resources.provider.releases import digest
from pointsman.services.model import Service
from pointsman.targets.docker import engine
from pointsman.targets.docker.engine import Running
from pointsman.verify import proof
from tests.unit.verify.doubles import World, running


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A healthy estate, whose Loki prints a line whenever its log is looked at."""
    world = World()

    @contextmanager
    def connect(timeout: int = 0) -> Iterator[None]:
        yield None

    def last_line(docker: object, container: Running) -> Line:
        return world.printed(container.service, "a line", age=0 if container.service == "loki" else 60)

    def release(docker: object, site: object, service: Service) -> str:
        assert service.config is not None
        return digest(service.config.files)

    monkeypatch.setattr(engine, "connect", connect)
    monkeypatch.setattr(engine, "containers", lambda docker, estate, environment: running(world.environment))
    monkeypatch.setattr(proof, "_last_line", last_line)
    monkeypatch.setattr(proof, "_release", release)
    return world


def prove(world: World, seen: list[Check] | None = None) -> Report:
    """Runs every check; `seen` takes what progress tells."""
    heard = [] if seen is None else seen
    return proof.run(world.environment, deadline_seconds=0.5, progress=heard.append, client=world.client())


def test_a_healthy_estate_is_green_and_nothing_is_unproved(world: World) -> None:
    """Every service has its container, its way to be reached, and its log; at ports that are nobody's defaults."""
    seen: list[Check] = []
    report = prove(world, seen)
    assert {check.outcome for check in report.checks} == {Outcome.PASS}, report.checks
    assert report.exit_code == 0
    assert sorted(check.name for check in seen) == sorted(check.name for check in report.checks)
    names = {check.name for check in report.checks}
    for service in world.environment.estate.services:
        assert {f"container {service.name}", f"reached {service.name}", f"log of {service.name} in Loki"} <= names


def test_the_report_is_in_the_same_order_each_time(world: World) -> None:
    """Checks run at the same time; a reader and a diff see them in one order."""
    assert [check.name for check in prove(world).checks] == [check.name for check in prove(world).checks]


def test_an_answer_nobody_expects_is_red_and_the_other_checks_go_on(world: World) -> None:
    """Another program on Prometheus's port answers with JSON of another shape."""
    world.answers["/api/v1/targets"] = httpx.Response(200, json={"data": {"activeTargets": [{"who": "else"}]}})
    report = prove(world)
    assert [check.name for check in report.failures] == ["scrape targets"]
    assert report.exit_code == 1


def test_nothing_answering_is_red_within_the_deadline(world: World) -> None:
    """A machine where every port is refused: red and quick, with nothing skipped."""
    paths = ["/-/ready", "/ready", "/metrics", "/config", "/api/v1/otlp/v1/metrics", "/api/v1/targets"]
    paths += ["/api/v1/status/runtimeinfo", "/loki/api/v1/push", "/loki/api/v1/query_range", "/loki/api/v1/labels"]
    world.lost.update(dict.fromkeys(paths, httpx.ConnectError("[Errno 111] Connection refused")))
    started = time.monotonic()
    report = prove(world)
    assert time.monotonic() - started < 2
    green = {check.name for check in report.checks if check.outcome is Outcome.PASS}
    assert all(name.startswith(("container ", "config ")) for name in green), green
