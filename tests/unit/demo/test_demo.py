"""The demo: the same plan from the same seed, and on the wire exactly what it says it sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from typer.testing import CliRunner

from pointsman.cli.app import app
from pointsman.demo import tally
from pointsman.demo.plan import plan, prices
from pointsman.spec.telemetry import Prices
from pointsman.telemetry import names
from pointsman.telemetry.names import METRICS, Status
from tests.unit.telemetry.told import Sink, sink

Labels = tuple[tuple[str, str], ...]
NOT_OF_THE_DEMO = {"process.memory.usage", "process.cpu.utilization", "event_loop_lag", "telemetry_dropped"}


def test_a_seed_makes_one_plan() -> None:
    """The same each time, another for another seed; few runs are raised to one of each status."""
    assert plan(7, 50) == plan(7, 50) != plan(8, 50)
    assert {run.status for run in plan(7, 0)} == set(Status)
    assert len(plan(7, 50)) == 50


def test_the_tally_speaks_of_every_metric() -> None:
    """All of the names table are driven; those that the machine decides have no value to expect."""
    points = (*tally.expected(plan(1, 0), prices(Prices())), *tally.held())
    moments = {names.DEPLOYMENT_LAST_SUCCESS.name, names.DEPLOYMENT_LAST_FAILURE.name}
    told = {point.metric.name for point in points} | NOT_OF_THE_DEMO | moments
    assert told == {metric.name for metric in METRICS}


@dataclass(frozen=True)
class Sent:
    """One demo: its document, and what a Collector got."""

    document: dict[str, object]
    collector: Sink

    def series(self) -> dict[tuple[str, Labels], float]:
        """By name in OpenTelemetry and labels: the last value of each sum, the count and sum of each histogram."""
        found: dict[tuple[str, Labels], float] = {}
        for body in self.collector.bodies("/v1/metrics"):
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                    for point in metric.sum.data_points:
                        found[metric.name, _labels(point.attributes)] = point.as_double or point.as_int
                    for each in metric.histogram.data_points:
                        found[f"{metric.name}_count", _labels(each.attributes)] = each.count
                        found[f"{metric.name}_sum", _labels(each.attributes)] = each.sum
        return found


def _labels(attributes: object) -> Labels:
    kept = []
    for each in attributes:  # type: ignore[attr-defined]
        value = each.value.string_value or str(each.value.int_value)
        kept.append((names.label(each.key), value))
    return tuple(sorted(kept))


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    """A demo of a few seconds, through the command line, to a Collector's entry on loopback."""
    root = tmp_path_factory.mktemp("clone")
    (root / "stacks").mkdir()
    (root / "stacks" / "here.yaml").write_text("telemetry: {prices: {execution_minute: 0.6}}\n")
    with sink() as collector, pytest.MonkeyPatch.context() as patch:
        patch.setenv("POINTSMAN_ROOT", str(root))
        arguments = ["--env", "here", "--seconds", "2", "--rate", "5", "--seed", "3", "--endpoint", collector.url]
        result = CliRunner().invoke(app, ["demo", *arguments, "--output", "json"])
        assert result.exit_code == 0, result.output
        yield Sent(json.loads(result.stdout), collector)


def test_every_series_has_the_value_that_was_said(sent: Sent) -> None:
    """Counters, counts and sums, each by its labels."""
    series = sent.series()
    suffixes = {metric.name: ("_count", "_sum") if metric.kind == "histogram" else ("",) for metric in METRICS}
    by_series = {
        names.prometheus_name(metric) + suffix: metric.name + suffix
        for metric in METRICS
        for suffix in suffixes[metric.name]
    }
    found, said = {}, {}
    for line in sent.document["series"]:  # type: ignore[attr-defined]
        key = (line["name"], tuple(sorted(line["labels"].items())))
        said[key] = pytest.approx(line["value"], rel=1e-6)
        name, wanted = by_series[line["name"]], set(line["labels"].items())
        found[key] = sum(value for (of, labels), value in series.items() if of == name and wanted <= set(labels))
    assert found == said


def test_it_begins_at_zero(sent: Sent) -> None:
    """The first that arrives of every counter is a zero: an increase is counted from it."""
    first = ExportMetricsServiceRequest.FromString(sent.collector.bodies("/v1/metrics")[0])
    counters = {metric.name for metric in METRICS if metric.kind == "counter"} - {"telemetry_dropped"}
    values = {
        (metric.name, point.as_double or point.as_int)
        for scope in first.resource_metrics[0].scope_metrics
        for metric in scope.metrics
        if metric.name in counters
        for point in metric.sum.data_points
    }
    assert values == {(name, 0) for name in counters}


def test_runs_are_held_open_meanwhile(sent: Sent) -> None:
    """Sums that a glance at the boards must not find at zero; at zero again at the end."""
    during: set[str] = set()
    for body in sent.collector.bodies("/v1/metrics"):
        for scope in ExportMetricsServiceRequest.FromString(body).resource_metrics[0].scope_metrics:
            during |= {m.name for m in scope.metrics if any(point.as_int > 0 for point in m.sum.data_points)}
    held = {metric.name for metric in METRICS if metric.kind == "updowncounter"}
    assert held <= during
    assert {value for (name, _), value in sent.series().items() if name in held} == {0}


def test_the_failing_trace(sent: Sent) -> None:
    """The trace that it points at holds a failed workflow with its agents, a deployment, and logs."""
    trace = sent.document["failing_trace"]
    spans = [
        span
        for body in sent.collector.bodies("/v1/traces")
        for scope in ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans
        for span in scope.spans
        if span.trace_id.hex() == trace
    ]
    kinds = {span.name for span in spans}
    assert {"workflow.execute", "agent.execute", "workflow.approval", "deployment.execute"} <= kinds
    (workflow,) = [span for span in spans if span.name == "workflow.execute"]
    assert workflow.status.code == 2
    assert all(workflow.start_time_unix_nano <= span.start_time_unix_nano for span in spans)
    assert all(workflow.end_time_unix_nano >= span.end_time_unix_nano for span in spans)
    records = [
        record
        for body in sent.collector.bodies("/v1/logs")
        for scope in ExportLogsServiceRequest.FromString(body).resource_logs[0].scope_logs
        for record in scope.log_records
        if record.trace_id.hex() == trace
    ]
    assert {record.severity_text for record in records} >= {"INFO", "ERROR"}


def test_a_collector_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends with 3 and how much was not taken."""
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "here.yaml").write_text("{}\n")
    monkeypatch.setenv("POINTSMAN_ROOT", str(tmp_path))
    with sink() as collector:
        collector.status = 400
        arguments = ["--env", "here", "--seconds", "0", "--rate", "20", "--endpoint", collector.url]
        result = CliRunner().invoke(app, ["demo", *arguments, "--output", "json"])
    assert result.exit_code == 3
    assert "did not take all" in json.loads(result.stdout)["message"]
