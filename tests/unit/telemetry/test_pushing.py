"""The way out: OTLP to a real socket; a Collector that is down, slow or refuses; the end of a process."""

from __future__ import annotations

import gzip
import logging
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pointsman.telemetry import Limits, Telemetry, configure
from pointsman.telemetry.exporting import DEFAULT_ENDPOINT, endpoint
from tests.unit.telemetry.told import QUIET, Sink, sink
from tests.unit.test_layout import SOURCE

# A machine under load is slow; a caller that waits for the network waits longer than this.
PATIENCE_SECONDS = 20.0


def eventually(check: Callable[[], bool]) -> bool:
    """Whether something comes to be in time."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if check():
            return True
        time.sleep(0.02)
    return check()


def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def telling(to: str, limits: Limits = QUIET, log_level: int | None = None) -> Telemetry:
    """Telemetry that goes to a sink."""
    return configure("test", environment="dev", to=to, limits=limits, log_level=log_level, is_global=False)


def run_once(telemetry: Telemetry) -> None:
    """One run that is logged."""
    with telemetry.workflow("deploy"):
        logging.getLogger("app").warning("inside")


def test_all_three_signals_arrive() -> None:
    """As OTLP over HTTP, with who speaks: spans, points and log records."""
    with sink() as collector:
        telemetry = telling(collector.url, log_level=logging.WARNING)
        run_once(telemetry)
        assert telemetry.flush(PATIENCE_SECONDS)
        telemetry.shutdown(PATIENCE_SECONDS)
    traces = ExportTraceServiceRequest.FromString(collector.bodies("/v1/traces")[0])
    logs = ExportLogsServiceRequest.FromString(collector.bodies("/v1/logs")[0])
    metrics = ExportMetricsServiceRequest.FromString(collector.bodies("/v1/metrics")[0])
    resource = {each.key: each.value.string_value for each in traces.resource_spans[0].resource.attributes}
    assert resource["service.name"] == "test"
    assert resource["deployment.environment.name"] == "dev"
    (span,) = traces.resource_spans[0].scope_spans[0].spans
    (record,) = logs.resource_logs[0].scope_logs[0].log_records
    assert (record.body.string_value, record.trace_id) == ("inside", span.trace_id)
    told = {metric.name for scope in metrics.resource_metrics[0].scope_metrics for metric in scope.metrics}
    assert {"workflow_runs", "workflow_duration", "telemetry_dropped"} <= told
    assert telemetry.dropped == {"traces": 0, "metrics": 0, "logs": 0}


@pytest.mark.parametrize(
    ("given", "variable", "found"),
    [
        ("http://a:1/", "http://b:2", "http://a:1"),
        (None, "http://b:2/", "http://b:2"),
        (None, "", DEFAULT_ENDPOINT),
    ],
)
def test_where_it_goes(monkeypatch: pytest.MonkeyPatch, given: str | None, variable: str, found: str) -> None:
    """What is given, else OpenTelemetry's own variable, else this machine's Collector."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", variable)
    assert endpoint(given) == found


def test_a_collector_that_never_answers_holds_nobody() -> None:
    """More than the queues hold is told while the Collector keeps its answer back: what is too much is counted."""
    with sink() as collector:
        collector.open.clear()
        telemetry = telling(collector.url, Limits(queue=50, batch=10, spans_seconds=0.01, metrics_seconds=3600))
        done = threading.Event()

        def work() -> None:
            for _ in range(500):
                run_once(telemetry)
            done.set()

        threading.Thread(target=work, daemon=True).start()
        assert done.wait(PATIENCE_SECONDS)
        assert collector.arrived.wait(PATIENCE_SECONDS)
        assert telemetry.dropped["traces"] == 450
        assert telemetry.flush(0.2) is False
        collector.open.set()
        telemetry.shutdown(PATIENCE_SECONDS)
        assert telemetry.dropped["traces"] == 450


def test_a_collector_that_is_down() -> None:
    """The caller goes on, the end is bounded, and all that did not arrive is counted."""
    telemetry = telling(f"http://127.0.0.1:{free_port()}", log_level=logging.WARNING)
    for _ in range(20):
        run_once(telemetry)
    began = time.monotonic()
    assert telemetry.shutdown(0.5) is False
    assert time.monotonic() - began < PATIENCE_SECONDS
    assert telemetry.dropped["traces"] == 20
    assert telemetry.dropped["logs"] == 20


def test_a_collector_that_refuses_and_comes_back() -> None:
    """The losses of the time before are told as soon as it takes something, and totals are whole again."""
    with sink() as collector:
        collector.status = 400
        telemetry = telling(collector.url)
        run_once(telemetry)
        telemetry.flush(PATIENCE_SECONDS)
        lost = telemetry.dropped
        assert lost["traces"] == 1
        assert lost["metrics"] > 0
        collector.status = 200
        collector.requests.clear()
        run_once(telemetry)
        assert telemetry.flush(PATIENCE_SECONDS)
        values = _sums(collector)
        telemetry.shutdown(PATIENCE_SECONDS)
    assert values["telemetry_dropped"] == lost["traces"] + lost["metrics"]
    assert values["workflow_runs"] == 2


def test_losses_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """One line with the count and the address, not one for each batch; none about it from OpenTelemetry."""
    with sink() as collector:
        collector.status = 400
        telemetry = telling(collector.url)
        for _ in range(3):
            run_once(telemetry)
            telemetry.flush(PATIENCE_SECONDS)
        telemetry.shutdown(PATIENCE_SECONDS)
    said = [record.getMessage() for record in caplog.records if "lost" in record.getMessage()]
    assert said == [
        f"telemetry is lost, so far {{'traces': 1, 'metrics': 0, 'logs': 0}}: "
        f"does the Collector at {collector.url} answer?"
    ]
    assert [record.name for record in caplog.records if record.name.startswith("opentelemetry.exporter")] == []


@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
def test_the_end_of_a_process(up: bool) -> None:
    """A process that forgets to shut down sends all the same, and ends soon and well where nobody answers."""
    code = """
        import sys
        sys.path.insert(0, sys.argv[1])
        from pointsman.telemetry import configure
        telemetry = configure("test", to=sys.argv[2])
        with telemetry.workflow("deploy"):
            pass
        print("done")
    """
    with sink() as collector:
        to = collector.url if up else f"http://127.0.0.1:{free_port()}"
        command = [sys.executable, "-c", textwrap.dedent(code), str(SOURCE), to]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "done\n"
    assert bool(collector.bodies("/v1/traces")) == up


def test_the_page_for_prometheus() -> None:
    """Off unless asked for; a port that is taken is said, and breaks nothing."""
    from urllib.request import urlopen

    port = free_port()
    with sink() as collector:
        telemetry = configure("test", to=collector.url, pull_port=port, limits=QUIET, log_level=None, is_global=False)
        run_once(telemetry)
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            page = answer.read().decode()
        second = configure("test", to=collector.url, pull_port=port, limits=QUIET, log_level=None, is_global=False)
        run_once(second)
        for each in (telemetry, second):
            each.shutdown(PATIENCE_SECONDS)
    assert "workflow_runs_total{" in page
    assert "workflow_duration_seconds_bucket" in page


def _sums(collector: Sink) -> dict[str, float]:
    """The newest value of each sum, all its points together."""
    body = collector.bodies("/v1/metrics")[-1]
    request = ExportMetricsServiceRequest.FromString(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
    return {
        metric.name: sum(point.as_int or point.as_double for point in metric.sum.data_points)
        for scope in request.resource_metrics[0].scope_metrics
        for metric in scope.metrics
        if metric.HasField("sum")
    }
