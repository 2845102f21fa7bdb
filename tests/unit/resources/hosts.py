"""Hosts, plays and an operation that stand still, for the kinds that work on hosts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pointsman.errors import PointsmanError
from pointsman.plays import Cause, Outcome, Play, PlayFailed
from pointsman.resources.provider.kinds import Operation, Props
from pointsman.resources.provider.machines import Configured, Machines

VARIABLES = {"ansible_host": "127.0.0.1", "ansible_port": 2201, "runner_labels": ["deploy"]}


class Silent(Operation):
    """An operation that keeps what is told and waits in no time."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.warned: list[str] = []
        self.slept = 0.0
        self.meanwhile: Callable[[], None] = lambda: None
        super().__init__(self.told.append, self.warned.append)

    def sleep(self, seconds: float) -> None:
        """Remembers for how long; `meanwhile` happens."""
        self.slept += seconds
        self.meanwhile()
        super().sleep(0)


@dataclass
class FakeMachines(Machines):
    """One host: its id, what its own files say, and whether it answers."""

    id: str = "m1"
    is_dead: bool = False
    runner: Configured | None = None
    booted: int = 0
    forgotten: int = 0

    def identity(self, inputs: Props) -> str:
        """Its id."""
        self._answer(inputs)
        return self.id

    def first_boot(self, inputs: Props, operation: Operation) -> None:
        """Has booted."""
        self.booted += 1

    def configured(self, inputs: Props) -> Configured | None:
        """What its files say."""
        self._answer(inputs)
        return self.runner

    def forget(self, inputs: Props, operation: Operation) -> None:
        """Its files are gone."""
        self._answer(inputs)
        self.forgotten += 1
        self.runner = None

    def _answer(self, inputs: Props) -> None:
        if self.is_dead:
            raise silent(inputs["host"])


@dataclass
class FakePlays:
    """Plays that run in no time, and do what a test wants of them."""

    outcome: Outcome = field(default_factory=lambda: Outcome(3, 1, ("Write",), 0.1))
    error: PointsmanError | None = None
    played: list[Play] = field(default_factory=list)
    does: Callable[[Play], None] = lambda play: None

    def __call__(self, play: Play, operation: Operation, seconds: float) -> Outcome:
        """Plays."""
        self.played.append(play)
        if self.error:
            raise self.error
        self.does(play)
        return self.outcome

    @property
    def names(self) -> list[str]:
        """Which playbooks were played."""
        return [play.playbook for play in self.played]


def silent(host: str) -> PlayFailed:
    """The failure of a dead host."""
    return PlayFailed("no answer", host=host, cause=Cause.SILENT, remedy="see whether it is up")


def failed(cause: Cause) -> PlayFailed:
    """A failed play."""
    return PlayFailed("failed", host="runner-1", task="Write", cause=cause, remedy="mend it")


def inputs(**changed: Any) -> dict[str, Any]:
    """Of a play on a machine."""
    return {
        "environment": "staging",
        "host": "runner-1",
        "playbook": "site",
        "tree": "t1",
        "variables": VARIABLES,
        "machine": "",
        "timeout": 600,
        **changed,
    }
