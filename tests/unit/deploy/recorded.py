"""Events of the engine, as its log holds them, and the run that they tell."""

from __future__ import annotations

from typing import Any

from pulumi.automation.events import EngineEvent

from pointsman.deploy.events import Run

PRE, OUTPUTS, FAILED = "resourcePreEvent", "resOutputsEvent", "resOpFailedEvent"
STACK = "pointsman:index:ObservabilityStack"
CONTAINER = "docker:index/container:Container"
CONFIG = "pointsman:index:ConfigVolume"
VOLUME = "docker:index/volume:Volume"
NETWORK = "docker:index/network:Network"
PLAY = "pointsman:index:HostPlay"


def urn(name: str, type: str, parent: str = "") -> str:
    """A URN of the environment dev; the type of the parent stands before its own."""
    return f"urn:pulumi:dev::pointsman::{f'{parent}$' if parent else ''}{type}::{name}"


def step(
    kind: str, op: str, name: str, type: str = CONTAINER, *, parent: str = STACK, at: int = 0, retained: bool = False
) -> dict[str, Any]:
    """One event of a resource, as the engine writes it; components and the stack are not custom."""
    is_custom = not type.startswith("pulumi:pulumi:") and type != STACK
    whole = urn(name, type, parent)
    state = {"type": type, "urn": whole, "custom": is_custom, "retainOnDelete": retained}
    side = "old" if op.startswith("delete") else "new"
    return {"timestamp": 1000 + at, kind: {"metadata": {"op": op, "urn": whole, "type": type, side: state}}}


def done(op: str, name: str, type: str = CONTAINER, *, parent: str = STACK, at: int = 0, to: int = 0) -> list[Any]:
    """Beginning and end of an operation."""
    return [
        step(PRE, op, name, type, parent=parent, at=at),
        step(OUTPUTS, op, name, type, parent=parent, at=to or at),
    ]


def said(message: str, severity: str = "error") -> dict[str, Any]:
    """A diagnostic."""
    return {"timestamp": 1000, "diagnosticEvent": {"message": message, "severity": severity, "color": "never"}}


def doing(message: str, urn: str) -> dict[str, Any]:
    """What a provider says that it does for a resource, for as long as it does."""
    told = {"message": f"{message}\n", "severity": "info", "color": "never", "urn": urn, "ephemeral": True}
    return {"timestamp": 1000, "diagnosticEvent": told}


def summary(**changes: int) -> dict[str, Any]:
    """The end of an update."""
    counts = {name.replace("_", "-"): count for name, count in changes.items()}
    return {"timestamp": 1000, "summaryEvent": {"resourceChanges": counts, "durationSeconds": 3}}


def run_of(*events: dict[str, Any]) -> Run:
    """The run that the events tell."""
    run = Run()
    for number, event in enumerate(events):
        run.take(EngineEvent.from_json({"sequence": number, **event}))
    return run
