"""Verification, status and logs against a running environment, and against the faults that they are to find."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from pointsman import logs, status
from pointsman.checks import Outcome, Report
from pointsman.declared import Declared
from pointsman.services.model import Service
from pointsman.signals.verification import METRIC
from pointsman.targets.docker.engine import connect
from pointsman.verify import run
from pointsman.verify.alert_flow import SLOTS
from pointsman.verify.entry import SERVICE
from tests.deployed.estate import Estate, eventually

HEALTHY_SECONDS = 8.0
FAULTY_SECONDS = 10.0
# A restarted Prometheus scrapes each target for the first time within an interval of 15 s.
RECOVERY_SECONDS = 30.0


@pytest.fixture
def environment(whole_estate: Estate) -> Iterator[Declared]:
    """The shared environment, deployed and running; its containers may be paused, and each test undoes what it did."""
    with whole_estate.here():
        yield whole_estate.declared()


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
    assert seconds <= HEALTHY_SECONDS, [(check.name, check.seconds) for check in report.checks if check.seconds > 2]
    found = outcomes(report)
    for service in environment.estate.services:
        for check in (f"container {service.name}", f"reached {service.name}", f"log of {service.name} in Loki"):
            assert found[check] is Outcome.PASS
        if service.retention:
            assert found[f"retention {service.name}"] is Outcome.PASS
        if service.config:
            assert found[f"config {service.name}"] is Outcome.PASS
    unproved = {name for name, outcome in found.items() if outcome is Outcome.NOT_VERIFIABLE}
    assert unproved == set()


def test_a_signal_of_every_kind_is_followed_to_its_end(environment: Declared) -> None:
    """Each hop was looked at, and has its time."""
    recovered(environment)
    followed = {check.name: check.hops for check in run(environment).checks if check.hops}
    assert {name: hops[-1].service for name, hops in followed.items()} == {
        "metric from OTLP to PromQL": "prometheus",
        "log line from OTLP to LogQL": "loki",
        "trace from OTLP to TraceQL": "tempo",
        "span metrics from OTLP to exemplar": "prometheus",
        "alert from OTLP to receiver": "alert-sink",
        "container log from engine to LogQL": "loki",
    }
    assert all(hop.outcome is Outcome.PASS and hop.seconds >= 0 for hops in followed.values() for hop in hops)


def test_verifications_at_the_same_time_all_pass(environment: Declared) -> None:
    """None takes another one's signal for its own, none takes another one's alert away."""
    recovered(environment)
    with ThreadPoolExecutor(2) as pool:
        # How long one may take is another test's; here two share the machine.
        reports = list(pool.map(lambda _: run(environment, deadline_seconds=RECOVERY_SECONDS), range(2)))
    assert [report.failures for report in reports] == [(), ()]


def test_what_verifications_leave_does_not_grow(environment: Declared) -> None:
    """The series of one run are those of many; the alerts' are as many as there are slots, and none goes on firing."""
    for _ in range(2):
        run(environment)
    assert prometheus(environment, "count(last_over_time(pointsman_verify[1h]))") == ["1"]
    slots = prometheus(environment, f"count(count by (run) (last_over_time({METRIC}[1h])))")
    assert int(slots[0]) <= len(SLOTS)
    calls = f'traces_span_metrics_calls_total{{service_name="{SERVICE}"}}'
    spans = prometheus(environment, f"count(count by (span_name) ({calls}))")
    assert spans == ["1"]
    loki = environment.url(environment.service("loki"))
    query = {"match[]": '{service_name="pointsman-verify"}'}
    found = httpx.get(f"{loki}/loki/api/v1/series", params=query, trust_env=False)
    assert len(found.json()["data"]) == 1
    eventually(lambda: prometheus(environment, f"count({METRIC} == 1)") == [])


@pytest.mark.parametrize(
    ("service", "signal"),
    [
        ("collector", "metric from OTLP to PromQL"),
        ("prometheus", "metric from OTLP to PromQL"),
        ("loki", "log line from OTLP to LogQL"),
        ("tempo", "trace from OTLP to TraceQL"),
        ("alertmanager", "alert from OTLP to receiver"),
        ("alert-sink", "alert from OTLP to receiver"),
        ("log-agent", "container log from engine to LogQL"),
        ("socket-proxy", "container log from engine to LogQL"),
        ("node-exporter", ""),
    ],
)
def test_a_service_that_hangs_is_red_in_time(environment: Declared, service: str, signal: str) -> None:
    """It is named first, then the signal that is lost to it; nothing else is red, and all is green once it goes on.

    Docker says that it runs: only the way from outside can show it. What Docker itself tells is among tests/faults.
    """
    with frozen(environment, environment.service(service)):
        report, seconds = timed_run(environment)
    red = [check.name for check in report.failures]
    assert red[0] == f"reached {service}", red
    assert signal in [*red, ""]
    assert {check.service for check in report.failures} == {service}
    assert all(check.remedy and check.expected for check in report.failures)
    assert seconds <= FAULTY_SECONDS
    recovered(environment)


def test_status_tells_what_runs(environment: Declared) -> None:
    """Versions as locked, memory within the limit, all in less than two seconds."""
    started = time.monotonic()
    table = status.look(environment).services
    assert time.monotonic() - started < 2
    assert [row.service for row in table] == [service.name for service in environment.estate.services]
    for row, service in zip(table, environment.estate.services, strict=True):
        assert row.good, row
        # Tempo's own word leaves out the revision.
        assert environment.images.images[service.image].version.startswith(row.version)
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
