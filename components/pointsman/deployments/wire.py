"""The forms that others take: a page of metrics for the pushgateway, OTLP's JSON for the Collector."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterable, Mapping

from pointsman.deployments.ledger import Ledger, Line, Payload
from pointsman.metrics_page.families import COUNTER, Family, Sample, text
from pointsman.telemetry import names
from pointsman.telemetry.names import DeploymentResult

SERVICE = "deployments"
# OTLP's numbers: trace.proto's SpanKind and StatusCode, logs.proto's SeverityNumber.
_KIND_SERVER, _STATUS_ERROR, _INFO, _ERROR = 2, 2, 9, 17


def page(ledger: Ledger) -> str:
    """All totals in Prometheus' text format.

    The histogram is written as the counters that it consists of: Prometheus would write the bounds of a typed one as
    600.0, while those that come by OTLP are 600, and the two would not add up.
    """
    duration = names.prometheus_name(names.DEPLOYMENT_SECONDS)
    return text(
        (
            _family(names.DEPLOYMENTS, (_sample(line, n, r) for line in ledger.lines for r, n in line.counts.items())),
            _family(
                names.DEPLOYMENTS_IN_PROGRESS, (_sample(line, float(line.open is not None)) for line in ledger.lines)
            ),
            _family(names.DEPLOYMENT_LAST_SUCCESS, _when(ledger, lambda line: line.last_success)),
            _family(names.DEPLOYMENT_LAST_FAILURE, _when(ledger, lambda line: line.last_failure)),
            Family(f"{duration}_bucket", names.DEPLOYMENT_SECONDS.description, tuple(_buckets(ledger)), COUNTER),
            Family(f"{duration}_sum", "Their seconds in all.", tuple(_sums(ledger)), COUNTER),
            Family(f"{duration}_count", "Their number.", tuple(_counts(ledger)), COUNTER),
        )
    )


def span(line: Line, began: float, ended: float, result: DeploymentResult) -> Payload:
    """A deployment that ended, as OTLP's span; its ids are those of `line.open`."""
    assert line.open is not None
    return {
        "traceId": line.open.trace,
        "spanId": line.open.span,
        "name": names.DEPLOYMENT_SPAN,
        "kind": _KIND_SERVER,
        "startTimeUnixNano": _nanoseconds(began),
        "endTimeUnixNano": _nanoseconds(ended),
        "attributes": _attributes(_about(line) | {names.DEPLOYMENT_RESULT: result.value}),
        "status": {"code": _STATUS_ERROR} if result is DeploymentResult.FAILURE else {},
    }


def record(line: Line, event: str, at: float) -> Payload:
    """What happened, as OTLP's log record in the deployment's trace."""
    assert line.open is not None
    failed = event == DeploymentResult.FAILURE
    commit = f" at commit {line.open.commit}" if line.open.commit else ""
    return {
        "timeUnixNano": _nanoseconds(at),
        "severityNumber": _ERROR if failed else _INFO,
        "severityText": "ERROR" if failed else "INFO",
        "body": {"stringValue": f"deployment of {line.service} to {line.environment}{commit}: {event}"},
        "attributes": _attributes(_about(line) | {"deployment.event": event}),
        "traceId": line.open.trace,
        "spanId": line.open.span,
    }


def traces_request(spans: Iterable[Payload]) -> Payload:
    """OTLP's request for spans."""
    return {"resourceSpans": [{"resource": _resource(), "scopeSpans": [{"scope": _scope(), "spans": [*spans]}]}]}


def logs_request(records: Iterable[Payload]) -> Payload:
    """OTLP's request for log records."""
    return {"resourceLogs": [{"resource": _resource(), "scopeLogs": [{"scope": _scope(), "logRecords": [*records]}]}]}


def _family(metric: names.Metric, samples: Iterable[Sample]) -> Family:
    kind = COUNTER if metric.kind == "counter" else "gauge"
    return Family(names.prometheus_name(metric), metric.description, tuple(samples), kind)


def _when(ledger: Ledger, moment: Callable[[Line], float | None]) -> Iterable[Sample]:
    """Of each line that has had such a moment."""
    return (_sample(line, at) for line in ledger.lines if (at := moment(line)) is not None)


def _sample(line: Line, value: float, result: DeploymentResult | None = None, **more: str) -> Sample:
    labels = {
        names.label(names.ENVIRONMENT): line.environment,
        names.label(names.DEPLOYMENT_SERVICE): line.service,
        **({names.label(names.DEPLOYMENT_RESULT): result.value} if result else {}),
        **more,
    }
    return Sample(float(value), labels)


def _buckets(ledger: Ledger) -> Iterable[Sample]:
    bounds = [*(f"{bound:g}" for bound in names.DEPLOYMENT_SECONDS.boundaries), "+Inf"]
    for line in ledger.lines:
        for result, durations in line.durations.items():
            for bound, total in zip(bounds, itertools.accumulate(durations.buckets), strict=True):
                yield _sample(line, total, result, le=bound)


def _sums(ledger: Ledger) -> Iterable[Sample]:
    return (_sample(line, each.sum, result) for line in ledger.lines for result, each in line.durations.items())


def _counts(ledger: Ledger) -> Iterable[Sample]:
    return (
        _sample(line, sum(each.buckets), result) for line in ledger.lines for result, each in line.durations.items()
    )


def _about(line: Line) -> dict[str, str]:
    assert line.open is not None
    about = {names.ENVIRONMENT: line.environment, names.DEPLOYMENT_SERVICE: line.service}
    return about | ({names.COMMIT: line.open.commit} if line.open.commit else {})


def _attributes(values: Mapping[str, str]) -> list[Payload]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]


def _resource() -> Payload:
    return {"attributes": _attributes({"service.name": SERVICE, "host.name": socket.gethostname()})}


def _scope() -> Payload:
    return {"name": names.NAMESPACE}


def _nanoseconds(seconds: float) -> str:
    return str(round(seconds * 1e9))
