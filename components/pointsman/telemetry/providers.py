"""The SDK's providers, put together: bounded queues, counted losses, exemplars of what is traced, bounded endings."""

from __future__ import annotations

import logging
import os
import queue
import socket
import threading
import time
from collections.abc import Callable

from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider, TraceBasedExemplarFilter
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from pointsman.telemetry import names
from pointsman.telemetry.exporting import Exporters, Settings
from pointsman.telemetry.loss import (
    LOGS,
    TRACES,
    CountedLogs,
    CountedMetrics,
    CountedSpans,
    Gate,
    GatedLogs,
    GatedSpans,
    Losses,
)

# What these say of a Collector that does not answer is said once, with the count, by `loss`.
_SAID_ELSEWHERE = ("opentelemetry.exporter.otlp", "opentelemetry.sdk._shared_internal")
_log = logging.getLogger("pointsman.telemetry")


class Providers:
    """Tracer, meter and logger provider of one process."""

    def __init__(self, settings: Settings, exporters: Exporters, readers: tuple[MetricReader, ...] = ()) -> None:
        for name in _SAID_ELSEWHERE:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        limits, resource = settings.limits, _resource(settings)
        self.losses = Losses(settings.endpoint)
        self._gates = (Gate(TRACES, self.losses, limits.queue), Gate(LOGS, self.losses, limits.queue))
        self.spans = TracerProvider(resource=resource, shutdown_on_exit=False)
        self.spans.add_span_processor(self._span_processor(settings, exporters))
        self.logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self.logs.add_log_record_processor(self._log_processor(settings, exporters))
        counted = CountedMetrics(exporters.metrics, self.losses)
        periodic = PeriodicExportingMetricReader(counted, limits.metrics_seconds * 1000)
        self.metrics = MeterProvider(
            (periodic, *readers),
            resource=resource,
            exemplar_filter=TraceBasedExemplarFilter(),
            shutdown_on_exit=False,
        )
        self.metrics.get_meter(names.NAMESPACE).create_observable_counter(
            names.DROPPED.name, [self.losses.observe], names.DROPPED.unit, names.DROPPED.description
        )
        self._worker = _Worker()

    def _span_processor(self, settings: Settings, exporters: Exporters) -> GatedSpans:
        limits, gate = settings.limits, self._gates[0]
        # Its queue holds one batch more than the gate lets in, so that it never drops by itself.
        inner = BatchSpanProcessor(
            CountedSpans(exporters.spans, gate),
            max_queue_size=limits.queue + limits.batch,
            schedule_delay_millis=limits.spans_seconds * 1000,
            max_export_batch_size=limits.batch,
        )
        return GatedSpans(inner, gate)

    def _log_processor(self, settings: Settings, exporters: Exporters) -> GatedLogs:
        limits, gate = settings.limits, self._gates[1]
        inner = BatchLogRecordProcessor(
            CountedLogs(exporters.logs, gate),
            max_queue_size=limits.queue + limits.batch,
            schedule_delay_millis=limits.spans_seconds * 1000,
            max_export_batch_size=limits.batch,
        )
        return GatedLogs(inner, gate)

    def make_global(self) -> None:
        """What asks OpenTelemetry for a provider gets these: other libraries' spans and metrics go the same way."""
        trace.set_tracer_provider(self.spans)
        metrics.set_meter_provider(self.metrics)
        set_logger_provider(self.logs)

    def flush(self, seconds: float) -> bool:
        """Sends what waits; False when that took longer than `seconds`, and then goes on in the background."""
        return self._worker.run(self._flush, seconds)

    def shutdown(self, seconds: float) -> bool:
        """Sends what waits and ends; what was not sent after `seconds` is counted as lost."""
        ended = self._worker.run(self._shutdown, seconds)
        for gate in self._gates:
            gate.close()
        return ended

    def _flush(self) -> None:
        self.spans.force_flush()
        self.logs.force_flush()
        self.metrics.force_flush()

    def _shutdown(self) -> None:
        # Metrics last: they tell what the others lost.
        self.spans.shutdown()
        self.logs.shutdown()
        self.metrics.shutdown()


class _Worker:
    """A thread that does what may take long, so that whoever asks can stop waiting.

    It is there from the beginning: an interpreter that ends takes no new threads.
    """

    def __init__(self) -> None:
        self._start()

    def run(self, task: Callable[[], None], seconds: float) -> bool:
        """Does a task; False when it is not done after `seconds`."""
        done = threading.Event()
        try:
            # A forked child has none of its parent's threads.
            if not self._thread.is_alive():
                self._start()
        except RuntimeError:
            return False
        self._tasks.put((task, done))
        return done.wait(seconds)

    def _start(self) -> None:
        self._tasks: queue.SimpleQueue[tuple[Callable[[], None], threading.Event]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="pointsman-telemetry", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while True:
            task, done = self._tasks.get()
            try:
                task()
            except Exception:
                _log.debug("telemetry was not sent", exc_info=True)
            done.set()


def _resource(settings: Settings) -> Resource:
    """The process: its name, and an instance that tells it from others. Process ids come again, as do series."""
    declared = {
        "service.name": settings.service,
        "service.version": settings.version,
        names.ENVIRONMENT: settings.environment,
        "host.name": socket.gethostname(),
        "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
    }
    return Resource.create({key: value for key, value in (declared | settings.attributes).items() if value})


def clock() -> Callable[[], int]:
    """Nanoseconds since 1970 that never go back: the wall's at the start, and what passed since."""
    offset = time.time_ns() - time.perf_counter_ns()
    return lambda: offset + time.perf_counter_ns()
