"""Runs as context managers and decorators, sync and async: workflow, agent, approval.

Each is a span that is current inside, and metrics when it ends. Names of workflows, triggers, agents and actions become
labels: they must come from the code, never from a request. Ids and further attributes stay on the span.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from opentelemetry import context as current
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace import Status as SpanStatus

from pointsman.telemetry import names
from pointsman.telemetry.names import Status
from pointsman.telemetry.operation import Attributes, Operation, status_of
from pointsman.telemetry.quiet import quiet

if TYPE_CHECKING:
    from pointsman.telemetry.core import Core

_WORKFLOW, _AGENT = "pointsman.workflow", "pointsman.agent"
_log = logging.getLogger("pointsman.runs")


class Run(Operation):
    """What workflow and agent runs share: a name, an id, and a status that is told or follows from how the block is
    left."""

    def __init__(self, core: Core, name: str, run_id: str, attributes: Attributes | None) -> None:
        super().__init__(core, attributes)
        self.name = name
        self._given_id = run_id
        self._status: Status | None = None
        self._error_type = ""

    @property
    def id(self) -> str:
        """The run's id: the one given, else that of its span."""
        return self._given_id or (f"{self._span.get_span_context().span_id:016x}" if self._span else "")

    def finish(self, status: Status | str, error_type: str = "") -> None:
        """Says how the run ended, where leaving the block does not: `finish("skip")`.

        `error_type` is the kind of error, from a set that is known in number; the status where it is empty.
        """
        self._error_type = error_type
        try:
            self._status = Status(status)
        except ValueError:
            _log.warning("%s is no status of a run: taken for error; there is %s", status, ", ".join(Status))
            self._status = Status.ERROR

    def _ended(self, error: BaseException | None) -> Status:
        left = status_of(error)
        return left if error is not None and left is not Status.SUCCESS else self._status or left

    def _kind_of(self, status: Status, error: BaseException | None) -> str:
        return type(error).__qualname__ if error else self._error_type or status.value

    def _mark(self, span: Span, status: Status, error: BaseException | None) -> None:
        if status in names.FAULTS:
            span.set_attribute(names.ERROR_TYPE, self._kind_of(status, error))
            span.set_status(SpanStatus(StatusCode.ERROR, str(error) if error else status.value))


class Workflow(Run):
    """A workflow run: span `workflow.execute`."""

    span_name = names.WORKFLOW_SPAN
    kind = SpanKind.SERVER

    def __init__(
        self, core: Core, name: str, trigger: str = "manual", run_id: str = "", attributes: Attributes | None = None
    ) -> None:
        super().__init__(core, name, run_id, attributes)
        self._trigger = trigger

    def agent(self, name: str, action: str = "run", run_id: str = "", attributes: Attributes | None = None) -> Agent:
        """An agent run of this workflow."""
        return Agent(self._core, name, action, run_id, attributes)

    def approval(self) -> Approval:
        """A wait for an approval: pending inside the block, its time when left."""
        return Approval(self._core, self.name)

    def _again(self) -> Workflow:
        return Workflow(self._core, self.name, self._trigger, self._given_id, self._attributes)

    def _inside(self, context: Context) -> Context:
        return current.set_value(_WORKFLOW, self.name, context)

    def _started(self, span: Span) -> None:
        span.set_attributes(
            {names.WORKFLOW_NAME: self.name, names.WORKFLOW_TRIGGER: self._trigger, names.WORKFLOW_ID: self.id}
        )
        self._core.instruments.workflows_active.add(1, {names.WORKFLOW_NAME: self.name})

    def _finished(self, span: Span, seconds: float, error: BaseException | None) -> None:
        status, made = self._ended(error), self._core.instruments
        named = {names.WORKFLOW_NAME: self.name}
        made.workflows_active.add(-1, named)
        ended = named | {names.WORKFLOW_STATUS: status.value}
        made.workflow_runs.add(1, ended | {names.WORKFLOW_TRIGGER: self._trigger})
        made.workflow_seconds.record(seconds, ended)
        self._core.costs.execution(seconds, named)
        span.set_attributes({names.WORKFLOW_STATUS: status.value, names.WORKFLOW_DURATION: seconds * 1000})
        self._mark(span, status, error)
        level = logging.ERROR if status in names.FAULTS else logging.INFO
        if _log.isEnabledFor(level):
            told = {**ended, names.WORKFLOW_ID: self.id, names.WORKFLOW_TRIGGER: self._trigger}
            _log.log(level, "workflow %s: %s after %.3f s", self.name, status.value, seconds, extra=told)


