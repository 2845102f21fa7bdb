"""What is lost on the way out: bounded queues before the exporters, and one count of all that did not arrive.

The SDK's own queues drop the oldest without counting. Here a gate before each queue counts what is inside, and turns
away what comes beyond the bound.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from pointsman.telemetry import names

TRACES, METRICS, LOGS = SIGNALS = ("traces", "metrics", "logs")
# Silence would hide a loss, and a line for each batch would bury the application's own.
TOLD_EVERY_SECONDS = 60.0
_log = logging.getLogger("pointsman.telemetry")


class Losses:
    """Counts items that were lost by signal, and says so once a minute at most. `where` is the endpoint."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._counts = dict.fromkeys(SIGNALS, 0)
        self._told = -TOLD_EVERY_SECONDS
        self._lock = threading.Lock()

    def add(self, signal: str, items: int) -> None:
        """Counts items of a signal."""
        if items <= 0:
            return
        with self._lock:
            self._counts[signal] += items
            now = time.monotonic()
            tell = now - self._told >= TOLD_EVERY_SECONDS
            self._told = now if tell else self._told
        if tell:
            _log.warning("telemetry is lost, so far %s: does the Collector at %s answer?", self.counts(), self._where)

    def counts(self) -> dict[str, int]:
        """The items lost so far."""
        return dict(self._counts)

    def observe(self, _options: CallbackOptions) -> Iterable[Observation]:
        """The counter's points: read when metrics are collected, so that what was lost while nothing answered is told
        once something does."""
        return [Observation(count, {names.SIGNAL: signal}) for signal, count in self._counts.items()]


class Gate:
    """The way into one queue: at most `bound` items are between it and the exporter's answer."""

    def __init__(self, signal: str, losses: Losses, bound: int) -> None:
        self._signal, self._losses, self._bound = signal, losses, bound
        self._closed = False
        self._inside = 0
        self._lock = threading.Lock()
        me = weakref.WeakMethod(self._forget)
        os.register_at_fork(after_in_child=lambda: _call(me()))

    def enter(self) -> bool:
        """Whether there is room; what is turned away is counted."""
        with self._lock:
            if self._inside < self._bound and not self._closed:
                self._inside += 1
                return True
        self._losses.add(self._signal, 1)
        return False

    def leave(self, items: int, arrived: bool) -> None:
        """A batch of so many items was answered, or given up."""
        with self._lock:
            self._inside = max(0, self._inside - items)
        if not arrived:
            self._losses.add(self._signal, items)

    def close(self) -> None:
        """What is still inside will not be sent any more."""
        with self._lock:
            left, self._inside, self._closed = self._inside, 0, True
        self._losses.add(self._signal, left)

    def _forget(self) -> None:
        """A forked child starts with empty queues, and a lock that no thread of its parent holds."""
        self._inside = 0
        self._lock = threading.Lock()


def _call(function: Callable[[], None] | None) -> None:
    if function is not None:
        function()


class GatedSpans(SpanProcessor):
    """A span processor behind a gate."""

    def __init__(self, inner: SpanProcessor, gate: Gate) -> None:
        self._inner, self._gate = inner, gate

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing is queued yet."""

    def on_end(self, span: ReadableSpan) -> None:
        """Queues a sampled span where there is room."""
        if span.context is not None and span.context.trace_flags.sampled and self._gate.enter():
            self._inner.on_end(span)

    def shutdown(self) -> None:
        """Ends the processor behind."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Sends what is queued."""
        return self._inner.force_flush(timeout_millis)


class GatedLogs(LogRecordProcessor):
    """A log record processor behind a gate."""

    def __init__(self, inner: LogRecordProcessor, gate: Gate) -> None:
        self._inner, self._gate = inner, gate

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Queues a record where there is room."""
        if self._gate.enter():
            self._inner.on_emit(log_record)

    def shutdown(self) -> None:
        """Ends the processor behind."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Sends what is queued."""
        return self._inner.force_flush(timeout_millis)


class CountedSpans(SpanExporter):
    """A span exporter whose failures are counted."""

    def __init__(self, inner: SpanExporter, gate: Gate) -> None:
        self._inner, self._gate = inner, gate

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Sends a batch."""
        result = SpanExportResult.FAILURE
        try:
            result = self._inner.export(spans)
        finally:
            self._gate.leave(len(spans), arrived=result is SpanExportResult.SUCCESS)
        return result

    def shutdown(self) -> None:
        """Ends the exporter behind, and the tries that it is at."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is kept here."""
        return self._inner.force_flush(timeout_millis)


class CountedLogs(LogRecordExporter):
    """A log record exporter whose failures are counted."""

    def __init__(self, inner: LogRecordExporter, gate: Gate) -> None:
        self._inner, self._gate = inner, gate

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Sends a batch."""
        result = LogRecordExportResult.FAILURE
        try:
            result = self._inner.export(batch)
        finally:
            self._gate.leave(len(batch), arrived=result is LogRecordExportResult.SUCCESS)
        return result

    def shutdown(self) -> None:
        """Ends the exporter behind, and the tries that it is at."""
        self._inner.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is kept here."""
        return self._inner.force_flush(timeout_millis)


class CountedMetrics(MetricExporter):
    """A metric exporter whose failures are counted, in points: totals are not lost with them, they come next time."""

    def __init__(self, inner: MetricExporter, losses: Losses) -> None:
        super().__init__(inner._preferred_temporality, inner._preferred_aggregation)
        self._inner, self._losses = inner, losses

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        """Sends what was collected."""
        result = MetricExportResult.FAILURE
        try:
            result = self._inner.export(metrics_data, timeout_millis, **kwargs)
        finally:
            if result is not MetricExportResult.SUCCESS:
                self._losses.add(METRICS, _points(metrics_data))
        return result

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Ends the exporter behind, and the tries that it is at."""
        self._inner.shutdown(timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing is kept here."""
        return self._inner.force_flush(timeout_millis)


def _points(data: MetricsData) -> int:
    scopes = (scope for resource in data.resource_metrics for scope in resource.scope_metrics)
    return sum(len(metric.data.data_points) for scope in scopes for metric in scope.metrics)
