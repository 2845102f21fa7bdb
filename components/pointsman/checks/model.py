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
class Check:
    """One thing that was looked at.

    `seen` is the evidence, or the reason why nothing could be seen; `expected` and `remedy` are for a failure;
    `seconds` is how long the look took.
    """

    name: str
    outcome: Outcome
    seen: str
    expected: str = ""
    remedy: str = ""
    seconds: float = 0.0


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


def passed(name: str, seen: str) -> Check:
    """A check that found what it wanted."""
    return Check(name, Outcome.PASS, seen)


def failed(name: str, seen: str, *, expected: str, remedy: str) -> Check:
    """A check that found a fault."""
    return Check(name, Outcome.FAIL, seen, expected=expected, remedy=remedy)


def not_verifiable(name: str, why: str) -> Check:
    """A check that could not look."""
    return Check(name, Outcome.NOT_VERIFIABLE, why)
