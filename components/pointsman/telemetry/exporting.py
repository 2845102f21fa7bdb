"""Where telemetry goes: OTLP over HTTP to a Collector, or exporters that a test hands in."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests
from opentelemetry.sdk._logs.export import LogRecordExporter
from opentelemetry.sdk.metrics.export import MetricExporter
from opentelemetry.sdk.trace.export import SpanExporter

from pointsman.errors import UsageError

ENDPOINT_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"
DEFAULT_ENDPOINT = "http://127.0.0.1:4318"
PULL_PORT = 9464
"""The port of the optional page for Prometheus: OpenTelemetry's own default."""
# One request with its retries: a batch that none takes for so long is given up, and its queue moves on.
EXPORT_SECONDS = 5.0


@dataclass(frozen=True)
class Exporters:
    """What takes spans, points and log records."""

    spans: SpanExporter
    metrics: MetricExporter
    logs: LogRecordExporter


@dataclass(frozen=True)
class Limits:
    """How much waits, and how long. Queues are in items and hold what is being sent; seconds are between sendings."""

    queue: int = 4096
    batch: int = 512
    spans_seconds: float = 1.0
    metrics_seconds: float = 10.0


@dataclass(frozen=True)
class Settings:
    """Who speaks, and to whom. `attributes` are of the resource: of the process, never of a run."""

    service: str
    endpoint: str
    environment: str = ""
    version: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    limits: Limits = Limits()


def endpoint(given: str | None) -> str:
    """The Collector's address: what is given, else OTEL_EXPORTER_OTLP_ENDPOINT, else this machine's 4318."""
    return (given or os.environ.get(ENDPOINT_VARIABLE) or DEFAULT_ENDPOINT).rstrip("/")


def otlp(to: str) -> Exporters:
    """Exporters for OTLP over HTTP; raises UsageError where their package is not installed."""
    try:
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise UsageError(
            f"telemetry cannot be sent: {error.name} is not installed", remedy="pip install 'pointsman[telemetry]'"
        ) from error
    return Exporters(
        spans=OTLPSpanExporter(f"{to}/v1/traces", timeout=EXPORT_SECONDS, session=_session(to)),
        metrics=OTLPMetricExporter(f"{to}/v1/metrics", timeout=EXPORT_SECONDS, session=_session(to)),
        logs=OTLPLogExporter(f"{to}/v1/logs", timeout=EXPORT_SECONDS, session=_session(to)),
    )


def _session(to: str) -> requests.Session:
    """The machine's proxies are not asked for the machine itself."""
    session = requests.Session()
    session.trust_env = (urlsplit(to).hostname or "") not in ("127.0.0.1", "localhost", "::1")
    return session
