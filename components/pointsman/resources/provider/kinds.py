"""What the plugin asks of each kind of resource, free of the protocol that carries it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pointsman.errors import PointsmanError

Props = Mapping[str, Any]
Say = Callable[[str], None]


class Cancelled(PointsmanError):
    """The user pressed Ctrl-C: what was begun is left so that the next run goes on from it."""


class Cancellation:
    """A flag that long waits look at; set once by the engine's Cancel."""

    def __init__(self, event: threading.Event | None = None) -> None:
        self._event = event or threading.Event()

    @property
    def cancelled(self) -> bool:
        """Whether the user cancelled."""
        return self._event.is_set()

    def cancel(self) -> None:
        """Ends every wait."""
        self._event.set()

    def sleep(self, seconds: float) -> None:
        """Waits, or raises Cancelled as soon as the user cancels."""
        if self._event.wait(seconds):
            raise Cancelled("cancelled", remedy="run the same command again: it goes on from here")

    def operation(self, tell: Say, warn: Say) -> Operation:
        """One call of the engine, which ends with all others."""
        return Operation(tell, warn, self._event)


class Operation(Cancellation):
    """One call of the engine about one resource. `tell` says what is being done, which is shown for as long as it is;
    `warn` says what stays to be read."""

    def __init__(self, tell: Say, warn: Say, event: threading.Event | None = None) -> None:
        super().__init__(event)
        self.tell = tell
        self.warn = warn


@dataclass(frozen=True)
class Failure:
    """An input that is refused before anything is touched."""

    key: str
    reason: str


@dataclass(frozen=True)
class Change:
    """What an update would do: the paths of the properties that differ, and whether a new resource is needed; the old
    one goes first where both can't be at the same time."""

    paths: tuple[str, ...] = ()
    replace: bool = False
    delete_first: bool = False


class Kind(Protocol):
    """One kind of resource. Properties are plain JSON values; an unknown value of a preview is left out."""

    def check(self, inputs: Props) -> list[Failure]:
        """The inputs that are wrong."""

    def diff(self, old_inputs: Props, state: Props, inputs: Props) -> Change:
        """What differs between what was made and what is wanted."""

    def create(self, inputs: Props, operation: Operation, /) -> tuple[str, dict[str, Any]]:
        """Makes it; returns its id and what it adds to the inputs. Safe to repeat after a kill."""

    def update(self, state: Props, inputs: Props, operation: Operation, /) -> dict[str, Any]:
        """Changes it in place."""

    def read(self, state: Props, operation: Operation, /) -> dict[str, Any] | None:
        """What it adds to the inputs as found in the world; None when it is gone."""

    def delete(self, state: Props, operation: Operation, /) -> None:
        """Removes it; one that is gone already is no fault."""
