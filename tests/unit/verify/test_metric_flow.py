"""A metric followed to its end, and the scrape targets."""

from __future__ import annotations

import httpx

from pointsman.checks import Outcome
from pointsman.verify.metric_flow import OTLP, QUERY, TARGETS, round_trip, targets
from tests.unit.verify.doubles import World, target


def test_a_metric_that_arrives_leaves_no_new_series() -> None:
    """What is fresh is the value: the labels of two runs are the same, so that verify can run for ever."""
    world = World()
    assert round_trip(world.site()).outcome is Outcome.PASS
    assert round_trip(world.site()).outcome is Outcome.PASS
    bodies = world.bodies(OTLP)
    resources = [body["resourceMetrics"][0]["resource"] for body in bodies]
    points = [body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["gauge"]["dataPoints"][0] for body in bodies]
    assert resources[0] == resources[1]
    assert all(set(point) == {"timeUnixNano", "asInt"} for point in points)
    assert points[0]["asInt"] != points[1]["asInt"]


def test_a_metric_that_is_refused_is_lost_at_the_first_hop() -> None:
    """The first lost hop is named, with what was seen there."""
    world = World(answers={OTLP: httpx.Response(404, text="otlp write receiver needs to be enabled")})
    check = round_trip(world.site())
    assert check.outcome is Outcome.FAIL
    assert check.seen.startswith("lost at hop 1")
    assert "otlp write receiver" in check.seen


def test_the_value_of_another_run_is_not_taken_for_this_one() -> None:
    """A series that has samples, but not this one, is a loss at the second hop."""
    world = World(ingest=False, samples=[1, 2, 3])
    check = round_trip(world.site())
    assert check.outcome is Outcome.FAIL
    assert check.seen.startswith("lost at hop 2, PromQL: accepted, but not returned")


def test_an_answer_that_is_not_prometheus_is_lost_at_the_second_hop() -> None:
    """Another program on the port does not end in a traceback."""
    world = World(answers={QUERY: httpx.Response(200, text="<html>")})
    assert "answered without data" in round_trip(world.site()).seen


def test_every_target_is_a_check_and_a_renamed_job_is_still_found() -> None:
    """Own services with metrics and the spec's extra targets, also where a target's labels give another job name."""
    world = World()
    checks = {check.name: check.outcome for check in targets(world.site())}
    assert set(checks) == {
        "scrape target loki",
        "scrape target log-agent",
        "scrape target prometheus",
        "scrape target node-exporter",
        "extra target builds build-1:9100",
    }
    assert set(checks.values()) == {Outcome.PASS}


def test_an_extra_target_that_is_down_is_red_on_its_own_line_and_not_waited_for() -> None:
    """What is down outside is told with the scrape's own error, as soon as it is known."""
    world = World()
    world.targets[-1] = target("builds", "build-1:9100", health="down", error="no such host")
    red = [check for check in targets(world.site()) if check.outcome is Outcome.FAIL]
    assert [(check.name, check.seen) for check in red] == [("extra target builds build-1:9100", "down: no such host")]
    assert "stacks/test.yaml" in red[0].remedy
    assert len(world.requests) == 1


def test_a_target_that_was_never_scraped_is_not_verifiable() -> None:
    """Right after a start neither up nor down is known; the report says when it will be."""
    world = World()
    world.targets[0] = target("loki", "loki:3100", health="unknown")
    check = next(check for check in targets(world.site()) if check.name == "scrape target loki")
    assert check.outcome is Outcome.NOT_VERIFIABLE
    assert "15s" in check.seen


def test_missing_and_undeclared_jobs_are_red() -> None:
    """Prometheus runs with another config than the spec's."""
    world = World()
    world.targets[0] = target("old-job", "gone:1")
    red = {check.name: check for check in targets(world.site()) if check.outcome is Outcome.FAIL}
    assert set(red) == {"scrape target loki", "scrape job old-job"}


def test_a_halted_prometheus_is_named_without_asking_it() -> None:
    """A paused container accepts connections and says nothing: it is not waited for."""
    world = World()
    (check,) = targets(world.site(status="paused"))
    assert check.seen == "pointsman-test-prometheus is paused"
    assert check.remedy == "docker unpause pointsman-test-prometheus"
    assert not [request for request in world.requests if request.url.path == TARGETS]
