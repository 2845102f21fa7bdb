"""Log lines followed to their end in Loki."""

from __future__ import annotations

import time
from dataclasses import replace

import httpx
import pytest

from pointsman.checks import Check, Outcome, failed, passed
from pointsman.logs import Line
from pointsman.verify.log_flow import container_line, labels, passed_on, round_trip
from pointsman.verify.site import Site
from tests.unit.verify.doubles import World, running

TRICKY = [
    'level=info msg="with \\"quotes\\" and `backticks`"',
    "\x1b[32mcoloured\x1b[0m",
    '{looks="like"} |= `LogQL` \\d+ %s',
    "x" * 40_000,
    "umlauts äöü and 漢字",
]


def test_a_pushed_line_is_found_and_its_labels_are_bounded() -> None:
    """The fresh id is in the line and not in a label."""
    world = World()
    assert round_trip(world.site()).outcome is Outcome.PASS
    assert round_trip(world.site()).outcome is Outcome.PASS
    streams = [body["streams"][0]["stream"] for body in world.bodies("/loki/api/v1/push")]
    assert streams[0] == streams[1] == {"environment": "test", "service": "pointsman-verify", "stream": "verify"}


@pytest.mark.parametrize(("ingest", "refusal", "hop"), [(True, 429, "hop 1"), (False, 0, "hop 2")])
def test_the_first_lost_hop_is_named(ingest: bool, refusal: int, hop: str) -> None:
    """Refused at the push, or accepted and never returned."""
    answers = {"/loki/api/v1/push": httpx.Response(refusal, text="rate limit")} if refusal else {}
    check = round_trip(World(ingest=ingest, answers=answers).site())
    assert check.outcome is Outcome.FAIL
    assert check.seen.startswith(f"lost at {hop}")


@pytest.mark.parametrize("text", TRICKY)
def test_any_last_line_of_a_container_is_found(text: str) -> None:
    """Whatever a line holds, it is looked for by its time and compared whole, and never becomes part of a query."""
    world = World()
    line = world.printed("loki", text)
    assert container_line(world.site(), world.environment.service("loki"), line).outcome is Outcome.PASS
    assert text not in str(world.requests[-1].url)


def test_a_line_with_the_time_but_not_the_text_of_the_last_one_is_not_it() -> None:
    """Another line of the same moment proves nothing."""
    world = World()
    line = world.printed("loki", "one")
    check = container_line(world.site(), world.environment.service("loki"), Line(line.at, "loki", "two"))
    assert check.outcome is Outcome.FAIL
    assert "two" in check.expected


def test_lines_of_other_services_do_not_count() -> None:
    """The line must carry the label of the service that printed it."""
    world = World()
    line = world.printed("prometheus", "one")
    check = container_line(world.site(), world.environment.service("loki"), replace(line, service="loki"))
    assert check.outcome is Outcome.FAIL


def test_what_loki_need_not_have_is_not_verifiable() -> None:
    """A container that never printed, and a last line older than Loki keeps."""
    world = World()
    loki = world.environment.service("loki")
    assert container_line(world.site(), loki, None).outcome is Outcome.NOT_VERIFIABLE
    old = Line(time.time_ns() - 4 * 86400 * 10**9, "loki", "long ago")
    check = container_line(world.site(), loki, old)
    assert check.outcome is Outcome.NOT_VERIFIABLE
    assert "96 h old, Loki keeps 72 h" in check.seen


@pytest.mark.parametrize("name", ["socket-proxy", "loki", "log-agent"])
def test_a_halted_container_on_the_way_is_the_lost_hop(name: str) -> None:
    """The way of a line is engine, socket proxy, agent, Loki: the one that does not run is named, without waiting."""
    world = World()
    line = world.printed("prometheus", "one")
    found = running(world.environment)
    found[name] = replace(found[name], status="paused")
    healthy = world.site()
    site = Site(world.environment, found, healthy.client, healthy.deadline)
    check = container_line(site, world.environment.service("prometheus"), line)
    assert check.outcome is Outcome.FAIL
    assert f"pointsman-test-{name} is paused" in check.seen
    assert check.remedy == f"docker unpause pointsman-test-{name}"


def test_a_label_beyond_the_bounded_ones_is_red() -> None:
    """A label such as an id makes a stream of each of its values."""
    assert labels(World().site()).outcome is Outcome.PASS
    check = labels(World(labels=("environment", "service", "run_id")).site())
    assert check.outcome is Outcome.FAIL
    assert check.seen == "also run_id"


@pytest.mark.parametrize(
    ("age", "check", "outcome"),
    [
        (-1, passed("log", "arrived"), Outcome.PASS),
        (-1, failed("log", "lost", expected="", remedy=""), Outcome.FAIL),
        (60, passed("log", "arrived"), Outcome.NOT_VERIFIABLE),
    ],
)
def test_the_proxy_is_proved_only_by_a_line_printed_during_the_run(age: float, check: Check, outcome: Outcome) -> None:
    """A line that was in Loki before proves nothing of a proxy that may have died since."""
    world, began = World(), time.time_ns()
    lines: dict[str, Line | None] = {"loki": Line(began - int(age * 10**9), "loki", "one")}
    proxy = world.environment.service("socket-proxy")
    assert passed_on(world.site(), proxy, began, lines, [check]).outcome is outcome
