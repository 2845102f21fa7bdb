"""What the tests of the client share."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pointsman.github import Clock, Scope, Secret
from tests.standins.github_server.serving import Standin

TOKEN = Secret("ghp_" + "notARealToken0" * 3, "test")


@dataclass
class StoppedClock:
    """Time that moves by sleeping only. Chance is always a half."""

    moment: datetime = field(default_factory=lambda: datetime.now(UTC))
    slept: list[float] = field(default_factory=list)

    @property
    def clock(self) -> Clock:
        """It, as the client takes it."""
        return Clock(now=lambda: self.moment, sleep=self.sleep, random=lambda: 0.5)

    def sleep(self, seconds: float) -> None:
        """Moves the time on."""
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)


def scope_of(standin: Standin, name: str) -> Scope:
    """The scope `name` on the stand-in."""
    return Scope.parse(f"{standin.url}/{name}")
