"""Every name that telemetry uses: spans, attributes, metrics, and the conventions of OpenTelemetry that they map to.

The conventions are those of CI/CD (`cicd.*`) and of generative AI (`gen_ai.*`), both in development: what changes there
changes here alone. A run id is an attribute of spans and logs, never of a metric.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

NAMESPACE = "pointsman"
"""Instrumentation scope of all spans and metrics."""

WORKFLOW_SPAN = "workflow.execute"
AGENT_SPAN = "agent.execute"
STEP_SPAN = "step.execute"
APPROVAL_SPAN = "workflow.approval"
DEPLOYMENT_SPAN = "deployment.execute"

WORKFLOW_ID = "workflow.id"
WORKFLOW_NAME = "workflow.name"
WORKFLOW_TRIGGER = "workflow.trigger"
WORKFLOW_STATUS = "workflow.status"
WORKFLOW_DURATION = "workflow.duration.ms"
AGENT_ID = "agent.id"
AGENT_NAME = "agent.name"
AGENT_ACTION = "agent.action"
AGENT_STATUS = "agent.status"
AGENT_DURATION = "agent.duration.ms"
STEP_NAME = "cicd.pipeline.task.name"
STEP_RESULT = "cicd.pipeline.task.run.result"
RUN_URL = "cicd.pipeline.run.url.full"
RUN_KIND = "pointsman.run.kind"
RUN_ATTEMPT = "pointsman.run.attempt"
RUN_SOURCE = "pointsman.run.source"
ERROR_TYPE = "error.type"
COST_KIND = "cost.kind"
SIGNAL = "signal"
ENVIRONMENT = "deployment.environment.name"
DEPLOYMENT_SERVICE = "deployment.service"
DEPLOYMENT_RESULT = "deployment.result"
COMMIT = "vcs.ref.head.revision"
OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
MODEL = "gen_ai.request.model"
TOKEN_TYPE = "gen_ai.token.type"

ATTRIBUTE_CONVENTIONS = {
    WORKFLOW_ID: "cicd.pipeline.run.id",
    WORKFLOW_NAME: "cicd.pipeline.name",
    WORKFLOW_STATUS: "cicd.pipeline.result",
    WORKFLOW_TRIGGER: "cicd.pipeline.action.name",
    AGENT_ID: "gen_ai.agent.id",
    AGENT_NAME: "gen_ai.agent.name",
    AGENT_ACTION: "gen_ai.operation.name",
    AGENT_STATUS: "cicd.pipeline.task.run.result",
    DEPLOYMENT_RESULT: "cicd.pipeline.result",
}
"""The nearest attribute of the conventions; those that are not here are the conventions' own, or have no like."""

UNBOUNDED = frozenset({WORKFLOW_ID, AGENT_ID, WORKFLOW_DURATION, AGENT_DURATION, COMMIT})
"""Attributes of spans and logs that no metric may carry."""


class Status(StrEnum):
    """How a workflow or agent run ended: the results of the CI/CD conventions."""

    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"
    TIMEOUT = "timeout"
    CANCELLATION = "cancellation"
    SKIP = "skip"


FAULTS = frozenset({Status.FAILURE, Status.ERROR, Status.TIMEOUT})
"""The statuses by which a span is marked as failed."""


