"""A metric followed to its end."""

from __future__ import annotations

import httpx

from pointsman.checks import Outcome
from pointsman.verify.metric_flow import QUERY, round_trip
from tests.unit.verify.doubles import World

PUSH = "/v1/metrics"


def test_a_metric_that_arrives_leaves_no_new_series() -> None:
    """What is fresh is the value: the labels of two runs are the same, so that verify can run for ever."""
    world = World()
    assert round_trip(world.site()).outcome is Outcome.PASS
    assert round_trip(world.site()).outcome is Outcome.PASS
    assert len(world.stores.series) == 1
    values = {value for _, _, value, _ in world.stores.samples}
    assert len(values) == 2


def test_every_hop_is_told_with_its_time() -> None:
    """The report has the way as data, not only as text."""
    check = round_trip(World().site())
    assert [(hop.name, hop.service) for hop in check.hops] == [
        ("OTLP accepted", "collector"),
        ("passed on to prometheus", "collector"),
        ("PromQL", "prometheus"),
    ]
    assert all(hop.outcome is Outcome.PASS and hop.seconds < 1 for hop in check.hops)


def test_a_metric_that_is_refused_is_lost_at_the_first_hop() -> None:
    """The first lost hop is named, with what was seen there; the others were not looked at."""
    check = round_trip(World(answers={PUSH: httpx.Response(400, text="cannot unmarshal")}).site())
    assert check.outcome is Outcome.FAIL
    assert check.seen.startswith("lost at hop 1 of 3, OTLP accepted (collector)")
    assert "cannot unmarshal" in check.seen
    outcomes = [hop.outcome for hop in check.hops]
    assert outcomes == [Outcome.FAIL, Outcome.NOT_VERIFIABLE, Outcome.NOT_VERIFIABLE]


def test_a_partial_success_is_no_success() -> None:
    """A Collector that answers 200 and rejects the point in the body has lost it."""
    partial = {"partialSuccess": {"rejectedDataPoints": "1", "errorMessage": "too old"}}
    check = round_trip(World(answers={PUSH: httpx.Response(200, json=partial)}).site())
    assert "hop 1 of 3" in check.seen
    assert "1 rejected: too old" in check.seen


def test_a_metric_that_stays_in_the_collector_is_lost_at_the_second_hop() -> None:
    """The Collector's own counters tell what became of it."""
    world = World()
    world.stores.stuck.add("metrics")
    check = round_trip(world.site())
    assert check.seen.startswith("lost at hop 2 of 3, passed on to prometheus (collector)")
    assert "1 taken in, 0 sent by otlp_http/metrics" in check.seen


def test_the_value_of_another_run_is_not_taken_for_this_one() -> None:
    """A series that has samples, but not this one, is a loss at the last hop."""
    other = {"metric": {}, "values": [[0, "1"], [0, "2"]]}
    world = World(answers={QUERY: httpx.Response(200, json={"data": {"result": [other]}})})
    check = round_trip(world.site())
    assert check.seen.startswith("lost at hop 3 of 3, PromQL (prometheus): 2 other values, not this one")


def test_an_answer_that_is_not_prometheus_is_lost_at_the_last_hop() -> None:
    """Another program on the port does not end in a traceback."""
    world = World(answers={QUERY: httpx.Response(200, text="<html>")})
    assert "answered without data" in round_trip(world.site()).seen


def test_what_is_halted_is_not_waited_for() -> None:
    """The hop before a paused store cannot hold; the store is named, at once."""
    world = World(halted={"prometheus": "paused"})
    check = round_trip(world.site(patience=60))
    assert check.seen == "lost at hop 3 of 3, PromQL (prometheus): pointsman-test-prometheus is paused"
    assert check.remedy == "docker unpause pointsman-test-prometheus"
    assert check.service == "prometheus"
    assert [hop.outcome for hop in check.hops] == [Outcome.PASS, Outcome.NOT_VERIFIABLE, Outcome.FAIL]
