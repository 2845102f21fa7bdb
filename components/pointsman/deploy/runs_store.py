"""The runs store of a new environment: made before the container that is to watch it."""

from __future__ import annotations

from pathlib import Path

from pointsman.runs.opening import placed
from pointsman.runs.owned import init
from pointsman.spec.models import Environment


def make(spec: Environment, checkout: Path) -> Path | None:
    """Makes the file that the run monitor is to watch, if it is of Pointsman's own kind and not there; what was made.

    So a new environment is not told at once that its store is away. Raises UnreachableError where it cannot be made.
    """
    settings = spec.monitor.own_file
    if settings is None:
        return None
    path = placed(settings, checkout).path
    if path is None or path.exists():
        return None
    init(settings, checkout)
    return path
