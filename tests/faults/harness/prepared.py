"""A fault that is ready to happen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.harness.steps import Step


@dataclass(frozen=True)
class Prepared:
    """What a fault does, and what undoes it, in the order of the steps."""

    act: Callable[[], None]
    undo: tuple[Step, ...]
