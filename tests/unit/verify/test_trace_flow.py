"""A trace followed into Tempo, and into what is made of it."""

from __future__ import annotations

import pytest

from pointsman.checks import Outcome
from pointsman.verify.trace_flow import metrics_round_trip, round_trip
from tests.unit.verify.doubles import World


def test_a_trace_is_found_by_its_id_and_by_search() -> None:
    """Both ends, also for an id that begins with zeros, which Tempo leaves out."""
    world = World()
    for _ in range(20):
        check = round_trip(world.site())
        assert check.outcome is Outcome.PASS, check
    names = [hop.name for hop in check.hops]
    assert names == ["OTLP accepted", "passed on to tempo", "Tempo by id", "TraceQL search"]


def test_only_ids_and_times_differ_between_two_traces() -> None:
    """Services, span names and attribute names are the same: span metrics of a thousand runs are those of one."""
    world = World()
    for _ in range(3):
        assert metrics_round_trip(world.site()).outcome is Outcome.PASS
    # Calls of two services, and the edge between them.
    assert len(world.stores.series) == 3


@pytest.mark.parametrize(
    ("stuck", "hop"), [("traces", "hop 2 of 4"), ("id", "hop 3 of 4"), ("search", "hop 4 of 4, TraceQL search (tempo)")]
)
def test_the_first_lost_hop_of_a_trace_is_named(stuck: str, hop: str) -> None:
    """Kept by the Collector, not found by its id, not found by search."""
    world = World()
    world.stores.stuck.add(stuck)
    assert round_trip(world.site()).seen.startswith(f"lost at {hop}")


@pytest.mark.parametrize(("stuck", "hop"), [("span metrics", "hop 3 of 5"), ("exemplar", "hop 5 of 5, exemplar")])
def test_the_first_lost_hop_of_span_metrics_is_named(stuck: str, hop: str) -> None:
    """A count that another run left is no proof, nor is its exemplar."""
    world = World()
    assert metrics_round_trip(world.site()).outcome is Outcome.PASS
    world.stores.stuck.add(stuck)
    assert metrics_round_trip(world.site()).seen.startswith(f"lost at {hop}")


def test_half_a_trace_is_no_trace() -> None:
    """Two spans were sent."""
    world = World()
    keep = world.stores.traces
    world.stores.traces = type("Half", (dict,), {"__setitem__": lambda self, key, _: dict.__setitem__(self, key, 1)})(
        keep
    )
    assert "1 of 2 spans" in round_trip(world.site()).seen


def test_a_collector_that_counts_from_one_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A count as high as the last one of a Collector that is gone is a new one: so it is in a restored environment."""
    world = World()
    stores = world.stores
    monkeypatch.setattr(stores, "_rise", lambda name, labels: stores._sample(name, labels, 1))
    assert metrics_round_trip(world.site()).outcome is Outcome.PASS
    stores.samples[:] = [(name, labels, value, at - 60) for name, labels, value, at in stores.samples]
    assert metrics_round_trip(world.site()).outcome is Outcome.PASS
