"""The runs store of a new environment: made before the container that is to watch it."""

from __future__ import annotations

from pathlib import Path

from pointsman.runs.opening import placed
from pointsman.runs.owned import init
from pointsman.spec.models import Environment


def make(spec: Environment, checkout: Path) -> Path | None:
    """Makes the file that the run monitor is to watch, if it is of Pointsman's own kind and not there; what was made.

    The engine would make its folder, as root, and nobody else could put a store into it. Raises UnreachableError where
    it cannot be made.
    """
    settings = spec.monitor.store.own_file
    if not spec.monitor.enabled or settings is None:
        return None
    path = placed(settings, checkout).path
    if path is None or path.exists():
        return None
    init(settings, checkout)
    return path
