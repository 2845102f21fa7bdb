"""One at a time: a backup or restore runs beside no other, and beside no run of Pulumi."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pointsman.builds.locks import exclusive
from pointsman.checks import Outcome
from pointsman.errors import PointsmanError
from pointsman.paths import environment_dir
from pointsman.preflight import locks


@contextmanager
def alone(environment: str) -> Iterator[None]:
    """Nobody else backs up or restores the environment meanwhile; raises PointsmanError when another run is at work."""
    locks.release_dead_locks(environment)
    found = locks.check(environment)
    if found.outcome is Outcome.FAIL:
        raise PointsmanError(f"the state of {environment} is {found.seen}", remedy=found.remedy)

    def refuse() -> None:
        raise PointsmanError(
            f"another backup or restore of {environment} is at work", remedy="wait for it, then run the command again"
        )

    with exclusive(environment_dir(environment) / "backup.lock", on_wait=refuse):
        yield
