"""What telling costs the caller: microseconds for a span and for a metric, beside the bare OpenTelemetry SDK.

No stack is needed: exporters take everything and do nothing, so that what is measured is the caller's side.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    MetricsData,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from pointsman.telemetry import Exporters, Limits, Telemetry, configure

CALLS, ROUNDS = 1_000, 5
NAMED = {"agent.name": "planner"}


class Spans(SpanExporter):
    """Takes spans."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


class Points(MetricExporter):
    """Takes points."""

    def export(self, metrics_data: MetricsData, timeout_millis: float = 0, **kwargs: Any) -> MetricExportResult:
        return MetricExportResult.SUCCESS

    def shutdown(self, timeout_millis: float = 0, **kwargs: Any) -> None:
        pass

    def force_flush(self, timeout_millis: float = 0) -> bool:
        return True


class Logs(LogRecordExporter):
    """Takes log records."""

    def export(self, batch: object) -> LogRecordExportResult:
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 0) -> bool:
        return True


def microseconds(call: Callable[[], object]) -> list[float]:
    """Of one call, in each of some rounds."""
    found = []
    for _ in range(ROUNDS):
        gc.collect()
        began = time.perf_counter()
        for _ in range(CALLS):
            call()
        found.append((time.perf_counter() - began) / CALLS * 1e6)
        # The sending thread has its turn outside of what is measured.
        time.sleep(0.1)
    return found


def show(what: str, values: list[float]) -> None:
    """One row."""
    print(f"    {what:<58} min {min(values):7.2f}  median {statistics.median(values):7.2f}  max {max(values):7.2f} µs")


def ours() -> Telemetry:
    """The SDK of Pointsman."""
    exporters = Exporters(Spans(), Points(), Logs())
    limits = Limits(queue=100_000, metrics_seconds=3600)
    return configure("benchmark", exporters=exporters, limits=limits, log_level=None, is_global=False)


def test_overhead() -> None:
    """Prints the cost of a span, a counter and a histogram, bare and through Pointsman, and of whole runs."""
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(BatchSpanProcessor(Spans(), max_queue_size=100_000))
    tracer = tracers.get_tracer("bare")
    meters = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)
    meter = meters.get_meter("bare")
    active = meter.create_up_down_counter("a")
    counter, histogram = meter.create_counter("c"), meter.create_histogram("h")
    telemetry = ours()
    named = {"workflow.name": "deploy", "workflow.trigger": "push", "workflow.status": "success"}

    def bare_span() -> None:
        with tracer.start_as_current_span("s", attributes=named):
            pass

    def same_by_hand() -> None:
        """A span with the attributes of a workflow run, and the points that one makes."""
        with tracer.start_as_current_span("workflow.execute", attributes=named):
            active.add(1, {"workflow.name": "deploy"})
            active.add(-1, {"workflow.name": "deploy"})
            counter.add(1, named)
            histogram.record(1.0, named)
            counter.add(0.1, {"cost.kind": "execution", "workflow.name": "deploy"})

    def our_span() -> None:
        with telemetry.tracer.start_as_current_span("s", attributes=named):
            pass

    def workflow() -> None:
        with telemetry.workflow("deploy", trigger="push"):
            pass

    def agent() -> None:
        with telemetry.agent("planner", action="plan"):
            pass

    print()
    show("bare SDK: span with three attributes", microseconds(bare_span))
    show("pointsman: the same span, bounded and counted", microseconds(our_span))
    show("bare SDK: counter", microseconds(lambda: counter.add(1, NAMED)))
    show("pointsman: counter", microseconds(lambda: telemetry.instruments.agent_retries.add(1, NAMED)))
    show("bare SDK: histogram", microseconds(lambda: histogram.record(1.0, NAMED)))
    show("pointsman: histogram", microseconds(lambda: telemetry.instruments.agent_seconds.record(1.0, NAMED)))
    show("bare SDK: a span and five points, as of a workflow run", microseconds(same_by_hand))
    show("pointsman: a workflow run", microseconds(workflow))
    show("pointsman: an agent run", microseconds(agent))
    assert telemetry.dropped["traces"] == 0
    telemetry.shutdown()
    tracers.shutdown()
    meters.shutdown()
