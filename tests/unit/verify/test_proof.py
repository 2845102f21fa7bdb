"""The whole proof, with a pretended engine and pretended services."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from pointsman.checks import Check, Outcome, Report
from pointsman.logs import Line
from pointsman.spec.models import Environment
from pointsman.targets.docker import engine
from pointsman.targets.docker.engine import Running
from pointsman.verify import containers, proof
from pointsman.verify.groups import Group
from tests.unit.verify.doubles import DECLARED, World, declared
from tests.unit.verify.test_volumes import Held

OTLP_PATHS = (
    "metric from OTLP to PromQL",
    "log line from OTLP to LogQL",
    "trace from OTLP to TraceQL",
    "span metrics from OTLP to exemplar",
    "alert from OTLP to receiver",
)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A healthy estate."""
    return place(World(), monkeypatch)


def place(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Makes the engine tell of `world`, whose Loki prints a line whenever its log is looked at."""

    @contextmanager
    def connect(timeout: int = 0) -> Iterator[None]:
        yield None

    def last_line(docker: object, container: Running) -> Line:
        return world.printed(container.service, "a line", age=0 if container.service == "loki" else 60)

    monkeypatch.setattr(engine, "connect", connect)
    monkeypatch.setattr(engine, "containers", lambda docker, estate, environment: world.running())
    monkeypatch.setattr(engine, "last_lines", lambda docker, name: "")
    monkeypatch.setattr(containers, "out_of_memory", lambda docker, estate, environment: {})
    monkeypatch.setattr(proof, "_last_line", last_line)
    monkeypatch.setattr(proof, "docker_lines", lambda docker, container, *, tail, since: [])
    monkeypatch.setattr(proof, "_archived", lambda docker, site: Held())
    return world


def prove(world: World, seen: list[Check] | None = None, seconds: float = 2) -> Report:
    """Runs every check; `seen` takes what progress tells."""
    heard = [] if seen is None else seen
    return proof.run(world.environment, deadline_seconds=seconds, progress=heard.append, client=world.client())


def reds(report: Report) -> list[str]:
    """The names of the red checks, in the order of the report."""
    return [check.name for check in report.failures]


def test_a_healthy_estate_is_green(world: World) -> None:
    """Every service has its container, its way to be reached, and its log; at ports that are nobody's defaults."""
    seen: list[Check] = []
    report = prove(world, seen)
    assert not report.failures, report.failures
    assert report.exit_code == 0
    names = {check.name for check in report.checks}
    for service in world.environment.estate.services:
        assert {f"container {service.name}", f"reached {service.name}", f"log of {service.name} in Loki"} <= names
    unproved = [check.name for check in report.checks if check.outcome is Outcome.NOT_VERIFIABLE]
    assert unproved == []
    assert {check.name for check in seen} <= names


def test_every_check_is_in_a_group_and_the_groups_are_in_their_order(world: World) -> None:
    """The six tests of the systems replaced, none of them empty; this environment has no hosts."""
    groups = [check.group for check in prove(world).checks]
    assert list(dict.fromkeys(groups)) == [str(group) for group in Group if group is not Group.HOSTS]
    assert groups == sorted(groups, key=[str(group) for group in Group].index)


def test_a_signal_of_every_kind_is_followed(world: World) -> None:
    """Metric, log line, trace, what is made of it, alert, and a container's own log; each with its hops."""
    followed = {check.name: len(check.hops) for check in prove(world).checks if check.hops}
    assert followed == {
        "metric from OTLP to PromQL": 3,
        "log line from OTLP to LogQL": 3,
        "trace from OTLP to TraceQL": 4,
        "span metrics from OTLP to exemplar": 5,
        "alert from OTLP to receiver": 6,
        "container log from engine to LogQL": 4,
    }


def test_the_report_is_in_the_same_order_each_time(world: World) -> None:
    """Checks run at the same time; a reader and a diff see them in one order."""
    assert [check.name for check in prove(world).checks] == [check.name for check in prove(world).checks]


@pytest.mark.parametrize(
    ("service", "red"),
    [
        ("loki", ["container loki", "log line from OTLP to LogQL"]),
        ("prometheus", ["container prometheus", "metric from OTLP to PromQL"]),
        ("tempo", ["container tempo", "trace from OTLP to TraceQL"]),
        ("collector", ["container collector", "metric from OTLP to PromQL"]),
        ("alertmanager", ["container alertmanager", "alert from OTLP to receiver"]),
        ("alert-sink", ["container alert-sink", "alert from OTLP to receiver"]),
        ("log-agent", ["container log-agent", "container log from engine to LogQL"]),
        ("socket-proxy", ["container socket-proxy", "container log from engine to LogQL"]),
        ("node-exporter", ["container node-exporter"]),
    ],
)
def test_a_paused_service_is_one_cause_and_the_first_signal_lost_to_it(
    world: World, service: str, red: list[str]
) -> None:
    """The cause comes first; nothing is waited for, and nothing else is red."""
    world.halted[service] = "paused"
    started = time.monotonic()
    report = prove(world, seconds=60)
    assert time.monotonic() - started < 20
    assert reds(report) == red
    assert {check.service for check in report.failures} == {service}


@pytest.mark.parametrize(
    ("without", "unproved"),
    [
        ({"tempo"}, {"trace from OTLP to TraceQL": "tempo"}),
        ({"alertmanager"}, {"alert from OTLP to receiver": "alertmanager, alert-sink"}),
        (
            {"tempo", "collector"},
            dict.fromkeys(OTLP_PATHS, "collector") | {"trace from OTLP to TraceQL": "collector, tempo"},
        ),
        (
            {"tempo", "collector", "alertmanager"},
            dict.fromkeys(OTLP_PATHS, "collector")
            | {
                "trace from OTLP to TraceQL": "collector, tempo",
                "alert from OTLP to receiver": "collector, alertmanager, alert-sink",
            },
        ),
    ],
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, set) else "",
)
def test_what_the_environment_does_without_is_said(
    monkeypatch: pytest.MonkeyPatch, without: set[str], unproved: dict[str, str]
) -> None:
    """A smaller stack is green, has no check of what it lacks, and says which signals it has no way for."""
    spec = Environment.model_validate({**DECLARED, **{name: {"enabled": False} for name in without}})
    report = prove(place(World(declared(spec)), monkeypatch))
    assert not report.failures, report.failures
    said = {check.name: check.seen for check in report.checks if check.outcome is Outcome.NOT_VERIFIABLE}
    assert said == {name: f"the environment is declared without {lacking}" for name, lacking in unproved.items()}
    assert not {check.service for check in report.checks} & without


