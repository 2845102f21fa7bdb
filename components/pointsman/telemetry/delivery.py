"""Deployments that run inside a process which tells of itself; `pointsman deployments` is for all others."""

from __future__ import annotations

from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace import Status as SpanStatus

from pointsman.telemetry import names
from pointsman.telemetry.core import Core
from pointsman.telemetry.names import DeploymentResult, Status
from pointsman.telemetry.operation import Operation, status_of


class Deployment(Operation):
    """A deployment of one service to one environment; the commit is on the span alone."""

    span_name = names.DEPLOYMENT_SPAN
    kind = SpanKind.SERVER

    def __init__(self, core: Core, environment: str, service: str, commit: str = "") -> None:
        super().__init__(core, {names.COMMIT: commit} if commit else None)
        self._environment, self._service, self._commit = environment, service, commit
        self._named = {names.ENVIRONMENT: environment, names.DEPLOYMENT_SERVICE: service}
        self._result: DeploymentResult | None = None

    def finish(self, result: DeploymentResult) -> None:
        """Says how the deployment ended, where leaving the block does not."""
        self._result = result

    def _again(self) -> Deployment:
        return Deployment(self._core, self._environment, self._service, self._commit)

    def _started(self, span: Span) -> None:
        span.set_attributes(self._named)
        self._core.instruments.deployments_in_progress.add(1, self._named)

    def _finished(self, span: Span, seconds: float, error: BaseException | None) -> None:
        result, made = self._result or _result(error), self._core.instruments
        ended = {**self._named, names.DEPLOYMENT_RESULT: result.value}
        made.deployments_in_progress.add(-1, self._named)
        made.deployments.add(1, ended)
        made.deployment_seconds.record(seconds, ended)
        at = (self._began / 1e9) + seconds
        if result is DeploymentResult.SUCCESS:
            made.deployment_last_success.set(at, self._named)
        if result is DeploymentResult.FAILURE:
            made.deployment_last_failure.set(at, self._named)
            span.set_status(SpanStatus(StatusCode.ERROR, str(error or "")))
        span.set_attribute(names.DEPLOYMENT_RESULT, result.value)


def _result(error: BaseException | None) -> DeploymentResult:
    status = status_of(error)
    if status is Status.CANCELLATION:
        return DeploymentResult.CANCELLED
    return DeploymentResult.SUCCESS if status is Status.SUCCESS else DeploymentResult.FAILURE
