"""A receiver at its path: one delivery at a time, few that wait, every outcome counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from pointsman.channels import console
from pointsman.channels.delivering import REASONS, NotDelivered
from pointsman.channels.notification import Notification
from pointsman.metrics_page.families import COUNTER, Family, Sample

# Those beyond are told to come back: a receiver that hangs must not take the connections of the others.
MOST_WAITING = 8
LONGEST_WAIT = 15.0  # seconds


Deliver = Callable[[Notification], None]
"""Tells a receiver. Raises NotDelivered."""


@dataclass
class Desk:
    """The receiver called `name` in metrics and logs; no more than `most_waiting` notifications wait for it."""

    name: str
    deliver: Deliver
    most_waiting: int = MOST_WAITING
    received: int = 0
    delivered: int = 0
    failed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REASONS, 0))
    delivered_at: float = 0.0
    _counting: threading.Lock = field(default_factory=threading.Lock)
    _alone: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._waiting = threading.Semaphore(self.most_waiting)

    def take(self, notification: Notification) -> None:
        """Delivers a notification. Raises NotDelivered, counted and logged."""
        try:
            self._in_turn(notification)
        except NotDelivered as error:
            self.fail(error)
            raise
        except Exception as error:
            unknown = NotDelivered("internal", f"{type(error).__name__}: {error}")
            self.fail(unknown)
            raise unknown from None
        with self._counting:
            self.received += 1
            self.delivered += 1
            self.delivered_at = time.time()

    def fail(self, error: NotDelivered) -> None:
        """Counts a notification that was not delivered."""
        with self._counting:
            self.received += 1
            self.failed[error.reason] += 1
        console.write("failed", receiver=self.name, reason=error.reason, error=str(error))

    def _in_turn(self, notification: Notification) -> None:
        if not self._waiting.acquire(blocking=False):
            raise NotDelivered("busy", f"{self.most_waiting} notifications wait for it already")
        try:
            if not self._alone.acquire(timeout=LONGEST_WAIT):
                raise NotDelivered("busy", f"the one before it was not through after {LONGEST_WAIT:.0f} s")
            try:
                self.deliver(notification)
            finally:
                self._alone.release()
        finally:
            self._waiting.release()


def families(desks: Iterable[Desk]) -> Iterator[Family]:
    """What was received, delivered and not delivered, by receiver."""
    known = tuple(desks)

    def counted(name: str, meaning: str, value: Callable[[Desk], float], kind: str = COUNTER) -> Family:
        samples = tuple(Sample(float(value(desk)), {"receiver": desk.name}) for desk in known)
        return Family(f"pointsman_notifier_{name}", meaning, samples, kind)

    yield counted("received_total", "Notifications that Alertmanager posted.", lambda desk: desk.received)
    yield counted("delivered_total", "Those that the receiver took.", lambda desk: desk.delivered)
    failed = tuple(
        Sample(float(count), {"receiver": desk.name, "reason": reason})
        for desk in known
        for reason, count in desk.failed.items()
    )
    yield Family("pointsman_notifier_failed_total", "Those that it did not take, to be sent again.", failed, COUNTER)
    yield counted(
        "last_delivery_timestamp_seconds", "When it last took one; 0: never.", lambda desk: desk.delivered_at, "gauge"
    )