class Agent(Run):
    """An agent run: span `agent.execute`, below the workflow's where there is one."""

    span_name = names.AGENT_SPAN

    def __init__(
        self, core: Core, name: str, action: str = "run", run_id: str = "", attributes: Attributes | None = None
    ) -> None:
        super().__init__(core, name, run_id, attributes)
        self._action = action

    @quiet
    def retry(self) -> None:
        """Counts a try beyond the first."""
        self._core.instruments.agent_retries.add(1, {names.AGENT_NAME: self.name})
        if self._span is not None:
            self._span.add_event("retry", timestamp=self._core.clock())

    @quiet
    def error(self, error: BaseException) -> None:
        """Counts an error that the agent handled: the run goes on."""
        self._count(type(error).__qualname__)
        if self._span is not None:
            self._span.record_exception(error, timestamp=self._core.clock())

    def _count(self, error_type: str) -> None:
        self._core.instruments.agent_errors.add(1, {names.AGENT_NAME: self.name, names.ERROR_TYPE: error_type})

    def _again(self) -> Agent:
        return Agent(self._core, self.name, self._action, self._given_id, self._attributes)

    def _inside(self, context: Context) -> Context:
        return current.set_value(_AGENT, self.name, context)

    def _started(self, span: Span) -> None:
        span.set_attributes({names.AGENT_NAME: self.name, names.AGENT_ACTION: self._action, names.AGENT_ID: self.id})

    def _finished(self, span: Span, seconds: float, error: BaseException | None) -> None:
        status, made = self._ended(error), self._core.instruments
        ended = {
            names.AGENT_NAME: self.name,
            names.AGENT_ACTION: self._action,
            names.AGENT_STATUS: status.value,
        }
        made.agent_runs.add(1, ended)
        made.agent_seconds.record(seconds, ended)
        if status in names.FAULTS:
            self._count(self._kind_of(status, error))
        if names.WORKFLOW_NAME not in of_whom():
            self._core.costs.execution(seconds, {names.AGENT_NAME: self.name})
        span.set_attributes({names.AGENT_STATUS: status.value, names.AGENT_DURATION: seconds * 1000})
        self._mark(span, status, error)


class Approval(Operation):
    """A wait for somebody's word: span `workflow.approval`."""

    span_name = names.APPROVAL_SPAN

    def __init__(self, core: Core, workflow: str) -> None:
        super().__init__(core, None)
        self._named = {names.WORKFLOW_NAME: workflow}

    def _again(self) -> Approval:
        return Approval(self._core, self._named[names.WORKFLOW_NAME])

    def _started(self, span: Span) -> None:
        span.set_attributes(self._named)
        self._core.instruments.approvals_pending.add(1, self._named)

    def _finished(self, span: Span, seconds: float, error: BaseException | None) -> None:
        self._core.instruments.approvals_pending.add(-1, self._named)
        self._core.instruments.approval_wait.record(seconds, self._named)


def of_whom() -> dict[str, str]:
    """The workflow and the agent inside whose blocks this is called, as attributes."""
    found = {names.WORKFLOW_NAME: current.get_value(_WORKFLOW), names.AGENT_NAME: current.get_value(_AGENT)}
    return {key: str(value) for key, value in found.items() if value}
