"""Delivering: at least once to each who wants it, with backoff, dead letters, and no handler in another's way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pointsman.monitor.backoff import Backoff
from pointsman.monitor.bus import STEPS_SECONDS, Bus, Delivered, Outcome, audience
from pointsman.monitor.clock import SystemClock
from pointsman.monitor.events import Event, EventKind
from pointsman.monitor.handling import NotNow, Occurrence, Rejected
from pointsman.monitor.journal import Journal
from pointsman.monitor.register import Register
from pointsman.runs.model import RunState
from tests.unit.monitor.world import ManualClock, MemorySource, a_run, after

BACKOFF = Backoff(first=1.0, factor=2.0, longest=8.0, attempts=4, spread=0.0)


class Doing:
    """A handler that does what it is told, and remembers what it was given."""

    def __init__(self, name: str, do: Callable[[Occurrence], str] = lambda occurrence: "done") -> None:
        self.name, self.do = name, do
        self.given: list[Occurrence] = []

    def wants(self, kind: EventKind) -> bool:
        return kind is EventKind.COMPLETED

    def handle(self, occurrence: Occurrence) -> str:
        self.given.append(occurrence)
        return self.do(occurrence)


def raising(error: Exception) -> Callable[[Occurrence], str]:
    """Fails so."""

    def do(occurrence: Occurrence) -> str:
        raise error

    return do


def completed(run_id: str = "r") -> Event:
    """A run's end."""
    return Event(EventKind.COMPLETED, a_run(RunState.COMPLETED, id=run_id), after(0), "it is completed")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """An empty journal."""
    each = Journal(tmp_path / "journal.db")
    yield each
    each.close()


def told(journal: Journal, handlers: Sequence[Doing], *events: Event) -> None:
    """Puts events into the journal."""
    with journal.transaction() as within:
        Register(journal).tell(within, events, audience(handlers))


def test_each_who_wants_it_gets_it_once_with_the_steps_as_read_first(journal: Journal) -> None:
    """Both are given the same steps though the source's have changed since; what nobody wants is delivered to none."""
    source, clock, seen = MemorySource(), ManualClock(), list[Delivered]()
    first, second = Doing("first"), Doing("second")
    bus = Bus(journal, [first, second], clock, steps=lambda run: source.steps(run.id), seen=seen.append)
    told(journal, [first, second], completed(), replace(completed(), kind=EventKind.STARTED))
    assert (bus.turn("first"), bus.turn("first"), bus.turn("second")) == (1, 0, 1)
    assert source.asked.count("steps") == 1
    assert first.given == second.given
    assert first.given[0].steps[0].name == "build"
    assert [(each.handler, each.outcome) for each in seen] == [("first", Outcome.DONE), ("second", Outcome.DONE)]
    assert [(each.state, each.note) for each in bus.letters.of_event(completed().id)] == [("done", "done")] * 2


def test_an_event_told_twice_is_delivered_once(journal: Journal) -> None:
    """The id says that it is the same."""
    handler = Doing("one")
    bus = Bus(journal, [handler], ManualClock())
    told(journal, [handler], completed())
    bus.turn("one")
    told(journal, [handler], completed())
    assert bus.turn("one") == 0


def test_a_failure_is_tried_again_with_backoff_and_given_up_in_the_end(journal: Journal) -> None:
    """After 1, 2 and 4 seconds; then it is a dead letter with its reason, and people may have it tried again."""
    clock, handler = ManualClock(), Doing("slow", raising(NotNow("the disk is full")))
    bus = Bus(journal, [handler], clock, backoff=BACKOFF)
    told(journal, [handler], completed())
    at = []
    for _ in range(20):
        if bus.turn("slow"):
            at.append(clock.at)
        clock.pass_(0.5)
    assert at == [0, 1, 3, 7]
    (letter,) = bus.letters.dead_letters()
    assert (letter.handler, letter.attempts, letter.error) == ("slow", 4, "the disk is full")
    assert bus.letters.dead_counts() == {"slow": 1}
    handler.do = lambda occurrence: "done at last"
    assert bus.letters.retry(clock.now().timestamp(), event_ids=["another"]) == 0
    assert bus.letters.retry(clock.now().timestamp(), "slow", [letter.event.id]) == 1
    assert bus.turn("slow") == 1
    assert bus.letters.dead_letters() == []
    assert bus.letters.of_event(completed().id)[0].note == "done at last"


