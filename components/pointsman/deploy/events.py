"""What the engine's events say of each resource: pure, so that it can be shown, summed up and tested alike."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from pulumi.automation.events import DiagnosticEvent, EngineEvent, StepEventMetadata

# The engine's colour directives, such as `<{%reset%}>`.
_COLOUR = re.compile(r"<\{%[^%]*%\}>")
_QUIET = ("same", "refresh", "read")
_REPLACEMENT = "create-replacement"
# What surrounds it, for the same resource: what people want to see is the new one.
_HALVES = ("replace", "delete-replaced")
# What the program prints when it fails on purpose: the message stands in the diagnostics already.
_ECHO = re.compile(r"an unhandled error occurred: the program exited|^Duration|update failed$")


class State(StrEnum):
    """How far a resource is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass
class Step:
    """One resource in this run. `op` is the engine's word, such as `create`; times are Unix seconds.

    `custom` tells a resource that a provider makes from a component or a provider, which are only names; `retained` one
    that leaves the state but not the world: data volumes, for which the engine says `delete` as well. `doing` is what
    its provider said last that it does, such as the task of a play.
    """

    urn: str
    op: str
    state: State
    started: float
    ended: float = 0.0
    custom: bool = True
    retained: bool = False
    doing: str = ""

    @property
    def name(self) -> str:
        """The resource's own name."""
        return self.urn.rpartition("::")[2]

    @property
    def type(self) -> str:
        """The last part of its type token, such as `Container`."""
        return self.urn.split("::")[2].rpartition(":")[2]

    @property
    def changes(self) -> bool:
        """Whether the step does more than look."""
        return self.op not in _QUIET

    @property
    def finishes(self) -> bool:
        """Whether the step did all that happens to its resource; false for the halves of a replacement."""
        return self.state is State.FAILED or (self.state is State.DONE and self.op not in _HALVES)


@dataclass
class Run:
    """All that one run of the engine told."""

    steps: dict[str, Step] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    changes: dict[str, int] = field(default_factory=dict)

    def take(self, event: EngineEvent) -> Step | None:
        """Adds an event; returns the step that it moved."""
        if event.diagnostic_event:
            return self._diagnose(event.diagnostic_event)
        if event.summary_event:
            # The SDK's annotation says an enumeration, the values are plain text.
            told_changes = event.summary_event.resource_changes.items()
            self.changes = {str(getattr(op, "value", op)): count for op, count in told_changes}
        for told, state in (
            (event.resource_pre_event, State.RUNNING),
            (event.res_outputs_event, State.DONE),
            (event.res_op_failed_event, State.FAILED),
        ):
            if told:
                return self._step(told.metadata, state, float(event.timestamp))
        return None

    @property
    def changed(self) -> int:
        """How many resources were created, updated, replaced or deleted."""
        return sum(count for op, count in self.changes.items() if op not in _QUIET)

    def _step(self, told: StepEventMetadata, state: State, at: float) -> Step | None:
        op = str(getattr(told.op, "value", told.op))
        step = self.steps.get(told.urn)
        if step and step.op == _REPLACEMENT and op in _HALVES and state is not State.FAILED:
            return None
        if step is None or state is State.RUNNING:
            step = self.steps[told.urn] = Step(
                told.urn, op, state, started=at, custom=_is_custom(told), retained=_is_retained(told)
            )
        step.op, step.state = op, state
        if state is not State.RUNNING:
            step.ended = at
        return step

    def _diagnose(self, told: DiagnosticEvent) -> Step | None:
        message = _COLOUR.sub("", told.message).strip()
        if not message or _ECHO.search(message):
            return None
        if told.ephemeral:
            step = self.steps.get(told.urn or "")
            if step and step.state is State.RUNNING:
                step.doing = message
                return step
            return None
        if told.severity == "error" and message not in self.errors:
            self.errors.append(message)
        if told.severity == "warning" and message not in self.warnings:
            self.warnings.append(message)
        return None


def _is_retained(told: StepEventMetadata) -> bool:
    return bool(told.old and told.old.retain_on_delete)


def _is_custom(told: StepEventMetadata) -> bool:
    described = told.new or told.old
    return bool(described and described.custom) and not told.type.startswith("pulumi:")
