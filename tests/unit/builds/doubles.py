"""Doubles of the build engine's tests: a clock that is set by hand, captured progress, small builds."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field

from pointsman.builds import Build, PlainProgress, Workspace


@dataclass
class Clock:
    """A clock which goes only when told."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Shown:
    """Plain progress on a hand-set clock and what it printed."""

    clock: Clock = field(default_factory=Clock)
    stream: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        self.progress = PlainProgress(self.stream, self.clock, cores=2)

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()


def writes(text: str) -> Callable[[Workspace], None]:
    """A `make` that writes one file."""

    def make(workspace: Workspace) -> None:
        (workspace.out / "result").write_text(text)

    return make


def build(name: str = "parts/one", *, make: Callable[[Workspace], object] | None = None, **more: object) -> Build:
    """A small build; `more` overrides its fields."""
    fields: dict[str, object] = {
        "version": "1.0",
        "recipe": "0123456789ab",
        "seconds": 10.0,
        "scratch_bytes": 1,
        "make": make or writes("whole"),
        **more,
    }
    return Build(name=name, **fields)  # type: ignore[arg-type]