@pytest.mark.parametrize(
    ("error", "outcome", "words"),
    [
        (Rejected("the run has no artifacts"), Outcome.DEAD, "the run has no artifacts"),
        (NotNow("later"), Outcome.RETRY, "later"),
        (KeyError(), Outcome.RETRY, "KeyError"),
    ],
)
def test_what_can_never_be_done_is_not_tried_again(
    journal: Journal, error: Exception, outcome: Outcome, words: str
) -> None:
    """A rejection is final; anything else that a handler raises is a failure that may pass."""
    seen: list[Delivered] = []
    handler = Doing("one", raising(error))
    bus = Bus(journal, [handler], ManualClock(), seen=seen.append)
    told(journal, [handler], completed())
    bus.turn("one")
    assert [(each.outcome, each.error) for each in seen] == [(outcome, words)]


def test_a_source_that_is_away_costs_no_attempt(journal: Journal) -> None:
    """Without its steps an event is not delivered; when they can be read, it is tried for the first time."""
    source, clock, handler = MemorySource(), ManualClock(), Doing("one")
    bus = Bus(journal, [handler], clock, steps=lambda run: source.steps(run.id), backoff=BACKOFF)
    told(journal, [handler], completed())
    source.down = True
    for _ in range(10):
        bus.turn("one")
        clock.pass_(STEPS_SECONDS)
    assert handler.given == []
    source.down = False
    bus.turn("one")
    (letter,) = bus.letters.of_event(completed().id)
    assert (letter.state, letter.attempts) == ("done", 1)


def test_deliveries_to_a_handler_that_is_gone_are_dead_letters(journal: Journal) -> None:
    """They are neither lost nor waited for without end, and go on when the handler is back."""
    told(journal, [Doing("gone")], completed())
    bus = Bus(journal, [], ManualClock())
    bus.start()
    assert bus.letters.pending() == {}
    assert [each.error for each in bus.letters.dead_letters()] == ["there is no such handler any more"]


def test_two_handlers_of_one_name_are_refused(journal: Journal) -> None:
    """The journal could not tell their deliveries apart."""
    with pytest.raises(ValueError, match="one name"):
        Bus(journal, [Doing("a"), Doing("a")], ManualClock())


def until(said: Callable[[], bool]) -> None:
    """Waits for another thread, a few seconds at most."""
    end = time.monotonic() + 10
    while not said():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_handler_that_hangs_holds_up_no_other_and_is_named(journal: Journal) -> None:
    """The others go on delivering; a stop waits no longer than it is told, and says who still works."""
    release = threading.Event()
    hanging, quick = Doing("hanging", lambda occurrence: str(release.wait(30))), Doing("quick")
    bus = Bus(journal, [hanging, quick], SystemClock())
    told(journal, [hanging, quick], *(completed(f"r{each}") for each in range(20)))
    bus.start()
    until(lambda: len(quick.given) == 20)
    assert set(bus.busy()) == {"hanging"}
    told(journal, [hanging, quick], completed("new"))
    bus.wake()
    until(lambda: len(quick.given) == 21)
    assert bus.stop(0.1) == ["hanging"]
    release.set()
    assert bus.stop(5.0) == []
    # What was claimed with the one in hand was given back, and is due at once.
    assert bus.letters.pending() == {"hanging": 20}
    assert max(each.attempts for each in bus.letters.of_event(completed("r5").id)) == 1
    assert len(bus.letters.claim("hanging", SystemClock().now().timestamp(), lambda claim: 1.0, 100)) == 20


def test_dead_letters_are_tried_again_from_another_process(journal: Journal, tmp_path: Path) -> None:
    """A bus that runs finds what a command line put into the journal."""
    handler = Doing("one", raising(Rejected("no")))
    bus = Bus(journal, [handler], SystemClock())
    told(journal, [handler], completed())
    bus.start()
    until(lambda: bool(bus.letters.dead_letters()))
    handler.do = lambda occurrence: "yes"
    other = Journal(tmp_path / "journal.db")
    assert Bus(other, [], SystemClock()).letters.retry(SystemClock().now().timestamp()) == 1
    other.close()
    until(lambda: bus.letters.of_event(completed().id)[0].state == "done")
    bus.stop()


def test_backoff_grows_to_its_bound_and_spreads() -> None:
    """Waits double up to the longest; those of two deliveries differ a little, the same one's never."""
    plain = Backoff(spread=0.0)
    assert [plain.wait(tried, "") for tried in (1, 2, 3, 11, 5000)] == [1.0, 2.0, 4.0, 600.0, 600.0]
    waits = {Backoff().wait(3, f"w{each}") for each in range(50)}
    assert len(waits) > 40
    assert all(4.0 <= each <= 4.8 for each in waits)
    assert Backoff().wait(3, "w1") in waits
    assert 3000 < sum(plain.wait(tried, "") for tried in range(1, plain.attempts)) < 4800
