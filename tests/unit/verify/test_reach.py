"""Readiness, config and retention, as the services themselves tell them."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from pointsman.checks import Outcome
from pointsman.verify import reach
from pointsman.verify.reach import parsed, reached, retention
from tests.unit.verify.doubles import World
from tests.unit.verify.stores import data


def test_a_refused_connection_is_red_at_once() -> None:
    """Refused is a failure that names the address, and is not waited for."""
    world = World(lost={"prometheus:/-/ready": httpx.ConnectError("[Errno 111] Connection refused")})
    check = reached(world.site(), world.environment.service("prometheus"))
    assert check.outcome is Outcome.FAIL
    assert "http://127.0.0.1:19090/-/ready" in check.seen
    assert "Connection refused" in check.seen
    assert len(world.requests) == 1


def test_a_service_that_says_that_it_is_not_ready_is_asked_again() -> None:
    """A 503 with a reason may become a 200; when it does not, the reason is shown."""
    world = World(answers={"loki:/ready": httpx.Response(503, text="Ingester not ready: waiting for 15s")})
    check = reached(world.site(), world.environment.service("loki"))
    assert check.outcome is Outcome.FAIL
    assert "503: Ingester not ready" in check.seen
    assert len(world.requests) > 1
    del world.answers["loki:/ready"]
    assert reached(world.site(), world.environment.service("loki")).outcome is Outcome.PASS


def test_a_service_that_answers_late_twice_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    """A moment's load delays one answer, want of CPU all of them."""
    monkeypatch.setattr(reach, "SLOW_SECONDS", 0.05)
    world = World()
    delays = [0.1, 0.0]
    healthy = world.client()

    def answer(request: httpx.Request) -> httpx.Response:
        time.sleep(delays.pop(0) if delays else 0.1)
        return healthy.send(request)

    site = replace(world.site(), client=httpx.Client(transport=httpx.MockTransport(answer)))
    loki = world.environment.service("loki")
    assert reached(site, loki).outcome is Outcome.PASS
    check = reached(site, loki)
    assert check.outcome is Outcome.FAIL
    assert check.seen.startswith("answers in 0.1 s")


def test_another_clock_is_red() -> None:
    """Times of signals are compared with those of other services."""
    ahead = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    world = World(answers={"loki:/ready": httpx.Response(200, text="ready", headers={"Date": ahead})})
    check = reached(world.site(), world.environment.service("loki"))
    assert check.outcome is Outcome.FAIL
    assert "s ahead" in check.seen


@pytest.mark.parametrize(
    ("printed", "seconds", "size"),
    [
        ("3d or 1GiB", 259200, 2**30),
        ("1w", 604800, None),
        ("168h", 604800, None),
        ("1d12h", 129600, None),
        ("1y or 1GiB512MiB", 31536000, 2**30 + 2**29),
        ("15d or 2PiB", 1296000, 2 * 2**50),
        ("500GB", None, 500 * 2**30),
        ("0s", None, None),
    ],
)
def test_retention_is_understood_as_services_print_it(printed: str, seconds: float | None, size: int | None) -> None:
    """Prometheus normalises durations and splits sizes; 0 is a limit that is off."""
    assert parsed(printed) == (seconds, size)


@pytest.mark.parametrize("printed", ["", "for ever", "1GiBx", "3d or"])
def test_what_is_no_retention_is_refused(printed: str) -> None:
    """Nothing is taken for a retention by its beginning."""
    with pytest.raises(ValueError, match="expected a duration"):
        parsed(printed)


@pytest.mark.parametrize("name", ["prometheus", "loki", "tempo"])
def test_the_retention_in_force_is_read_back(name: str) -> None:
    """From JSON and from YAML, at the place that the service's definition names."""
    world = World()
    service = world.environment.service(name)
    assert service.retention is not None
    assert retention(world.site(), service, service.retention).outcome is Outcome.PASS


@pytest.mark.parametrize("printed", ["3d", "3d or 2GiB", "15d or 1GiB", "", "for ever"])
def test_another_retention_is_red(printed: str) -> None:
    """A limit that is missing, other or unreadable is shown beside the one of the spec."""
    world = World(answers={"/api/v1/status/runtimeinfo": data({"storageRetention": printed})})
    prometheus = world.environment.service("prometheus")
    assert prometheus.retention is not None
    check = retention(world.site(), prometheus, prometheus.retention)
    assert check.outcome is Outcome.FAIL
    assert printed in check.seen
    assert check.expected == "3d or 1GiB, as in the spec"
