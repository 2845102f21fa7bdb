"""The rows of runner hosts: what Docker and Prometheus tell of each, and what is red."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from pointsman.hosts.planning import HostPlan, Registration
from pointsman.hosts.sight import (
    ACTIVE,
    BOOTED,
    FREE,
    JOB_RUNNING,
    ONLINE,
    READING_FAILED,
    RUNNERS,
    SIZE,
    STATE,
    TARGETS,
    VERSION,
    Sight,
    expression,
    sight,
)
from pointsman.status import READY, HostRow
from pointsman.status.hosts import UNSEEN, row
from pointsman.targets.docker.engine import Running
from tests.unit.services.cases import EXISTING, Case
from tests.unit.status.world import MIB, World, declared
from tests.unit.verify.doubles import target

HOST = "runner-1"
REGISTRATION = Registration("http://g", "", {"file": "/t"}, HOST, ("deploy", "linux"), "", "persistent", 30.0)
VARIABLES = {"exporters_enabled": ["node", "runner"], "ansible_host": "127.0.0.1", "ansible_port": 2201}
PLAN = HostPlan(HOST, True, 2201, 512 * MIB, 1.0, VARIABLES, REGISTRATION, "/w")
MACHINE = replace(PLAN, container=False, variables={"exporters_enabled": ["node", "runner"]})


def container(**changes: Any) -> Running:
    """The container of the host, up for a minute."""
    lately = datetime.now(UTC) - timedelta(seconds=60)
    good = Running("", "pointsman-dev-runner-1", "id", "sha256:i", "pointsman/host:1", "f", "running", lately, 0, 0)
    return replace(good, **changes)


@dataclass
class Told:
    """What Prometheus tells of a host that is well and idle; a test changes what it wants changed.

    `values` are by metric, None for one that is not there; `errors` are of scrapes, by exporter.
    """

    values: Mapping[str, float | None] = field(default_factory=dict)
    state: str | None = "active"
    errors: Mapping[str, str] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    def targets(self) -> list[dict[str, Any]]:
        found = []
        for kind in ("node", "runner"):
            error = self.errors.get(kind, "")
            health = "unknown" if error == "unknown" else "down" if error else "up"
            each = target(f"hosts-{kind}", f"{HOST}:1", health=health, error=error)
            each["labels"] |= {"host": HOST, **self.labels}
            if kind not in self.lacking:
                found.append(each)
        return found

    def series(self) -> list[dict[str, Any]]:
        own = {"host": HOST, **self.labels}
        found = [
            self._series(JOB_RUNNING, 0, own),
            self._series(VERSION, 1, own | {"version": "2.336.0", "source": "log"}),
            self._series(FREE, 3 * MIB, own | {"folder": "work"}),
            self._series(FREE, 7, own | {"folder": "diag"}),
            self._series(SIZE, 64 * MIB, own | {"folder": "work"}),
            self._series(BOOTED, time.time() - 3600, own),
            self._series(RUNNERS, 1, {}),
            self._series(READING_FAILED, 0, {"reading": "runners"}),
            self._series(ONLINE, 1, {"runner": HOST}),
            self._series(ONLINE, 0, {"runner": "another"}),
        ]
        if self.state is not None:
            found.append(self._series(ACTIVE, self.state == "active", own))
            found += [
                self._series(STATE, each == self.state, own | {"state": each})
                for each in ("active", "failed", "inactive")
            ]
        return [each for each in found if each]

    def sight(self, environment: str = "") -> Sight:
        return sight(self.targets(), self.series(), environment)

    def _series(self, name: str, value: float, labels: Mapping[str, str]) -> dict[str, Any] | None:
        wanted = value if labels.get("runner") == "another" else self.values.get(name, value)
        if wanted is None:
            return None
        return {"metric": {"__name__": name, **labels}, "value": [time.time(), str(float(wanted))]}


def health(told: Told, plan: HostPlan = PLAN) -> str:
    """Of a host whose container runs."""
    return row(plan, container(), told.sight()).health


def test_a_host_that_is_well() -> None:
    """Everything that is told of it stands in its row; the folder of logs is not the one of work."""
    found = row(PLAN, container(), Told().sight())
    assert found.good
    assert found.uptime == pytest.approx(60, abs=5), "the container's, not its kernel's"
    assert replace(found, uptime=None) == HostRow(
        host=HOST,
        state="running",
        health=READY,
        labels=("deploy", "linux"),
        version="2.336.0",
        job=False,
        free=3 * MIB,
        size=64 * MIB,
        address="127.0.0.1:2201",
    )
    assert row(PLAN, container(), Told({JOB_RUNNING: 1}).sight()).job is True


@pytest.mark.parametrize(
    ("found", "state", "said"),
    [
        (None, "missing", "no such container"),
        (container(status="paused"), "paused", "paused; docker unpause pointsman-dev-runner-1"),
        (container(status="exited", exit_code=137), "exited", "exited: exit code 137"),
        (
            container(status="exited", exit_code=137, killed_for_memory=True),
            "exited",
            "exited: exit code 137, out of memory: its limit is 512 MiB",
        ),
    ],
    ids=["gone", "paused", "exited", "out of memory"],
)
def test_a_container_that_does_not_run(found: Running | None, state: str, said: str) -> None:
    """Its own reason, in the words of the services' rows, also while the last scrape still says that all is well."""
    seen = row(PLAN, found, Told().sight())
    assert (seen.good, seen.state, seen.health) == (False, state, said)
    assert (seen.version, seen.job, seen.free) == ("", None, None), "what was scraped before is not what is now"
    assert row(PLAN, found, None).health == said


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (Told(state="failed"), "runner service failed"),
        (Told({ONLINE: 0}, state="inactive"), "runner service inactive"),
        (Told(state=None), "runner service unknown: its exporter could not read it"),
        (Told({ONLINE: 0}), "offline at GitHub"),
        (Told({ONLINE: None}), "GitHub knows no runner runner-1"),
        (
            Told({ONLINE: 0}, state=None, errors={"runner": 'Get "http://a:1/metrics": dial tcp: connection refused'}),
            "runner exporter down: dial tcp: connection refused",
        ),
        (
            Told(state=None, errors={"node": "no route to host", "runner": "no route to host"}),
            "node and runner exporters down: no route to host",
        ),
        (Told(state=None, errors={"runner": "unknown"}), "runner exporter not scraped yet"),
        (Told(lacking=("node",)), "node exporter not scraped: Prometheus does not have it"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_the_reason_of_a_host_that_is_not_well(told: Told, said: str) -> None:
    """The first that explains the rest: a service that does not run is offline at GitHub, too."""
    assert health(told) == said
    assert row(MACHINE, None, told.sight()).health == said, "a machine is judged by the same"


@pytest.mark.parametrize(
    "values",
    [{ONLINE: 0, READING_FAILED: 1}, {ONLINE: None, READING_FAILED: 1}, {ONLINE: None, RUNNERS: None}],
    ids=["old word", "no word", "no exporter"],
)
def test_what_github_did_not_tell_lately_is_not_held_against_a_host(values: dict[str, float | None]) -> None:
    """Its exporter that cannot ask, or is not there, is another row's fault."""
    assert health(Told(values)) == READY


def test_a_machine_is_known_by_what_prometheus_tells() -> None:
    """Its uptime is its kernel's; without Prometheus nothing is known of it, and nothing is called well."""
    found = row(MACHINE, None, Told().sight())
    assert (found.state, found.health, found.address) == ("machine", READY, "runner-1:22")
    assert found.uptime == pytest.approx(3600, abs=5)
    unseen = row(MACHINE, None, None)
    assert (unseen.good, unseen.health, unseen.uptime, unseen.job) == (False, UNSEEN, None, None)


def test_a_host_that_nothing_is_declared_to_tell_of() -> None:
    """A container is known by running, a machine by nothing; neither is a fault. No runner, no word of GitHub."""
    bare = {"ansible_host": "192.0.2.7"}
    plain = replace(PLAN, variables=bare, registration=None)
    assert row(plain, container(), None).health == READY
    found = row(replace(plain, container=False), None, Told().sight())
    assert (found.good, found.health, found.address, found.labels) == (True, "not watched", "192.0.2.7:22", ())
    monitored = replace(plain, variables={"exporters_enabled": ["node"]})
    assert health(Told({ONLINE: None}, state=None, lacking=("runner",)), monitored) == READY


def test_the_hosts_of_others_are_not_ours() -> None:
    """In a Prometheus that others run, a host of the same name is told apart by its environment."""
    assert Told(labels={"environment": "prod"}).sight("dev").targets == {}
    assert Told(labels={"environment": "dev"}).sight("dev").targets
    assert expression("dev").endswith(',environment="dev"}')


def _world(told: Told, **hosts: Running | None) -> World:
    environment = replace(declared(), hosts=(PLAN,))
    return World(environment, machines=hosts or {HOST: container()}, targets=told.targets(), series=told.series())


def test_hosts_stand_beside_the_services(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prometheus is asked twice more, and only where there are hosts; one that is red makes the whole red."""
    world = _world(Told())
    status = world.status(monkeypatch)
    assert [each.health for each in status.hosts] == [READY]
    assert status.good
    assert sorted(world.asked.count(each) for each in (TARGETS, expression())) == [1, 1]
    assert len(world.asked) == 4
    broken = _world(Told(state="failed")).status(monkeypatch)
    assert all(each.good for each in broken.services)
    assert not broken.good


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(503), httpx.Response(200, text="<html>"), httpx.Response(200, json={"data": {"result": [{}]}})],
    ids=["refused", "not JSON", "not Prometheus"],
)
def test_without_an_answer_of_prometheus(answer: httpx.Response, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host is unknown, and no traceback; that its container is gone is told all the same."""
    world = _world(Told())
    world.answers[world.port("prometheus")] = answer
    assert [each.health for each in world.status(monkeypatch).hosts] == [UNSEEN]
    world.machines = {HOST: None}
    assert [each.health for each in world.status(monkeypatch).hosts] == ["no such container"]


def test_a_prometheus_that_others_run_is_asked_for_this_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both of what is told of hosts there: targets and series."""
    told = Told(labels={"environment": "dev"})
    world = World(
        replace(declared(Case("dev", EXISTING, "promtail")), hosts=(PLAN,)),
        machines={HOST: container()},
        targets=[*told.targets(), *Told(labels={"environment": "prod"}, errors={"node": "x"}).targets()],
        series=told.series(),
    )
    assert [each.health for each in world.status(monkeypatch).hosts] == [READY]
    assert expression("dev") in world.asked
