"""An application's log line followed to its end in Loki."""

from __future__ import annotations

import httpx
import pytest

from pointsman.checks import Outcome
from pointsman.verify.log_flow import labels, round_trip
from tests.unit.verify.doubles import World


def test_a_line_is_found_and_leaves_one_stream() -> None:
    """The fresh id is in the line and not in a label."""
    world = World()
    assert round_trip(world.site()).outcome is Outcome.PASS
    assert round_trip(world.site()).outcome is Outcome.PASS
    assert len(world.stores.series) == 1
    assert len({line.text for _, line in world.stores.lines}) == 2


@pytest.mark.parametrize(
    ("stuck", "answer", "hop"),
    [
        ("", {"/v1/logs": httpx.Response(429, text="memory limit")}, "hop 1 of 3, OTLP accepted (collector)"),
        ("logs", {}, "hop 2 of 3, passed on to loki (collector)"),
        ("", {"loki:/loki/api/v1/query_range": httpx.Response(500, text="no")}, "hop 3 of 3, LogQL (loki)"),
    ],
)
def test_the_first_lost_hop_is_named(stuck: str, answer: dict[str, httpx.Response], hop: str) -> None:
    """Refused at the entry, kept by the Collector, or not told by Loki."""
    world = World(answers=answer)
    world.stores.stuck.add(stuck)
    check = round_trip(world.site())
    assert check.outcome is Outcome.FAIL
    assert check.seen.startswith(f"lost at {hop}")


def test_a_label_beyond_the_bounded_ones_is_red() -> None:
    """A label such as an id makes a stream of each of its values."""
    assert labels(World().site()).outcome is Outcome.PASS
    world = World()
    world.stores.labels = ("environment", "service", "run_id")
    check = labels(world.site())
    assert check.outcome is Outcome.FAIL
    assert check.seen == "also run_id"
