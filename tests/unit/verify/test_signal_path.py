"""How a signal is followed, whatever it is."""

from __future__ import annotations

import contextlib
import time

import httpx
import pytest

from pointsman.checks import Outcome
from pointsman.verify import site as sites
from pointsman.verify.exposition import total
from pointsman.verify.signal_path import Sight, Step, follow
from pointsman.verify.site import Lost
from tests.unit.verify.doubles import World


def arrives_after(seconds: float, late: float = 10) -> Step:
    """A hop that holds some time after its first look."""
    began: list[float] = []

    def look() -> Sight:
        began.append(time.monotonic())
        return Sight(time.monotonic() - began[0] >= seconds, "looked")

    return Step("slow", "loki", "the line", look, late=late)


def test_a_hop_is_looked_at_until_the_signal_is_there() -> None:
    """What is on its way is waited for, and its time is told."""
    check = follow(World().site(patience=5), "signal", (arrives_after(0.2),))
    assert check.outcome is Outcome.PASS
    assert 0.2 <= check.hops[0].seconds < 2


def test_a_hop_is_not_waited_for_longer_than_it_may_take() -> None:
    """A connection that is slow, a service that starves: red as soon as it is late, though the run has time left."""
    started = time.monotonic()
    check = follow(World().site(patience=60), "signal", (arrives_after(0), arrives_after(60, late=0.2)))
    assert time.monotonic() - started < 5
    assert check.outcome is Outcome.FAIL
    assert check.seen.startswith("lost at hop 2 of 2, slow (loki): looked, after 0.")


def test_a_look_that_took_too_long_is_late() -> None:
    """The signal was there at the first look, whose answer took its time: nothing is lost, and nothing is well."""

    def look() -> Sight:
        time.sleep(0.2)
        return Sight(True, "there")

    steps = (arrives_after(0), Step("slow", "loki", "the line", look, late=0.1), arrives_after(0))
    check = follow(World().site(patience=5), "signal", steps)
    assert check.outcome is Outcome.FAIL
    assert check.seen.startswith("late at hop 2 of 3, slow (loki): after 0.")
    assert {hop.outcome for hop in check.hops} == {Outcome.PASS}


def test_the_deadline_ends_the_wait() -> None:
    """And the last thing that was seen is told."""
    started = time.monotonic()
    check = follow(World().site(patience=0.2), "signal", (arrives_after(60),))
    assert time.monotonic() - started < 2
    assert "looked, after 0." in check.seen


@pytest.mark.parametrize(("answered", "looks"), [(503, 3), (0, 1)])
def test_a_refusal_is_asked_again_and_silence_is_not(answered: int, looks: int) -> None:
    """A service that says why it refuses may soon do better."""
    seen: list[int] = []

    def look() -> Sight:
        seen.append(1)
        if len(seen) < 3:
            raise Lost("loki", "no", answered=answered)
        return Sight(True, "there")

    follow(World().site(patience=5), "signal", (Step("hop", "loki", "it", look),))
    assert len(seen) == looks


def test_a_request_never_waits_longer_than_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that hangs is asked with the time that is left, so that the whole run ends in time."""
    monkeypatch.setattr(sites, "LAST_SECONDS", 0.05)
    world = World()
    world.site(patience=3).ask("loki", "/ready")
    world.site(patience=0).ask("loki", "/ready")
    waits = [request.extensions["timeout"]["read"] for request in world.requests]
    assert 2 < waits[0] <= 3
    assert waits[1] == 0.05


def test_who_was_silent_once_is_not_waited_for_as_long_again() -> None:
    """A frozen service costs a run one wait and not one for each question; the others have their time."""
    world = World(lost={"loki:/ready": httpx.ReadTimeout("timed out")})
    site = world.site(patience=60)
    for path in ("/ready", "/config"):
        with contextlib.suppress(Lost):
            site.within(30).ask("loki", path)
    site.ask("tempo", "/ready")
    waits = [request.extensions["timeout"]["read"] for request in world.requests]
    assert waits == [sites.ANSWER_SECONDS, sites.LAST_SECONDS, sites.ANSWER_SECONDS]


def test_samples_are_added_up_by_name_and_labels() -> None:
    """With or without `_total`, and only those with the labels."""
    text = '# TYPE a counter\na_total{x="1",y="2"} 3\na_total{x="2"} 4\nab 9\nb NaN\nc{} oops\n'
    assert total(text, "a") == 7
    assert total(text, "a", x="1") == 3
    assert total(text, "missing") == 0
