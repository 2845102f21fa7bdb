"""No value without bound becomes an attribute of a metric, whatever is given to the API."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from pointsman.telemetry import names
from pointsman.telemetry.names import METRICS
from tests.unit.telemetry.told import Told

ALLOWED = {metric.name: set(metric.attributes) for metric in METRICS}
# Long enough to be in nothing by chance.
IDS = some.uuids().map(str)


@dataclass(frozen=True)
class Unbounded:
    """What a caller may give that has no bound."""

    workflow: str
    agent: str
    attribute: str
    message: str
    commit: str

    def values(self) -> set[str]:
        """All of them."""
        return {self.workflow, self.agent, self.attribute, self.message, self.commit}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some.builds(Unbounded, IDS, IDS, IDS, IDS, IDS), some.booleans())
def test_ids_attributes_messages_and_commits_stay_on_spans(told: Told, given: Unbounded, fails: bool) -> None:
    """Metrics have the attributes of the names table alone, and none of those values, in series or exemplars."""
    extra = {"order": given.attribute}
    with (
        contextlib.suppress(ValueError),
        told.telemetry.workflow("deploy", run_id=given.workflow, attributes=extra) as run,
        run.agent("planner", run_id=given.agent, attributes=extra) as agent,
        told.telemetry.deployment("production", "api", commit=given.commit),
        run.approval(),
        told.telemetry.model_call("small", provider="acme") as call,
    ):
        call.tokens(input=1)
        agent.retry()
        agent.error(KeyError(given.message))
        if fails:
            raise ValueError(given.message)
    for metric, points in told.points().items():
        for labels, point in points.items():
            assert {key for key, _ in labels} <= ALLOWED[metric]
            assert given.values().isdisjoint(str(value) for _, value in labels)
            for exemplar in getattr(point, "exemplars", ()):
                assert not exemplar.filtered_attributes


def test_ids_are_on_the_spans(told: Told) -> None:
    """Which is where a run is looked for; a run without an id has that of its span."""
    with told.telemetry.workflow("deploy", run_id="42", attributes={"order": "o-1"}) as run, run.agent("planner"):
        pass
    assert (told.span("workflow.execute").attributes or {})["order"] == "o-1"
    assert (told.span("workflow.execute").attributes or {})[names.WORKFLOW_ID] == "42"
    agent = told.span("agent.execute")
    assert (agent.attributes or {})[names.AGENT_ID] == f"{agent.context.span_id:016x}"


def test_names_without_bound_fold_into_one_series(told: Told) -> None:
    """A caller who makes names of ids all the same gets a series that says so, instead of thousands."""
    for number in range(2100):
        with told.telemetry.agent(f"agent-{number}"):
            pass
    points = told.points()["agent_runs"]
    assert len(points) <= 2001
    assert (("otel.metric.overflow", True),) in points
