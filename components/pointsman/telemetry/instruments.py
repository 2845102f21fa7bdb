"""The instruments of the names table, made once for each process that tells of itself."""

from __future__ import annotations

from opentelemetry.metrics import Counter, Histogram, Meter, UpDownCounter, _Gauge

from pointsman.telemetry import names
from pointsman.telemetry.names import Metric


class Instruments:
    """What workflow runs, agent runs, model calls and deployments record."""

    def __init__(self, meter: Meter) -> None:
        self.workflow_runs = counter(meter, names.WORKFLOW_RUNS)
        self.workflow_seconds = histogram(meter, names.WORKFLOW_SECONDS)
        self.workflows_active = up_down(meter, names.WORKFLOWS_ACTIVE)
        self.approval_wait = histogram(meter, names.APPROVAL_WAIT)
        self.approvals_pending = up_down(meter, names.APPROVALS_PENDING)
        self.agent_runs = counter(meter, names.AGENT_RUNS)
        self.agent_seconds = histogram(meter, names.AGENT_SECONDS)
        self.agent_errors = counter(meter, names.AGENT_ERRORS)
        self.agent_retries = counter(meter, names.AGENT_RETRIES)
        self.tokens = histogram(meter, names.TOKENS)
        self.model_seconds = histogram(meter, names.MODEL_SECONDS)
        self.cost = counter(meter, names.COST)
        self.deployments = counter(meter, names.DEPLOYMENTS)
        self.deployment_seconds = histogram(meter, names.DEPLOYMENT_SECONDS)
        self.deployments_in_progress = up_down(meter, names.DEPLOYMENTS_IN_PROGRESS)
        self.deployment_last_success = gauge(meter, names.DEPLOYMENT_LAST_SUCCESS)
        self.deployment_last_failure = gauge(meter, names.DEPLOYMENT_LAST_FAILURE)

    def counters(self) -> dict[str, Counter]:
        """All counters by name. Making one again would make a second series of the same name beside it."""
        return {
            names.WORKFLOW_RUNS.name: self.workflow_runs,
            names.AGENT_RUNS.name: self.agent_runs,
            names.AGENT_ERRORS.name: self.agent_errors,
            names.AGENT_RETRIES.name: self.agent_retries,
            names.COST.name: self.cost,
            names.DEPLOYMENTS.name: self.deployments,
        }


def counter(meter: Meter, metric: Metric) -> Counter:
    """A counter."""
    return meter.create_counter(metric.name, metric.unit, metric.description)


def up_down(meter: Meter, metric: Metric) -> UpDownCounter:
    """A sum that goes up and down."""
    return meter.create_up_down_counter(metric.name, metric.unit, metric.description)


def gauge(meter: Meter, metric: Metric) -> _Gauge:
    """A last value."""
    return meter.create_gauge(metric.name, metric.unit, metric.description)


def histogram(meter: Meter, metric: Metric) -> Histogram:
    """A histogram with the table's buckets."""
    return meter.create_histogram(
        metric.name, metric.unit, metric.description, explicit_bucket_boundaries_advisory=list(metric.boundaries)
    )
