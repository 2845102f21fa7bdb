"""The OpenTelemetry Collector: the entry for applications, and the way of their signals to the stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pointsman.services.go_runtime import soft_limit
from pointsman.services.labels import ENVIRONMENT, SERVICE
from pointsman.services.model import Config, Exposed, Probe, RestartInPlace, Scrape, Service
from pointsman.spec.models import Environment
from pointsman.spec.scalars import size_bytes
from pointsman.yaml_text import yaml_text

NAME = "collector"
CONFIG = "/etc/otelcol"
DATA = "/var/lib/otelcol/file_storage"
OTLP_HTTP, OTLP_GRPC, METRICS, HEALTH = 4318, 4317, 8888, 13133
# Nothing waits longer than this in a batch: what was sent is found at once.
FLUSH = "200ms"
CONTAINER_TIMEOUT = "15s"
# The one trace of a request that was refused before it became spans, samples or records: how it was answered. By meter
# and instrument, with the attribute that tells; what clients send must not make series of its own.
INSTRUMENTATION = "go.opentelemetry.io/contrib/instrumentation"
HTTP, GRPC = f"{INSTRUMENTATION}/net/http/otelhttp", f"{INSTRUMENTATION}/google.golang.org/grpc/otelgrpc"
ANSWERS = (
    (HTTP, "http.server.request.duration", "http.response.status_code"),
    (GRPC, "rpc.server.call.duration", "rpc.response.status_code"),
)
UNTOLD = (
    (HTTP, "http.client.*"),
    (HTTP, "http.server.*.size"),
    (GRPC, "rpc.client.*"),
    ("go.opentelemetry.io/collector/exporter/exporterhelper", "otelcol_exporter_queue_batch_send_size*"),
    ("go.opentelemetry.io/collector/processor/processorhelper", "otelcol_processor_internal_duration"),
    ("go.opentelemetry.io/collector/service", "otelcol.*.size"),
)
# Beyond it span metrics fold new series into one that says so, instead of growing without end.
SPAN_METRICS_SERIES = 2000


@dataclass(frozen=True)
class Neighbours:
    """Whom the Collector reads from and sends to: spans to `traces`, samples to `metrics`, log records to `logs`.

    Without `traces`, spans still become metrics.
    """

    traces: Service | None
    metrics: Service
    logs: Service
    proxy: Service


def service(environment: str, spec: Environment, around: Neighbours) -> Service:
    """The Collector: four ports, and a config drawn from what is around it."""
    ports = spec.ports
    memory = size_bytes(spec.collector.resources.memory)
    return Service(
        name=NAME,
        image="collector",
        command=("/otelcol-contrib", f"--config={CONFIG}/current/collector.yml"),
        exposed=(
            Exposed("otlp-http", OTLP_HTTP, ports.otlp_http, "ports.otlp_http"),
            Exposed("otlp-grpc", OTLP_GRPC, ports.otlp_grpc, "ports.otlp_grpc", http=False),
            Exposed("metrics", METRICS, ports.collector_metrics, "ports.collector_metrics"),
            Exposed("health", HEALTH, ports.collector_health, "ports.collector_health"),
        ),
        memory=memory,
        cpus=spec.collector.resources.cpus,
        variables=soft_limit(memory),
        ready=Probe("/", on="health"),
        config=Config(
            directory=CONFIG,
            files={"collector.yml": yaml_text(_config(environment, spec, around))},
            validate=("/otelcol-contrib", "validate", "--config={release}/collector.yml"),
            reload=RestartInPlace(),
        ),
        data=DATA,
        metrics=Scrape(on="metrics"),
        # It reads the list of containers when it starts, and ends when it cannot.
        after=(around.proxy.name,),
    )


def _config(environment: str, spec: Environment, around: Neighbours) -> dict[str, Any]:
    to_traces = _to_traces(spec, around.traces)
    to_metrics, to_logs = "otlp_http/metrics", "otlp_http/logs"
    return {
        "receivers": _receivers(spec, around),
        "processors": {
            # First in every pipeline: it refuses before the kernel ends the process, and the sender tries again.
            "memory_limiter": {"check_interval": "1s", "limit_percentage": 75, "spike_limit_percentage": 20},
            # The engine tells of every container of the machine; those of others are not this environment's business.
            "filter/own_containers": {
                "error_mode": "ignore",
                "metrics": {"metric": [f'resource.attributes["environment"] != "{environment}"']},
            },
        },
        "connectors": _connectors(spec),
        "exporters": {
            **to_traces,
            to_metrics: {"endpoint": f"{around.metrics.url()}/api/v1/otlp", **_delivery(spec)},
            to_logs: {"endpoint": f"http://{around.logs.address()}/otlp", **_delivery(spec)},
        },
        "extensions": {
            "health_check": {"endpoint": f"0.0.0.0:{HEALTH}"},
            "file_storage": {"directory": DATA, "create_directory": True},
        },
        "service": {
            "extensions": ["health_check", "file_storage"],
            "telemetry": _telemetry(),
            "pipelines": {
                "traces": _pipeline(["otlp"], [*to_traces, "spanmetrics", "servicegraph"]),
                "metrics": _pipeline(["otlp", "spanmetrics", "servicegraph"], [to_metrics]),
                "metrics/containers": _pipeline(["docker_stats"], [to_metrics], "filter/own_containers"),
                "logs": _pipeline(["otlp"], [to_logs]),
            },
        },
    }


def _to_traces(spec: Environment, traces: Service | None) -> dict[str, Any]:
    if traces is None:
        return {}
    exporter = {"endpoint": traces.address("otlp-grpc"), "tls": {"insecure": True}, **_delivery(spec)}
    return {"otlp_grpc/traces": exporter}


def _receivers(spec: Environment, around: Neighbours) -> dict[str, Any]:
    most = size_bytes(spec.collector.max_request)
    return {
        "otlp": {
            "protocols": {
                "grpc": {"endpoint": f"0.0.0.0:{OTLP_GRPC}", "max_recv_msg_size_mib": max(1, most // 2**20)},
                "http": {"endpoint": f"0.0.0.0:{OTLP_HTTP}", "max_request_body_size": most},
            }
        },
        "docker_stats": {
            "endpoint": f"tcp://{around.proxy.address()}",
            # Empty: it agrees with the engine on a version. Its default is refused by engines before 25.
            "api_version": "",
            "collection_interval": spec.collector.container_metrics_interval,
            "initial_delay": "1s",
            # The engine takes a second or two for each container's answer, and asks itself twice on old versions.
            "timeout": CONTAINER_TIMEOUT,
            "container_labels_to_metric_labels": {ENVIRONMENT: "environment", SERVICE: "service"},
        },
    }


def _connectors(spec: Environment) -> dict[str, Any]:
    interval = spec.collector.span_metrics_interval
    return {
        "spanmetrics": {
            # Native histograms: every quantile to a few per cent, for the price of one series each.
            "histogram": {"unit": "s", "exponential": {"max_size": 160}},
            "exemplars": {"enabled": True},
            "metrics_flush_interval": interval,
            "metrics_expiration": "5m",
            "aggregation_cardinality_limit": SPAN_METRICS_SERIES,
        },
        "servicegraph": {
            "store": {"ttl": "5s", "max_items": 10_000},
            "metrics_flush_interval": interval,
        },
    }


def _delivery(spec: Environment) -> dict[str, Any]:
    """Queue on disk, so that a restart loses nothing; batches in the exporter; tries until the queue is full."""
    return {
        "retry_on_failure": {
            "enabled": True,
            "initial_interval": "500ms",
            "max_interval": "5s",
            "max_elapsed_time": "0s",
        },
        "sending_queue": {
            "enabled": True,
            "storage": "file_storage",
            "queue_size": spec.collector.queue,
            "batch": {"flush_timeout": FLUSH, "min_size": 1000, "max_size": 5000},
        },
    }


def _telemetry() -> dict[str, Any]:
    reader = {
        "host": "0.0.0.0",
        "port": METRICS,
        # The names that the field's dashboards and alerts know.
        "without_type_suffix": True,
        "without_units": True,
        "without_scope_info": True,
    }
    return {
        # A container that ends while it is read is an error there; one line of it is enough.
        "logs": {"encoding": "console", "disable_stacktrace": True},
        # Detailed, for what its servers answer; of all else that this level adds, the views leave nothing.
        "metrics": {
            "level": "detailed",
            "readers": [{"pull": {"exporter": {"prometheus": reader}}}],
            "views": [
                *(_view(meter, name, {"aggregation": {"drop": {}}}) for meter, name in UNTOLD),
                *(_view(meter, name, _counted(attribute)) for meter, name, attribute in ANSWERS),
            ],
        },
    }


def _view(meter: str, instrument: str, stream: dict[str, Any]) -> dict[str, Any]:
    return {"selector": {"meter_name": meter, "instrument_name": instrument}, "stream": stream}


def _counted(attribute: str) -> dict[str, Any]:
    """Of a histogram no more than how many there were, by one attribute."""
    return {
        "aggregation": {"explicit_bucket_histogram": {"boundaries": [], "record_min_max": False}},
        "attribute_keys": {"included": [attribute]},
    }


def _pipeline(receivers: list[str], exporters: list[str], *processors: str) -> dict[str, Any]:
    return {"receivers": receivers, "processors": ["memory_limiter", *processors], "exporters": exporters}
