"""Hosts as plain `verify` sees them: by Docker, Prometheus and the GitHub exporter, without a login."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from pointsman.checks import Check, Outcome
from pointsman.github.errors import GitHubDown
from pointsman.github.model import Runner
from pointsman.hosts.planning import HostPlan, Registration
from pointsman.hosts.sight import STATE
from pointsman.services import github_exporter
from pointsman.services.model import Exposed, Service
from pointsman.targets.docker.container import plan
from pointsman.targets.docker.engine import Running
from pointsman.verify.hosts import hosts
from pointsman.verify.scraping import targets
from tests.unit.verify.doubles import SPEC, World, declared, target
from tests.unit.verify.stores import data

HOST, OTHER = "runner-1", "runner-2"
PAGE = 'pointsman_github_runners 2\npointsman_github_runner_online{runner="runner-1"} 1\n'
PAGE += 'pointsman_github_runner_online{runner="runner-2"} 1\n'
STATES = {HOST: "active", OTHER: "active"}


def world(page: str = PAGE, states: dict[str, str] = STATES, **lost: str) -> World:
    """Two hosts; `lost` are the errors of exporters' scrapes, by host and exporter with two underscores."""
    made = declared()
    exporter = Service(github_exporter.NAME, "github-exporter", (), (Exposed("http", 9103, 19999, "p"),), 1, 1)
    plans = {**made.plans, exporter.name: plan(exporter, "test", "sha256:x", 10, "127.0.0.1", SPEC.container_logs)}
    estate = replace(made.estate, runners=(exporter,))
    found = World(replace(made, estate=estate, plans=plans, hosts=(_host(HOST), _host(OTHER))))
    for host in (HOST, OTHER):
        for kind in ("node", "runner"):
            error = lost.get(f"{host.replace('-', '_')}__{kind}", "")
            each = target(f"hosts-{kind}", f"{host}:1", health="down" if error else "up", error=error)
            each["labels"]["host"] = host
            found.targets[f"hosts-{kind}", host] = each
    found.answers["/metrics"] = httpx.Response(200, text=page)
    rows = [
        {"metric": {"__name__": STATE, "host": host, "state": state}, "value": [0, "1"]}
        for host, state in states.items()
    ]
    found.answers["prometheus:/api/v1/query"] = data({"result": rows})
    return found


def _host(name: str) -> HostPlan:
    registration = Registration("http://github", "", {"file": "/t"}, name, ("deploy",), "", "persistent", 30.0)
    return HostPlan(name, True, 2201, 2**30, 1.0, {"exporters_enabled": ["node", "runner"]}, registration, "/w")


def containers(**changes: Any) -> dict[str, Running | None]:
    """Both containers as they should be; `changes` are made to the second."""
    now = datetime.now(UTC) - timedelta(hours=1)
    good = Running("", "pointsman-test-x", "id", "sha256:i", "pointsman/runner-host:1", "f", "running", now, 0, 0)
    return {HOST: good, OTHER: replace(good, **changes)}


def red(checks: list[Check]) -> list[tuple[str, str]]:
    """The red ones, by name and host."""
    return [(check.name, check.service) for check in checks if check.outcome is Outcome.FAIL]


def test_hosts_that_are_well_are_proved() -> None:
    """Five checks of each, all green."""
    found = hosts(world().site(), containers())
    assert len(found) == 10
    assert {check.outcome for check in found} == {Outcome.PASS}


def test_a_service_that_is_stopped_is_one_red_check() -> None:
    """That GitHub calls it offline follows from it."""
    page = PAGE.replace('runner-2"} 1', 'runner-2"} 0')
    found = hosts(world(page, STATES | {OTHER: "inactive"}).site(), containers())
    assert red(found) == [(f"runner service of {OTHER}", OTHER)]
    (check,) = (each for each in found if each.outcome is Outcome.FAIL)
    assert (check.seen, check.remedy) == ("inactive", f"pointsman runner restore {OTHER} --env test")


@pytest.mark.parametrize("status", ["gone", "exited", "paused"])
def test_a_host_that_is_gone_is_one_red_check(status: str) -> None:
    """Exporters, service and GitHub follow."""
    found = containers(status=status)
    lost = world(PAGE, {HOST: "active"}, runner_2__node="refused", runner_2__runner="refused")
    checks = hosts(lost.site(), found | {OTHER: None} if status == "gone" else found)
    assert red(checks) == [(f"host {OTHER}", OTHER)]


