"""OTLP requests as an application's SDK sends them: encoded once, with ids and times of their own in each."""

from __future__ import annotations

import http.client
import os
import random
import struct
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

SERVICE = "benchmark"
GAUGE = "benchmark_gauge"
# What the SDKs send at most in one request: OTEL_BSP_MAX_EXPORT_BATCH_SIZE and OTEL_BLRP_MAX_EXPORT_BATCH_SIZE.
BATCH = 512
SERIES = 1000
SPANS_A_TRACE = 8
LINE = "request 4711 of customer 0815 took its way through the shop and came back with everything that was asked for"

_TIME = 0x1122334455667788
_NANOSECONDS = struct.pack("<Q", _TIME)
_TRACE, _SPAN = b"\xf0" * 16, b"\xf1" * 8


@dataclass(frozen=True)
class Template:
    """A request of `items` spans, log records or points for `path`, and where in `body` its times and ids stand."""

    signal: str
    path: str
    items: int
    body: bytes
    times: tuple[int, ...] = field(init=False)
    traces: tuple[int, ...] = field(init=False)
    spans: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        for name, pattern in (("times", _NANOSECONDS), ("traces", _TRACE), ("spans", _SPAN)):
            object.__setattr__(self, name, _places(self.body, pattern))

    def fresh(self) -> bytes:
        """The request as of now; no two times in it are the same, or Loki would keep equal lines once."""
        body, now = bytearray(self.body), time.time_ns()
        for number, place in enumerate(self.times):
            struct.pack_into("<Q", body, place, now + number)
        ids = os.urandom(16 * (len(self.traces) // SPANS_A_TRACE + 1))
        for number, place in enumerate(self.traces):
            first = number // SPANS_A_TRACE * 16
            body[place : place + 16] = ids[first : first + 16]
        for place in self.spans:
            body[place : place + 8] = random.randbytes(8)
        return bytes(body)


@dataclass
class Sent:
    """Items that the Collector took, that it refused, and that it gave no answer to; in `seconds`."""

    accepted: int = 0
    refused: int = 0
    unanswered: int = 0
    seconds: float = 0.0


def spans() -> Template:
    """Spans of traces of eight, with the attributes of an HTTP server."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add(resource=_resource())
    scope = resource.scope_spans.add()
    for number in range(BATCH):
        span = scope.spans.add(name=f"GET /shop/{number % 20}", kind=2, trace_id=_TRACE, span_id=_SPAN)
        span.start_time_unix_nano = span.end_time_unix_nano = _TIME
        attributes = {"http.request.method": "GET", "url.path": f"/shop/{number % 20}", "server.address": "shop"}
        span.attributes.extend(_attribute(name, value) for name, value in attributes.items())
    return Template("spans", "/v1/traces", BATCH, request.SerializeToString())


def log_records() -> Template:
    """Lines of 108 characters."""
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add(resource=_resource()).scope_logs.add()
    for _ in range(BATCH):
        scope.log_records.add(time_unix_nano=_TIME, severity_text="INFO", body=AnyValue(string_value=LINE))
    return Template("log records", "/v1/logs", BATCH, request.SerializeToString())


def points(sender: int = 0) -> Template:
    """One point of each of a thousand series, which are the sender's own."""
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add(resource=_resource()).scope_metrics.add().metrics.add(name=GAUGE)
    for number in range(SERIES):
        point = metric.gauge.data_points.add(time_unix_nano=_TIME, as_double=1.0)
        point.attributes.extend((_attribute("number", str(number)), _attribute("sender", str(sender))))
    return Template("points", "/v1/metrics", SERIES, request.SerializeToString())


def send(template: Template, url: str, seconds: float, rate: float | None = None) -> Sent:
    """Sends for some seconds, `rate` items a second, or each request as soon as the one before is answered.

    Nothing is sent a second time.
    """
    sent, began = Sent(), time.monotonic()
    connection = _connection(url)
    number = 0
    while (at := time.monotonic() - began) < seconds:
        due = number * template.items / rate if rate else 0.0
        if due > at:
            time.sleep(due - at)
            continue
        number += 1
        try:
            connection.request("POST", template.path, template.fresh(), {"Content-Type": "application/x-protobuf"})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            sent.unanswered += template.items
            connection.close()
            continue
        if answer.status == http.client.OK:
            sent.accepted += template.items
        else:
            sent.refused += template.items
    sent.seconds = time.monotonic() - began
    return sent


def _connection(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)


def _resource() -> Resource:
    return Resource(attributes=[_attribute("service.name", SERVICE)])


def _attribute(name: str, value: str) -> KeyValue:
    return KeyValue(key=name, value=AnyValue(string_value=value))


def _places(body: bytes, pattern: bytes) -> tuple[int, ...]:
    found, at = [], body.find(pattern)
    while at >= 0:
        found.append(at)
        at = body.find(pattern, at + len(pattern))
    return tuple(found)