class DeploymentResult(StrEnum):
    """How a deployment ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"


Kind = Literal["counter", "updowncounter", "gauge", "histogram"]
_UNITS = {"s": "seconds", "By": "bytes"}


@dataclass(frozen=True)
class Metric:
    """One instrument: `attributes` are all that its points may carry, `boundaries` its buckets in `unit`.

    `convention` is the nearest metric of the conventions, or the metric's own where it is one of them.
    """

    name: str
    unit: str
    kind: Kind
    description: str
    attributes: tuple[str, ...] = ()
    convention: str = ""
    boundaries: tuple[float, ...] = ()


# A minute is short for a workflow, two hours are long; 600 is the objective of a deployment.
_RUN_SECONDS = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0)
_AGENT_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
_WAIT_SECONDS = (10.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 86400.0)
_LAG_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
# The conventions' own buckets.
_GEN_AI_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = tuple(float(4**power) for power in range(14))
_DB_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
_HTTP = ("http.request.method", "http.response.status_code", ERROR_TYPE, "url.scheme", "network.protocol.version")
_DEPLOYMENT = (ENVIRONMENT, DEPLOYMENT_SERVICE)
_RUN = "cicd.pipeline.run.duration"

WORKFLOW_RUNS = Metric(
    "workflow_runs",
    "{run}",
    "counter",
    "Workflow runs that ended.",
    (WORKFLOW_NAME, WORKFLOW_TRIGGER, WORKFLOW_STATUS),
    _RUN,
)
WORKFLOW_SECONDS = Metric(
    "workflow_duration",
    "s",
    "histogram",
    "How long workflow runs took.",
    (WORKFLOW_NAME, WORKFLOW_STATUS),
    _RUN,
    _RUN_SECONDS,
)
WORKFLOWS_ACTIVE = Metric(
    "workflows_active",
    "{run}",
    "updowncounter",
    "Workflow runs at this moment.",
    (WORKFLOW_NAME,),
    "cicd.pipeline.run.active",
)
APPROVAL_WAIT = Metric(
    "workflow_approval_wait_time",
    "s",
    "histogram",
    "How long workflow runs waited for an approval.",
    (WORKFLOW_NAME,),
    "",
    _WAIT_SECONDS,
)
APPROVALS_PENDING = Metric(
    "workflow_approvals_pending", "{approval}", "updowncounter", "Approvals that are waited for.", (WORKFLOW_NAME,)
)
AGENT_RUNS = Metric(
    "agent_runs", "{run}", "counter", "Agent runs that ended.", (AGENT_NAME, AGENT_ACTION, AGENT_STATUS)
)
AGENT_SECONDS = Metric(
    "agent_duration",
    "s",
    "histogram",
    "How long agent runs took.",
    (AGENT_NAME, AGENT_ACTION, AGENT_STATUS),
    "gen_ai.client.operation.duration",
    _AGENT_SECONDS,
)
AGENT_ERRORS = Metric(
    "agent_errors",
    "{error}",
    "counter",
    "Errors of agents, handled ones too.",
    (AGENT_NAME, ERROR_TYPE),
    "cicd.pipeline.run.errors",
)
AGENT_RETRIES = Metric("agent_retry_count", "{retry}", "counter", "Tries of agents beyond the first.", (AGENT_NAME,))
TOKENS = Metric(
    "gen_ai.client.token.usage",
    "{token}",
    "histogram",
    "Tokens of model calls.",
    (OPERATION, PROVIDER, MODEL, TOKEN_TYPE),
    "gen_ai.client.token.usage",
    _TOKENS,
)
MODEL_SECONDS = Metric(
    "gen_ai.client.operation.duration",
    "s",
    "histogram",
    "How long model calls took.",
    (OPERATION, PROVIDER, MODEL, ERROR_TYPE),
    "gen_ai.client.operation.duration",
    _GEN_AI_SECONDS,
)
COST = Metric(
    "cost",
    "USD",
    "counter",
    "What execution and tokens cost by the spec's prices.",
    (COST_KIND, WORKFLOW_NAME, AGENT_NAME, MODEL),
)
HTTP_SERVER = Metric(
    "http.server.request.duration",
    "s",
    "histogram",
    "How long requests took to answer.",
    (*_HTTP, "http.route"),
    "http.server.request.duration",
)
HTTP_CLIENT = Metric(
    "http.client.request.duration",
    "s",
    "histogram",
    "How long answers to requests took.",
    (*_HTTP, "server.address", "server.port"),
    "http.client.request.duration",
)
DB_SECONDS = Metric(
    "db.client.operation.duration",
    "s",
    "histogram",
    "How long database operations took.",
    ("db.operation.name", "db.system.name", ERROR_TYPE),
    "db.client.operation.duration",
    _DB_SECONDS,
)
MEMORY = Metric("process.memory.usage", "By", "gauge", "Physical memory of the process.", (), "process.memory.usage")
CPU = Metric(
    "process.cpu.utilization",
    "1",
    "gauge",
    "Share of one core that the process uses.",
    (),
    "process.cpu.utilization",
)
LOOP_LAG = Metric(
    "event_loop_lag", "s", "histogram", "How late the asyncio event loop runs what is due.", (), "", _LAG_SECONDS
)
DROPPED = Metric(
    "telemetry_dropped",
    "{item}",
    "counter",
    "Spans, points and log records that were lost on the way out.",
    (SIGNAL,),
    "otel.sdk.exporter.span.exported",
)
DEPLOYMENTS = Metric(
    "deployments", "{deployment}", "counter", "Deployments that ended.", (*_DEPLOYMENT, DEPLOYMENT_RESULT), _RUN
)
DEPLOYMENT_SECONDS = Metric(
    "deployment_duration",
    "s",
    "histogram",
    "How long deployments took.",
    (*_DEPLOYMENT, DEPLOYMENT_RESULT),
    _RUN,
    _RUN_SECONDS,
)
DEPLOYMENTS_IN_PROGRESS = Metric(
    "deployments_in_progress",
    "{deployment}",
    "updowncounter",
    "Deployments at this moment.",
    _DEPLOYMENT,
    "cicd.pipeline.run.active",
)
DEPLOYMENT_LAST_SUCCESS = Metric(
    "deployment_last_success_timestamp",
    "s",
    "gauge",
    "When a deployment last succeeded, in seconds since 1970.",
    _DEPLOYMENT,
)
DEPLOYMENT_LAST_FAILURE = Metric(
    "deployment_last_failure_timestamp",
    "s",
    "gauge",
    "When a deployment last failed, in seconds since 1970.",
    _DEPLOYMENT,
)

METRICS: tuple[Metric, ...] = (
    WORKFLOW_RUNS,
    WORKFLOW_SECONDS,
    WORKFLOWS_ACTIVE,
    APPROVAL_WAIT,
    APPROVALS_PENDING,
    AGENT_RUNS,
    AGENT_SECONDS,
    AGENT_ERRORS,
    AGENT_RETRIES,
    TOKENS,
    MODEL_SECONDS,
    COST,
    HTTP_SERVER,
    HTTP_CLIENT,
    DB_SECONDS,
    MEMORY,
    CPU,
    LOOP_LAG,
    DROPPED,
    DEPLOYMENTS,
    DEPLOYMENT_SECONDS,
    DEPLOYMENTS_IN_PROGRESS,
    DEPLOYMENT_LAST_SUCCESS,
    DEPLOYMENT_LAST_FAILURE,
)


def prometheus_name(metric: Metric) -> str:
    """The metric's name in Prometheus, as its OTLP intake translates it: unit and type become suffixes.

    Units in braces add none; a counter ends in `_total`, a gauge without unit in `_ratio`.
    """
    name = label(metric.name)
    unit = "" if metric.unit.startswith("{") else _UNITS.get(metric.unit, metric.unit)
    if unit == "1":
        unit = "ratio" if metric.kind == "gauge" else ""
    suffixes = [unit] if unit and not name.endswith(f"_{unit}") else []
    return "_".join([name, *suffixes, *(["total"] if metric.kind == "counter" else [])])


def prometheus_series(metric: Metric) -> tuple[str, ...]:
    """The names of all its series: a histogram has three."""
    name = prometheus_name(metric)
    return (
        tuple(f"{name}{suffix}" for suffix in ("_bucket", "_sum", "_count")) if metric.kind == "histogram" else (name,)
    )


def label(attribute: str) -> str:
    """An attribute's name as a label."""
    return attribute.replace(".", "_")
