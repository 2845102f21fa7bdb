"""Pointsman: a delivery estate declared in typed YAML, provisioned by Pulumi, and proved from outside."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pointsman.exporters import Exporters
    from pointsman.monitoring import RunMonitor
    from pointsman.observability import ObservabilityStack
    from pointsman.runners import RunnerFleet, RunnerHost

__all__ = ["Exporters", "ObservabilityStack", "RunMonitor", "RunnerFleet", "RunnerHost"]

_COMPONENTS = {
    "Exporters": "pointsman.exporters",
    "ObservabilityStack": "pointsman.observability",
    "RunMonitor": "pointsman.monitoring",
    "RunnerFleet": "pointsman.runners",
    "RunnerHost": "pointsman.runners",
}


def __getattr__(name: str) -> type:
    """Imports a component at its first use: the command line and the plugin must not pay for Pulumi's import."""
    if name not in _COMPONENTS:
        raise AttributeError(f"module 'pointsman' has no attribute {name!r}")
    found: type = getattr(import_module(_COMPONENTS[name]), name)
    return found