@pytest.mark.parametrize(
    ("page", "seen"),
    [
        (PAGE.replace('pointsman_github_runner_online{runner="runner-2"} 1\n', ""), "it knows no runner runner-2"),
        (PAGE.replace('runner-2"} 1', 'runner-2"} 0'), "runner-2 is offline"),
    ],
)
def test_a_runner_that_github_does_not_have_online(page: str, seen: str) -> None:
    """Its service may well run."""
    offline = Runner(2, OTHER, "linux", "offline", False, ())
    fresh = offline if OTHER in seen and "offline" in seen else None
    found = hosts(world(page).site(), containers(), lambda registration: fresh)
    assert red(found) == [(f"GitHub's word on {OTHER}", OTHER)]
    assert next(check.seen for check in found if check.outcome is Outcome.FAIL) == seen


def test_github_itself_has_the_last_word() -> None:
    """A runner that came online since the exporter asked is online; without an answer nothing is known."""
    page = PAGE.replace('runner-2"} 1', 'runner-2"} 0')
    online = Runner(2, OTHER, "linux", "online", False, ())
    assert not red(hosts(world(page).site(), containers(), lambda registration: online))

    def down(registration: Registration) -> Runner:
        raise GitHubDown("no answer")

    found = hosts(world(page).site(), containers(), down)
    assert not red(found)
    assert next(check.seen for check in found if check.outcome is not Outcome.PASS).endswith("no answer")


def test_an_exporter_that_is_not_scraped_is_named_with_its_error() -> None:
    """The other one of the host is not."""
    found = hosts(world(runner_1__node="context deadline exceeded").site(), containers())
    assert red(found) == [(f"node exporter of {HOST}", HOST)]
    assert "context deadline exceeded" in next(check.seen for check in found if check.outcome is Outcome.FAIL)


def test_a_busy_host_may_answer_too_late_once() -> None:
    """An exporter that was down is looked at again after its next scrape, and is well if that one succeeded."""
    late = world(runner_1__node="context deadline exceeded")
    key = ("hosts-node", HOST)
    late.targets[key] |= {"scrapeInterval": "3s", "lastScrape": datetime.now(UTC).isoformat()}
    well = late.targets[key] | {"health": "up", "lastScrape": "2030-01-01T00:00:00Z"}

    class Looked(dict[tuple[str, str], dict[str, Any]]):
        """Targets of which one is well once they were looked at."""

        def values(self) -> Any:
            seen = list(super().values())
            self[key] = well
            return seen

    late.targets = Looked(late.targets)
    assert not red(hosts(late.site(), containers()))


def test_what_cannot_be_asked_is_not_verifiable() -> None:
    """Prometheus or the exporter that is down is another check's fault; GitHub that is down is told as such."""
    silent = world()
    silent.answers["prometheus:/api/v1/targets"] = httpx.Response(503, text="starting")
    silent.answers["/metrics"] = httpx.Response(503, text="starting")
    assert not red(hosts(silent.site(), containers()))
    failing = world(PAGE + 'pointsman_github_reading_failed{reading="runners"} 1\n')
    found = [check for check in hosts(failing.site(), containers()) if check.name.startswith("GitHub's word")]
    assert {check.outcome for check in found} == {Outcome.NOT_VERIFIABLE}


def test_a_scrape_that_is_due_is_waited_for() -> None:
    """What was seen before may be over: the state of the service is that of the next scrape."""
    fresh = world()
    stamp = (datetime.now(UTC) - timedelta(seconds=4)).isoformat().replace("+00:00", "123Z")
    for host in (HOST, OTHER):
        fresh.targets["hosts-runner", host] |= {"lastScrape": stamp, "scrapeInterval": "5s"}
    hosts(fresh.site(patience=0.3), containers())
    asked = [request for request in fresh.requests if request.url.path == "/api/v1/query"]
    assert len(asked) > 1


def test_jobs_of_hosts_are_no_strangers_to_the_check_of_targets() -> None:
    """They are shown with their hosts, and only there."""
    found = targets(world().site())
    assert not [check for check in found if "hosts-" in check.name]
