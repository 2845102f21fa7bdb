"""Verification, status and logs against a running environment, and against the faults that they are to find."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import httpx
import pytest

from pointsman import logs, status
from pointsman.checks import Outcome, Report
from pointsman.declared import Declared
from pointsman.services.model import Service
from pointsman.targets.docker.engine import connect
from pointsman.verify import run
from tests.deployed.estate import Estate

HEALTHY_SECONDS = 8.0
FAULTY_SECONDS = 10.0
# A restarted Prometheus scrapes each target for the first time within an interval of 15 s.
RECOVERY_SECONDS = 30.0

Fault = Callable[[Declared, Service], AbstractContextManager[None]]


@pytest.fixture
def environment(estate: Estate) -> Iterator[Declared]:
    """The shared environment, deployed and running; its containers may be paused, and each test undoes what it did."""
    with estate.here():
        yield estate.declared()


def timed_run(environment: Declared) -> tuple[Report, float]:
    """One verification and the seconds that it took."""
    started = time.monotonic()
    return run(environment), time.monotonic() - started


def outcomes(report: Report) -> dict[str, Outcome]:
    """The outcome of each check by its name."""
    return {check.name: check.outcome for check in report.checks}


def prometheus(environment: Declared, promql: str) -> list[str]:
    """The values of an instant query."""
    url = f"{environment.url(environment.service('prometheus'))}/api/v1/query"
    answer = httpx.get(url, params={"query": promql}, trust_env=False).json()
    return [series["value"][1] for series in answer["data"]["result"]]


@contextmanager
def paused(environment: Declared, service: Service) -> Iterator[None]:
    """All processes of a service stopped by Docker, as a hung machine would leave them."""
    name = environment.plans[service.name].name
    with connect() as docker:
        docker.pause(name)
        try:
            yield
        finally:
            docker.unpause(name)


@contextmanager
def frozen(environment: Declared, service: Service) -> Iterator[None]:
    """A service that Docker takes for running and that does nothing."""
    name = environment.plans[service.name].name
    with connect() as docker:
        docker.kill(name, "STOP")
        try:
            yield
        finally:
            docker.kill(name, "CONT")


def recovered(environment: Declared) -> None:
    """Returns when the environment is green again, so that one test's fault is not the next one's."""
    before = time.monotonic()
    while (report := run(environment)).failures:
        assert time.monotonic() - before < RECOVERY_SECONDS, report.failures


def test_a_healthy_environment_is_proved_in_seconds(environment: Declared) -> None:
    """Every service has a green container, way from outside and log; the whole takes at most eight seconds."""
    recovered(environment)
    report, seconds = timed_run(environment)
    assert not report.failures
    assert seconds <= HEALTHY_SECONDS
    found = outcomes(report)
    for service in environment.estate.services:
        for check in (f"container {service.name}", f"reached {service.name}", f"log of {service.name} in Loki"):
            assert found[check] is Outcome.PASS
        if service.retention:
            assert found[f"retention {service.name}"] is Outcome.PASS
        if service.config:
            assert found[f"config {service.name}"] is Outcome.PASS


def test_many_verifications_leave_one_series_and_one_stream(environment: Declared) -> None:
    """What verify writes does not grow with how often it runs."""
    run(environment)
    run(environment)
    assert prometheus(environment, "count(last_over_time(pointsman_verify[1h]))") == ["1"]
    loki = environment.url(environment.service("loki"))
    found = httpx.get(f"{loki}/loki/api/v1/series", params={"match[]": '{service="pointsman-verify"}'}, trust_env=False)
    assert len(found.json()["data"]) == 1


@pytest.mark.parametrize("fault", [paused, frozen])
def test_a_service_that_hangs_is_red_in_time(environment: Declared, fault: Fault) -> None:
    """Each service in turn: the check that looks at it is red within ten seconds, and green once it goes on."""
    for service in environment.estate.services:
        with fault(environment, service):
            report, seconds = timed_run(environment)
        assert seconds <= FAULTY_SECONDS, (service.name, seconds)
        red = {check.name for check in report.failures}
        # A frozen process is what only the way from outside can show: Docker says that it runs.
        seen_by = f"reached {service.name}" if fault is frozen else f"container {service.name}"
        assert seen_by in red, (service.name, red)
        assert all(check.remedy and check.expected for check in report.failures)
        recovered(environment)


def test_a_metric_lost_on_its_way_names_the_hop(environment: Declared) -> None:
    """A paused Prometheus takes no push: the first lost hop is said, with the command that helps."""
    with paused(environment, environment.service("prometheus")):
        report = run(environment)
    lost = next(check for check in report.failures if check.name == "metric from OTLP to PromQL")
    assert lost.seen.startswith("lost at hop 1")
    assert lost.remedy == f"docker unpause {environment.plans['prometheus'].name}"
    recovered(environment)


def test_status_tells_what_runs(environment: Declared) -> None:
    """Versions as locked, memory within the limit, all in less than two seconds."""
    started = time.monotonic()
    table = status.rows(environment)
    assert time.monotonic() - started < 2
    assert [row.service for row in table] == [service.name for service in environment.estate.services]
    for row, service in zip(table, environment.estate.services, strict=True):
        assert row.good, row
        assert row.version == environment.images.images[service.image].version
        assert row.memory is not None
        assert 2**20 < row.memory < row.memory_limit == service.memory
        assert row.uptime is not None


def test_logs_are_the_same_from_loki_and_from_docker(environment: Declared) -> None:
    """What Loki holds of a service the engine holds too, equal to the nanosecond; without Loki that is said."""
    told: list[str] = []
    recovered(environment)
    from_loki = list(logs.query(environment, "prometheus", limit=5, notice=told.append))
    assert not told
    with paused(environment, environment.service("loki")):
        from_docker = list(logs.query(environment, "prometheus", limit=1000, notice=told.append))
    assert len(told) == 1
    assert len(from_loki) == 5
    assert set(from_loki) <= set(from_docker)
    recovered(environment)
