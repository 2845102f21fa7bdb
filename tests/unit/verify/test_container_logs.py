"""What containers print, followed to Loki."""

from __future__ import annotations

import time
from dataclasses import replace

import httpx
import pytest

from pointsman.checks import Outcome
from pointsman.logs import Line
from pointsman.verify import container_logs
from pointsman.verify.container_logs import carried_on, container_line, passed_on, round_trip
from tests.unit.verify.doubles import World

TRICKY = [
    'level=info msg="with \\"quotes\\" and `backticks`"',
    "\x1b[32mcoloured\x1b[0m",
    '{looks="like"} |= `LogQL` \\d+ %s',
    "x" * 40_000,
    "umlauts äöü and 漢字",
]


def test_a_fresh_line_is_followed_through_proxy_and_agent() -> None:
    """Each hop has its own evidence: the engine's log, the agent's counters, Loki's answer."""
    world = World()
    check = round_trip(world.site(), lambda name: world.printed(name, "about a query"))
    assert check.outcome is Outcome.PASS, check
    assert [(hop.name, hop.service) for hop in check.hops] == [
        ("printed by loki", "loki"),
        ("read through socket-proxy", "socket-proxy"),
        ("sent by log-agent", "log-agent"),
        ("LogQL", "loki"),
    ]
    assert passed_on(world.site(), world.environment.service("socket-proxy"), check).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("stuck", "hop", "service", "proxy"),
    [
        ("read", "hop 2 of 4, read through socket-proxy", "socket-proxy", Outcome.FAIL),
        ("sent", "hop 3 of 4, sent by log-agent", "log-agent", Outcome.PASS),
    ],
)
def test_the_first_lost_hop_is_named(stuck: str, hop: str, service: str, proxy: Outcome) -> None:
    """An agent that cannot send leaves the proxy, which it reads through, without blame."""
    world = World()
    world.stores.stuck.add(stuck)
    check = round_trip(world.site(), lambda name: world.printed(name, "about a query"))
    assert check.seen.startswith(f"lost at {hop}")
    assert check.service == service
    assert passed_on(world.site(), world.environment.service("socket-proxy"), check).outcome is proxy


def test_an_agent_that_cannot_send_stops_reading_and_the_proxy_is_not_to_blame(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its buffers were full before the run began: what it holds and does not send tells it from one that reads none."""
    monkeypatch.setattr(container_logs, "STUCK_SECONDS", 0.1)
    world = World()
    world.stores.stuck.add("read")
    world.stores.counters |= {"promtail_docker_target_entries_total": 10, "promtail_sent_entries_total": 7}
    check = round_trip(world.site(patience=1), lambda name: world.printed(name, "about a query"))
    assert check.seen.startswith("lost at hop 3 of 4, sent by log-agent (log-agent)")
    assert check.hops[1].seen == "it holds 3 lines that it read and has not sent"
    assert passed_on(world.site(), world.environment.service("socket-proxy"), check).outcome is Outcome.PASS


def test_a_silent_agent_is_not_laid_to_the_proxy() -> None:
    """Whether the proxy works cannot be seen then."""
    silent = httpx.ReadTimeout("timed out")
    world = World(lost={"log-agent:/metrics": silent})
    check = round_trip(world.site(), lambda name: world.printed(name, "about a query"))
    assert "read through socket-proxy (log-agent)" in check.seen
    assert check.service == "log-agent"
    proxy = passed_on(world.site(), world.environment.service("socket-proxy"), check)
    assert proxy.outcome is Outcome.NOT_VERIFIABLE


def test_an_old_line_proves_nothing_of_the_way() -> None:
    """A line that was in Loki before the run began went a way that may be gone."""
    world = World()
    old = world.printed("loki", "about a query", age=60)
    assert "hop 1 of 4, printed by loki (loki): no new line" in round_trip(world.site(), lambda name: old).seen


def test_a_lost_way_is_one_red_check_and_not_one_for_each_container() -> None:
    """Lines that arrived before stay green; those that did not follow from the way."""
    world = World()
    world.stores.stuck.add("sent")
    path = round_trip(world.site(), lambda name: world.printed(name, "about a query"))
    loki, line = world.environment.service("loki"), Line(time.time_ns(), "loki", "lost")
    (check,) = carried_on(path, [container_line(world.site(), loki, line)])
    assert check.outcome is Outcome.NOT_VERIFIABLE
    assert "hop 3 of 4" in check.seen


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
    world.halted[name] = "paused"
    check = container_line(world.site(), world.environment.service("prometheus"), line)
    assert check.outcome is Outcome.FAIL
    assert f"pointsman-test-{name} is paused" in check.seen
    assert check.remedy == f"docker unpause pointsman-test-{name}"
