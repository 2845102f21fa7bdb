"""An alert followed to its receiver."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from pointsman.builds.locks import first_free
from pointsman.checks import Outcome
from pointsman.paths import environment_dir
from pointsman.verify import alert_flow
from pointsman.verify.alert_flow import SLOTS, round_trip
from tests.unit.verify.doubles import World


def test_an_alert_reaches_its_receiver_and_is_resolved() -> None:
    """Six hops; afterwards nothing goes on firing."""
    world = World()
    check = round_trip(world.site())
    assert check.outcome is Outcome.PASS, check
    names = [hop.name for hop in check.hops]
    assert names[2:] == ["sample in Prometheus", "rule fires", "in Alertmanager", "at the receiver"]
    assert [value for _, _, value, _ in world.stores.samples] == [1, 0]


def test_many_alerts_are_a_bounded_number_of_series(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is fresh about a run is that its slot was free, never a label of its own."""
    monkeypatch.setattr(alert_flow, "SLOTS", SLOTS[:3])
    world = World()
    for _ in range(12):
        assert round_trip(world.site()).outcome is Outcome.PASS
    assert len(world.stores.series) <= 3


def test_two_runs_at_the_same_time_both_pass() -> None:
    """Each has a slot of its own."""
    world = World()
    with ThreadPoolExecutor(2) as pool:
        checks = list(pool.map(lambda _: round_trip(world.site()), range(2)))
    assert {check.outcome for check in checks} == {Outcome.PASS}


def test_a_slot_that_a_killed_run_left_firing_is_not_taken() -> None:
    """Its alert would be found without anything having gone its way."""
    world = World()
    for slot in SLOTS[:-1]:
        world.stores.samples.append(("pointsman_verify_alert", {"run": slot, "job": "pointsman-verify"}, 1, 0))
    assert round_trip(world.site()).outcome is Outcome.PASS
    assert world.stores.samples[-1][1]["run"] == SLOTS[-1]


def test_a_slot_that_another_run_holds_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """That run's alert does not fire yet, and its end would resolve this one's."""
    monkeypatch.setattr(alert_flow, "SLOTS", SLOTS[:2])
    world = World()
    site = world.site()
    with first_free([environment_dir(site.declared.environment) / alert_flow.LOCKS / SLOTS[0]]):
        for _ in range(4):
            assert round_trip(site).outcome is Outcome.PASS
    assert {sample[1]["run"] for sample in world.stores.samples} == {SLOTS[1]}


@pytest.mark.parametrize(
    ("stuck", "hop", "service"),
    [
        ("metrics", "hop 2 of 6, passed on to prometheus", "collector"),
        ("rule", "hop 4 of 6, rule fires", "prometheus"),
        ("route", "hop 5 of 6, in Alertmanager", "alertmanager"),
        ("receiver", "hop 6 of 6, at the receiver", "alert-sink"),
    ],
)
def test_the_first_lost_hop_of_an_alert_is_named(stuck: str, hop: str, service: str) -> None:
    """And the sample that was sent is taken back all the same."""
    world = World()
    world.stores.stuck.add(stuck)
    check = round_trip(world.site())
    assert check.seen.startswith(f"lost at {hop}")
    assert check.service == service
    assert (
        world.bodies("/v1/metrics")[-1]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["gauge"]["dataPoints"][
            0
        ]["asInt"]
        == "0"
    )


def test_a_notification_of_an_earlier_run_proves_nothing() -> None:
    """The sink still knows it when the next run takes the same slot."""
    world = World()
    for slot in SLOTS:
        alert = {"status": "firing", "labels": {"alertname": "PointsmanVerify", "run": slot}}
        world.stores.notifications.append({"received": "1", "alerts": [alert]})
    world.stores.stuck.add("receiver")
    assert "no new notification" in round_trip(world.site()).seen


def test_a_silent_sink_is_named_without_waiting() -> None:
    """A refused connection is not asked again until the deadline."""
    world = World(lost={"/notifications": httpx.ConnectError("[Errno 111] Connection refused")})
    check = round_trip(world.site(patience=30))
    assert "hop 6 of 6" in check.seen
    assert "Connection refused" in check.seen
