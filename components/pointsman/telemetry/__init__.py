"""Telemetry for workflows, agents and what they call: spans, metrics and logs of one process, sent to a Collector.

    telemetry = pointsman.telemetry.configure("orders")
    with telemetry.workflow("deploy", trigger="push") as run, run.agent("planner", action="plan") as agent: ...

Names are read without OpenTelemetry: it is imported by the first use of `configure` or `Telemetry`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pointsman.telemetry.exporting import Exporters, Limits
    from pointsman.telemetry.names import Status
    from pointsman.telemetry.setup import Telemetry, configure

__all__ = ["Exporters", "Limits", "Status", "Telemetry", "configure"]

_HOMES = {
    "Exporters": "exporting",
    "Limits": "exporting",
    "Status": "names",
    "Telemetry": "setup",
    "configure": "setup",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
