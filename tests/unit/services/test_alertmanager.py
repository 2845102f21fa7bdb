"""Where alerts go: Alertmanager's routes walked as Alertmanager walks them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from pointsman.services import alert_sink
from pointsman.signals import stack, verification
from tests.unit.services.cases import CASES, Case, config_of, named

MATCHER = re.compile(r'(\w+)(=~|=)"(.*)"')
SINK = alert_sink.NAME
VERIFY = {"alertname": verification.ALERT, "severity": "none", "run": "4f1c"}
WITH = {name: case for name, case in CASES.items() if case.spec.alertmanager.enabled}
WATCHDOG = {"alertname": stack.WATCHDOG, "severity": "none"}

every_such_case = pytest.mark.parametrize("case", WITH.values(), ids=WITH.keys())


def config(case: Case) -> dict[str, Any]:
    """Alertmanager's config, read back."""
    found: dict[str, Any] = config_of(case, "alertmanager", "alertmanager.yml")
    return found


def fits(route: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether all matchers of a route hold; patterns are anchored on both sides."""
    for written in route["matchers"]:
        found = MATCHER.fullmatch(written)
        assert found, written
        label, operator, value = found.groups()
        mine = labels.get(label, "")
        if not (re.fullmatch(value, mine) if operator == "=~" else mine == value):
            return False
    return True


def told(case: Case, labels: Mapping[str, str]) -> list[str]:
    """The receivers of an alert, in order."""

    def walk(route: Mapping[str, Any]) -> Iterator[str]:
        reached = False
        for below in route.get("routes", ()):
            if fits(below, labels):
                reached = True
                yield from walk({"receiver": route["receiver"], **below})
                if not below.get("continue"):
                    break
        if not reached:
            yield route["receiver"]

    return list(walk(config(case)["route"]))


def severities(case: Case) -> Iterator[str]:
    """All that an alert may carry, and what none of ours does."""
    yield from ("critical", "warning", "info", "none", "page", "")


@every_such_case
def test_every_receiver_of_a_route_exists(case: Case) -> None:
    """And every receiver is the end of a route."""
    route = config(case)["route"]
    named_by_routes = {route["receiver"], *(below["receiver"] for below in route["routes"])}
    receivers = [each["name"] for each in config(case)["receivers"]]
    assert named_by_routes == set(receivers)
    assert len(set(receivers)) == len(receivers)


@every_such_case
def test_the_sink_gets_every_alert_once(case: Case) -> None:
    """Whatever an alert carries, and whoever else is told."""
    for severity in severities(case):
        labels = {"alertname": "Any", **({"severity": severity} if severity else {})}
        assert told(case, labels).count(SINK) == 1, labels
    assert told(case, WATCHDOG) == [SINK]


@every_such_case
def test_the_proof_of_alerts_disturbs_nobody(case: Case) -> None:
    """The alert that `pointsman verify` fires goes to the sink and nowhere else, at once, each run by itself."""
    assert told(case, VERIFY) == [SINK]
    first = config(case)["route"]["routes"][0]
    assert fits(first, VERIFY)
    assert first["group_wait"] == "0s"
    assert "run" in first["group_by"]


@pytest.mark.parametrize(
    ("severity", "receivers"),
    [
        ("critical", ["on-call", "team-chat", SINK]),
        ("warning", ["team-chat", SINK]),
        ("info", [SINK]),
        ("none", [SINK]),
    ],
)
def test_receivers_get_the_severities_that_they_asked_for(severity: str, receivers: list[str]) -> None:
    """Two that ask for the same are both told."""
    assert told(CASES["full"], {"alertname": "Any", "severity": severity}) == receivers


@every_such_case
def test_webhooks_are_posted_where_they_are_taken(case: Case) -> None:
    """The sink by its name on the network, the declared ones where the spec says."""
    urls = {each["name"]: each["webhook_configs"][0]["url"] for each in config(case)["receivers"]}
    sink = named(case, SINK)
    declared = {each.name: each.url for each in case.spec.alertmanager.receivers}
    assert urls == {SINK: f"http://{sink.address()}{alert_sink.WEBHOOK}", **declared}


@every_such_case
def test_timing_is_the_spec_s(case: Case) -> None:
    """The default route waits as declared."""
    route, declared = config(case)["route"], case.spec.alertmanager
    for key in ("group_wait", "group_interval", "repeat_interval"):
        assert route[key] == getattr(declared, key)