EXISTING = "http://store.example.org:29090"


def _borrowing(monkeypatch: pytest.MonkeyPatch) -> World:
    declares = {key: value for key, value in DECLARED.items() if key != "prometheus"}
    spec = Environment.model_validate({**declares, "prometheus": {"existing": EXISTING}})
    return place(World(declared(spec)), monkeypatch)


def test_a_prometheus_that_others_run_is_proved_like_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reached at its own address, its targets and every signal's way through it are looked at; it has no
    container, volume or retention here to look at.
    """
    report = prove(_borrowing(monkeypatch))
    assert not report.failures, report.failures
    found = {check.name: check.outcome for check in report.checks}
    for name in ("reached prometheus", "scrape target loki", "probe of prometheus", *OTLP_PATHS):
        assert found[name] is Outcome.PASS, name
    absent = ("container", "config", "data prometheus", "retention", "losses of")
    assert not [name for name in found if name.endswith("prometheus") and name.startswith(absent)]


def test_a_prometheus_that_others_run_and_that_is_silent_is_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own check first, then the first signal that is lost to it; who runs it is to be asked."""
    world = _borrowing(monkeypatch)
    for path in ("/-/ready", "/api/v1/targets", "/api/v1/query", "/api/v1/alerts", "/api/v1/query_exemplars"):
        world.lost[f"prometheus:{path}"] = httpx.ConnectError("[Errno 111] Connection refused")
    report = prove(world)
    assert reds(report) == ["reached prometheus", "metric from OTLP to PromQL"]
    assert all(EXISTING in check.remedy for check in report.failures)


def test_a_prometheus_that_others_run_has_to_load_what_is_written_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither `up` nor its container helps when the jobs or the rule are not in its config: they have to be loaded."""
    world = _borrowing(monkeypatch)
    world.targets.clear()
    world.stores.stuck.add("rule")
    report = prove(world)
    names = reds(report)
    assert names == ["scrape targets", "alert from OTLP to receiver"], names
    for check in report.failures:
        assert "pointsman spec prometheus" in check.remedy, check


def test_an_answer_nobody_expects_is_red_and_the_other_checks_go_on(world: World) -> None:
    """Another program on Prometheus's port answers with JSON of another shape."""
    world.answers["/api/v1/targets"] = httpx.Response(200, json={"data": {"activeTargets": [{"who": "else"}]}})
    report = prove(world)
    assert reds(report) == ["scrape targets"]
    assert report.exit_code == 1


def test_nothing_answering_is_red_within_the_deadline(world: World) -> None:
    """A machine where every port is refused: red and quick, with nothing skipped and nothing green by mistake."""
    world.refused = True
    started = time.monotonic()
    report = prove(world)
    assert time.monotonic() - started < 10
    green = {check.name for check in report.checks if check.outcome is Outcome.PASS}
    assert all(name.startswith(("container ", "config ", "data ")) for name in green), green
    published = [each.name for each in world.environment.estate.services if each.published]
    assert {f"reached {name}" for name in published} <= set(reds(report))
