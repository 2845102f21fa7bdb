"""What a handler is: the entry-point group `pointsman.monitor.handlers` holds functions that make more of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pointsman.monitor.events import Event, EventKind
from pointsman.runs.model import Step

ENTRY_POINTS = "pointsman.monitor.handlers"


class Rejected(Exception):
    """The handler can never do it for this event: straight to the dead letters, with this reason."""


class NotNow(Exception):
    """The handler could not do it now: again later, with backoff, in the end a dead letter with this reason."""


@dataclass(frozen=True)
class Occurrence:
    """An event and the steps of its run, as they were read when it was first delivered."""

    event: Event
    steps: tuple[Step, ...] = ()


class Handler(Protocol):
    """Does one thing about events. Idempotent by `event.id`: a second call finds the work done and says so.

    `name` is of letters, digits and `-`, and never changes: the journal keeps deliveries by it.
    """

    name: str

    def wants(self, kind: EventKind) -> bool:
        """Whether events of this kind are delivered to it."""
        ...

    def handle(self, occurrence: Occurrence) -> str:
        """Does it, and returns a line for the journal. Raises Rejected, NotNow; any other counts as NotNow."""
        ...
