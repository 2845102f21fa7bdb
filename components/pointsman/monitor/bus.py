"""The bus: brings every event that the journal holds to every handler that wants it, at least once.

Each handler has a thread and a queue of its own, the journal's: one that hangs or fails holds up no other. A delivery
is counted as tried before the handler is asked, and settled after it answered: a process that dies between the two
asks again, and the handler, idempotent by the event's id, finds its work done.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pointsman.monitor import crashing
from pointsman.monitor.backoff import Backoff
from pointsman.monitor.clock import Clock
from pointsman.monitor.events import EventKind
from pointsman.monitor.handling import Handler, Occurrence, Rejected
from pointsman.monitor.journal import Journal, JournalDown
from pointsman.monitor.letters import Claim, Letters
from pointsman.monitor.register import Audience
from pointsman.runs.model import Run, Step
from pointsman.runs.source import SourceDown

# What another process added to the journal, such as dead letters to be tried again, is found after this long.
LOOK_SECONDS = 1.0
# So many deliveries are claimed in one transaction.
CLAIMED = 8
# The steps of a run are asked for again after this long where its source is away.
STEPS_SECONDS = 5.0

Steps = Callable[[Run], Sequence[Step]]
_log = logging.getLogger(__name__)


class Outcome(StrEnum):
    """What came of a delivery."""

    DONE = "done"
    RETRY = "retry"
    DEAD = "dead"


@dataclass(frozen=True)
class Delivered:
    """A delivery that was tried: for how many `seconds` the handler worked, and what came of it."""

    handler: str
    kind: EventKind
    seconds: float
    outcome: Outcome
    error: str = ""


def audience(handlers: Iterable[Handler]) -> Audience:
    """Who of the handlers wants events of a kind."""
    wanted = {kind: tuple(each.name for each in handlers if each.wants(kind)) for kind in EventKind}
    return wanted.__getitem__


class Bus:
    """Delivers what is due. `steps` reads the steps of an event's run; `seen` is told of each delivery."""

    def __init__(
        self,
        journal: Journal,
        handlers: Sequence[Handler],
        clock: Clock,
        *,
        steps: Steps = lambda run: (),
        backoff: Backoff | None = None,
        seen: Callable[[Delivered], None] = lambda delivered: None,
    ) -> None:
        self.handlers = {each.name: each for each in handlers}
        if len(self.handlers) < len(handlers):
            raise ValueError(f"two handlers have one name: {sorted(each.name for each in handlers)}")
        self.letters = Letters(journal)
        self._clock = clock
        self._steps = steps
        self._backoff = backoff or Backoff()
        self._seen = seen
        self._threads: list[threading.Thread] = []
        self._waker = threading.Condition()
        self._stopping = False
        self._turns = 0
        self._since: dict[str, float] = {}

    def start(self) -> None:
        """Begins to deliver. Raises JournalDown."""
        gone = self.letters.give_up_strangers(self.handlers, self._now())
        if gone:
            _log.warning("%d deliveries to handlers that are not there any more are dead letters now", gone)
        for name in self.handlers:
            thread = threading.Thread(target=self._keep_on, args=(name,), name=f"handler-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def wake(self) -> None:
        """Says that the journal has new events."""
        with self._waker:
            self._turns += 1
            self._waker.notify_all()

    def stop(self, seconds: float = 4.0) -> list[str]:
        """Lets each handler finish the event in hand; names those that still work when the time is over."""
        self._stopping = True
        self.wake()
        until = self._clock.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - self._clock.monotonic()))
        return sorted(thread.name.removeprefix("handler-") for thread in self._threads if thread.is_alive())

    def busy(self) -> dict[str, float]:
        """For how many seconds each handler that works now has been at its event."""
        now = self._clock.monotonic()
        return {name: now - since for name, since in self._since.copy().items()}

    def turn(self, name: str) -> int:
        """Delivers what is due to one handler, a few at most; returns how many were tried. Raises JournalDown."""
        claims = self.letters.claim(name, self._now(), self._wait, CLAIMED)
        if claims:
            crashing.point("bus-after-claim")
        for claim in claims:
            if self._stopping:
                self.letters.later(claim, "", self._now(), counted=False)
            else:
                self._deliver(self.handlers[name], claim)
        return len(claims)

    def _keep_on(self, name: str) -> None:
        while not self._stopping:
            turns = self._turns
            try:
                if self.turn(name):
                    continue
            except JournalDown as error:
                _log.warning("%s", error)
            except Exception:
                # Not a handler's fault, those are caught: the thread must live on.
                _log.exception("delivering to %s", name)
            with self._waker:
                if self._turns == turns:
                    self._waker.wait(LOOK_SECONDS)

    def _deliver(self, handler: Handler, claim: Claim) -> None:
        if claim.attempts > self._backoff.attempts:
            self._settle(claim, "", Rejected(f"the monitor died at each of {claim.attempts - 1} attempts"))
            return
        steps = self._steps_of(claim)
        if steps is None:
            self.letters.later(claim, "its source is away", self._now() + STEPS_SECONDS, counted=False)
            return
        began = self._since[handler.name] = self._clock.monotonic()
        error: Exception | None = None
        note = ""
        try:
            note = handler.handle(Occurrence(claim.event, steps))
        except Exception as raised:
            error = raised
        seconds = self._clock.monotonic() - began
        self._since.pop(handler.name, None)
        crashing.point("bus-after-handle")
        outcome = self._settle(claim, note, error)
        crashing.point("bus-after-settle")
        self._seen(Delivered(handler.name, claim.event.kind, seconds, outcome, _worded(error)))

    def _settle(self, claim: Claim, note: str, error: Exception | None) -> Outcome:
        if error is None:
            self.letters.done(claim, note, self._now())
            return Outcome.DONE
        if isinstance(error, Rejected) or self._backoff.spent(claim.attempts):
            _log.error("%s gives up event %s: %s", claim.handler, claim.event.id, _worded(error))
            self.letters.dead(claim, _worded(error), self._now())
            return Outcome.DEAD
        _log.warning("%s failed at event %s, once more later: %s", claim.handler, claim.event.id, _worded(error))
        self.letters.later(claim, _worded(error), self._now() + self._wait(claim))
        return Outcome.RETRY

    def _steps_of(self, claim: Claim) -> tuple[Step, ...] | None:
        """As they were read first; None where they cannot be read now."""
        known = claim.steps if claim.steps is not None else self.letters.steps(claim)
        if known is not None:
            return known
        try:
            steps = tuple(self._steps(claim.event.run))
        except SourceDown:
            return None
        self.letters.keep_steps(claim, steps)
        crashing.point("bus-after-steps")
        # Another handler's thread may have been first.
        return self.letters.steps(claim)

    def _wait(self, claim: Claim) -> float:
        return self._backoff.wait(claim.attempts, f"{claim.handler}/{claim.event.id}")

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _worded(error: Exception | None) -> str:
    return "" if error is None else f"{error}" or type(error).__name__
