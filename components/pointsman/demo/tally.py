"""What Prometheus must show once a plan was driven: every series with its labels and its value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pointsman.demo.plan import HELD_SECONDS, PROVIDER, REQUESTS, WORKFLOWS, Run, Step
from pointsman.spec.telemetry import Prices
from pointsman.telemetry import names
from pointsman.telemetry.names import FAULTS, Metric, Status

Labels = tuple[tuple[str, str], ...]
HELD_TRIGGER = "manual"
HELD_DEPLOYMENT = ("production", "api")


@dataclass(frozen=True)
class Point:
    """One series and its value. `attributes` are OpenTelemetry's, `labels` what they are in Prometheus."""

    metric: Metric
    suffix: str
    attributes: Labels
    value: float

    @property
    def series(self) -> str:
        """The series' name in Prometheus."""
        return names.prometheus_name(self.metric) + self.suffix

    @property
    def labels(self) -> dict[str, str]:
        """Its labels, those of the resource apart."""
        return {names.label(key): value for key, value in self.attributes}


class Tally:
    """Adds up counters and histograms; of a histogram its count and its sum."""

    def __init__(self) -> None:
        self._values: defaultdict[tuple[str, str, Labels], float] = defaultdict(float)
        self._metrics: dict[str, Metric] = {}

    def count(self, metric: Metric, attributes: Mapping[str, str], value: float = 1) -> None:
        """Adds to a counter or a sum."""
        self._add(metric, "", value, attributes)

    def time(self, metric: Metric, attributes: Mapping[str, str], value: float | None = None) -> None:
        """Adds one observation to a histogram; without a value its sum is not known."""
        self._add(metric, "_count", 1, attributes)
        if value is not None:
            self._add(metric, "_sum", value, attributes)

    def points(self) -> tuple[Point, ...]:
        """All series, by name and labels."""
        return tuple(
            Point(self._metrics[name], suffix, labels, round(value, 9))
            for (name, suffix, labels), value in sorted(self._values.items())
        )

    def _add(self, metric: Metric, suffix: str, value: float, attributes: Mapping[str, str]) -> None:
        unknown = set(attributes) - set(metric.attributes)
        assert not unknown, f"{metric.name} has no {unknown}"
        self._metrics[metric.name] = metric
        self._values[metric.name, suffix, tuple(sorted(attributes.items()))] += value


def expected(runs: Iterable[Run], prices: Prices) -> tuple[Point, ...]:
    """All that the runs make, their requests and statements, and the runs that are held open and then ended."""
    tally = Tally()
    for run in runs:
        _run(tally, run, prices)
        _traffic(tally)
    for workflow in WORKFLOWS:
        _ended(tally, workflow, HELD_TRIGGER, Status.SUCCESS, HELD_SECONDS, prices)
    tally.time(names.APPROVAL_WAIT, {names.WORKFLOW_NAME: "deploy"}, HELD_SECONDS)
    _deployed(tally, *HELD_DEPLOYMENT, "success", HELD_SECONDS)
    return tally.points()


def held() -> tuple[Point, ...]:
    """The sums that stand above zero while the demo goes on, and at zero afterwards."""
    tally = Tally()
    for workflow in WORKFLOWS:
        tally.count(names.WORKFLOWS_ACTIVE, {names.WORKFLOW_NAME: workflow})
    tally.count(names.APPROVALS_PENDING, {names.WORKFLOW_NAME: "deploy"})
    environment, service = HELD_DEPLOYMENT
    tally.count(names.DEPLOYMENTS_IN_PROGRESS, {names.ENVIRONMENT: environment, names.DEPLOYMENT_SERVICE: service})
    return tally.points()


def _run(tally: Tally, run: Run, prices: Prices) -> None:
    _ended(tally, run.workflow, run.trigger, run.status, run.seconds, prices)
    if run.approval:
        tally.time(names.APPROVAL_WAIT, {names.WORKFLOW_NAME: run.workflow}, run.approval)
    for step in run.steps:
        _step(tally, run, step, prices)
    if run.deployment:
        each = run.deployment
        _deployed(tally, each.environment, each.service, each.result.value, each.seconds)


def _ended(tally: Tally, name: str, trigger: str, status: Status, seconds: float, prices: Prices) -> None:
    named = {names.WORKFLOW_NAME: name}
    ended = named | {names.WORKFLOW_STATUS: status.value}
    tally.count(names.WORKFLOW_RUNS, ended | {names.WORKFLOW_TRIGGER: trigger})
    tally.time(names.WORKFLOW_SECONDS, ended, seconds)
    tally.count(names.COST, named | {names.COST_KIND: "execution"}, seconds / 60 * prices.execution_minute)


def _step(tally: Tally, run: Run, step: Step, prices: Prices) -> None:
    named = {names.AGENT_NAME: step.agent}
    ended = named | {names.AGENT_ACTION: step.action, names.AGENT_STATUS: step.status.value}
    tally.count(names.AGENT_RUNS, ended)
    tally.time(names.AGENT_SECONDS, ended, step.seconds)
    if step.retries:
        tally.count(names.AGENT_RETRIES, named, step.retries)
    if step.status in FAULTS:
        tally.count(names.AGENT_ERRORS, named | {names.ERROR_TYPE: step.error})
    call, price = step.call, prices.models[step.call.model]
    called = {names.OPERATION: "chat", names.PROVIDER: PROVIDER, names.MODEL: call.model}
    tally.time(names.TOKENS, called | {names.TOKEN_TYPE: "input"}, call.input)
    tally.time(names.TOKENS, called | {names.TOKEN_TYPE: "output"}, call.output)
    tally.time(names.MODEL_SECONDS, called, call.seconds)
    whose = named | {names.COST_KIND: "tokens", names.WORKFLOW_NAME: run.workflow, names.MODEL: call.model}
    tally.count(names.COST, whose, (call.input * price.input + call.output * price.output) / 1e6)


def _deployed(tally: Tally, environment: str, service: str, result: str, seconds: float) -> None:
    ended = {names.ENVIRONMENT: environment, names.DEPLOYMENT_SERVICE: service, names.DEPLOYMENT_RESULT: result}
    tally.count(names.DEPLOYMENTS, ended)
    tally.time(names.DEPLOYMENT_SECONDS, ended, seconds)


def _traffic(tally: Tally) -> None:
    """One round of requests; each is answered after one statement of the database."""
    for each in REQUESTS:
        answered = {"http.request.method": each.method, "http.response.status_code": str(each.status)}
        tally.time(names.HTTP_SERVER, answered | {"http.route": each.route})
        tally.time(names.HTTP_CLIENT, answered)
        operation = "INSERT" if each.method == "POST" else "SELECT"
        tally.time(names.DB_SECONDS, {"db.operation.name": operation, "db.system.name": "sqlite"})
