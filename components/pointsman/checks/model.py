"""The result of a check, and of a set of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from pointsman.errors import EXIT_FAULT, EXIT_GOOD


class Outcome(StrEnum):
    """A check is never skipped: what cannot be proved here says why."""

    PASS = "pass"
    FAIL = "fail"
    NOT_VERIFIABLE = "not verifiable here"


@dataclass(frozen=True)
class Hop:
    """One step on the way of a signal.

    `service` is where it was looked at; `seconds` is how long it took from the hop before. A hop that was not looked at
    is not verifiable, and `seen` says why.
    """

    name: str
    service: str
    outcome: Outcome
    seen: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    `seen` is the evidence, or the reason why nothing could be seen; `expected` and `remedy` are for a failure;
    `seconds` is how long the look took. `group` is the set of checks that it is shown in, `service` the one that it is
    about, or that a failure is laid to; `hops` are the steps of a signal that was followed, in their order.
    """

    name: str
    outcome: Outcome
    seen: str
    expected: str = ""
    remedy: str = ""
    seconds: float = 0.0
    group: str = ""
    service: str = ""
    hops: tuple[Hop, ...] = ()


@dataclass(frozen=True)
class Report:
    """The checks of one run in the order in which they are shown."""

    checks: tuple[Check, ...] = field(default_factory=tuple)

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that found a fault."""
        return tuple(check for check in self.checks if check.outcome is Outcome.FAIL)

    @property
    def exit_code(self) -> int:
        """0 when no check failed, 1 otherwise."""
        return EXIT_FAULT if self.failures else EXIT_GOOD


def passed(name: str, seen: str, *, service: str = "") -> Check:
    """A check that found what it wanted."""
    return Check(name, Outcome.PASS, seen, service=service)


def failed(name: str, seen: str, *, expected: str, remedy: str, service: str = "") -> Check:
    """A check that found a fault."""
    return Check(name, Outcome.FAIL, seen, expected=expected, remedy=remedy, service=service)


def not_verifiable(name: str, why: str, *, service: str = "") -> Check:
    """A check that could not look."""
    return Check(name, Outcome.NOT_VERIFIABLE, why, service=service)
