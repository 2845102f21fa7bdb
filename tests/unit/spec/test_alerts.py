"""No threshold of an alert can be written such that the alert never fires."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from pointsman.spec.alerts import AgentAlerts, Alerts, DeploymentAlerts, SystemAlerts, Windowed, WorkflowAlerts
from pointsman.spec.base import Model
from pointsman.spec.scalars import duration_seconds
from pointsman.telemetry import names


def leaves(
    schema: Mapping[str, Any], whole: Mapping[str, Any], at: str = ""
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The path of each value below a model, with what its schema says."""
    for key, each in schema["properties"].items():
        found = whole["$defs"][each["$ref"].rpartition("/")[2]] if "$ref" in each else each
        yield from leaves(found, whole, f"{at}{key}.") if "properties" in found else [(f"{at}{key}", found)]


def test_every_threshold_is_bounded_on_both_sides() -> None:
    """Numbers by their own bounds; times and sizes by those that all times and sizes have."""
    schema = Alerts.model_json_schema()
    numbers = {path: found for path, found in leaves(schema, schema) if found["type"] in ("integer", "number")}
    assert len(numbers) >= 20
    for path, found in numbers.items():
        assert {"minimum", "exclusiveMinimum"} & set(found), path
        assert {"maximum", "exclusiveMaximum"} & set(found), path


@pytest.mark.parametrize(
    ("model", "key", "metric"),
    [
        (WorkflowAlerts, "slow", names.WORKFLOW_SECONDS),
        (AgentAlerts, "slow", names.AGENT_SECONDS),
        (SystemAlerts, "database_latency", names.DB_SECONDS),
        (SystemAlerts, "event_loop_lag", names.LOOP_LAG),
        (DeploymentAlerts, "slow", names.DEPLOYMENT_SECONDS),
    ],
)
def test_times_end_where_the_histogram_does(model: type[Windowed], key: str, metric: names.Metric) -> None:
    """A quantile is never longer than the last bound of the buckets that are sent."""
    assert issubclass(model, Model)
    assert duration_seconds(model.told_apart[key]) == metric.boundaries[-1]
