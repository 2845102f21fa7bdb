"""What a process told of itself, kept in memory; and a Collector's HTTP entry on loopback that keeps what it takes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from pointsman.spec.telemetry import ModelPrice, Prices
from pointsman.telemetry import Exporters, Limits, Telemetry, configure

PRICES = Prices(execution_minute=0.6, models={"small": ModelPrice(input=1.0, output=2.0)})
# Nothing is sent by the clock: tests flush.
QUIET = Limits(spans_seconds=3600, metrics_seconds=3600)


class Nowhere(MetricExporter):
    """Takes points, which tests read from a reader instead."""

    def export(self, metrics_data: MetricsData, timeout_millis: float = 0, **kwargs: Any) -> MetricExportResult:
        return MetricExportResult.SUCCESS

    def shutdown(self, timeout_millis: float = 0, **kwargs: Any) -> None:
        pass

    def force_flush(self, timeout_millis: float = 0) -> bool:
        return True


class Clock:
    """A clock that a test winds, in seconds since 1970."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> int:
        return round(self.now * 1e9)


@dataclass
class Told:
    """Telemetry that stays in memory."""

    clock: Clock = field(default_factory=Clock)
    log_level: int | None = None

    def __post_init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._logs = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
        self._reader = InMemoryMetricReader()
        self.telemetry: Telemetry = configure(
            "test",
            exporters=Exporters(self._spans, Nowhere(), self._logs),
            readers=(self._reader,),
            prices=PRICES,
            limits=QUIET,
            log_level=self.log_level,
            is_global=False,
            time_ns=self.clock,
        )

    def spans(self) -> list[ReadableSpan]:
        """Spans that ended, in the order of their ends."""
        assert self.telemetry.flush(5)
        return list(self._spans.get_finished_spans())

    def span(self, name: str) -> ReadableSpan:
        """The one span of that name."""
        (found,) = [span for span in self.spans() if span.name == name]
        return found

    def logs(self) -> list[Any]:
        """Log records."""
        assert self.telemetry.flush(5)
        return [each.log_record for each in self._logs.get_finished_logs()]

    def points(self) -> dict[str, dict[tuple[tuple[str, Any], ...], Any]]:
        """By metric and attributes: the data point."""
        found: dict[str, dict[tuple[tuple[str, Any], ...], Any]] = {}
        data = self._reader.get_metrics_data()
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    of_metric = found.setdefault(metric.name, {})
                    for point in metric.data.data_points:
                        of_metric[tuple(sorted((point.attributes or {}).items()))] = point
        return found

    def value(self, metric: str, **attributes: Any) -> float:
        """A counter's value, or a histogram's sum; attributes are written with underscores."""
        wanted = set(attributes.items())
        matching = [
            point
            for labels, point in self.points().get(metric, {}).items()
            if wanted <= {(key.replace(".", "_"), value) for key, value in labels}
        ]
        return float(sum(point.sum if hasattr(point, "sum") else point.value for point in matching))


class Sink:
    """Takes OTLP over HTTP. `status` is what it answers with; while `held` is set it does not answer at all."""

    def __init__(self, port: int = 0) -> None:
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                sink.requests.append((self.path, body))
                sink.arrived.set()
                sink.open.wait(30)
                self.send_response(sink.status)
                self.send_header("content-length", "0")
                self.end_headers()

            do_PUT = do_POST

            def log_message(self, *args: Any) -> None:
                pass

        self.requests: list[tuple[str, bytes]] = []
        self.arrived, self.open, self.status = threading.Event(), threading.Event(), 200
        self.open.set()
        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def bodies(self, path: str) -> list[bytes]:
        """What came to a path."""
        return [body for at, body in list(self.requests) if at == path]


@contextmanager
def sink(port: int = 0) -> Iterator[Sink]:
    """A sink that listens."""
    made = Sink(port)
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.open.set()
        made.server.shutdown()
        made.server.server_close()
