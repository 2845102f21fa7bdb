"""Clients that send what they should not, and a receiver that hangs: limits hold, and what is lost is counted."""

from __future__ import annotations

import gzip
import secrets
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import grpc
import httpx
import pytest

from pointsman.services import labels
from tests.deployed.estate import Estate, eventually

SERIES = 100_000
# Points in a request: each is some 120 bytes of JSON, and a request may have 4 MiB.
BATCH = 20_000
JSON = {"Content-Type": "application/json"}
# Not OTLP in any encoding. Of bytes that are no text the Collector cannot even say what is wrong, and answers 500.
GARBAGE = b"not OTLP at all" * 250
TOO_MUCH = 10_000_000
PROTOBUF = {"Content-Type": "application/x-protobuf"}


def entry(estate: Estate, path: str) -> str:
    """An OTLP path of the Collector."""
    return f"http://127.0.0.1:{estate.spec['ports']['otlp_http']}{path}"


def gauge(name: str, count: int = 1, first: int = 0) -> dict[str, Any]:
    """A gauge with `count` series, told apart by a number from `first` on."""
    now = str(time.time_ns())
    points = [
        {
            "timeUnixNano": now,
            "asInt": "1",
            "attributes": [{"key": "n", "value": {"stringValue": str(number)}}],
        }
        for number in range(first, first + count)
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "bad-client"}}]}
    metrics = [{"name": name, "gauge": {"dataPoints": points}}]
    return {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": metrics}]}]}


def sent(estate: Estate, body: dict[str, Any]) -> bool:
    """Sends samples; False when the Collector asks for another try."""
    answer = httpx.post(entry(estate, "/v1/metrics"), json=body, timeout=30)
    if answer.status_code in (429, 503):
        return False
    return answer.raise_for_status().is_success


def collector_healthy(estate: Estate) -> None:
    """The Collector is the same process as before, healthy, and takes a good sample to its end."""
    assert httpx.get(f"http://127.0.0.1:{estate.spec['ports']['collector_health']}/", timeout=5).status_code == 200
    name = f"after_{secrets.token_hex(4)}"
    httpx.post(entry(estate, "/v1/metrics"), json=gauge(name), timeout=5).raise_for_status()
    eventually(lambda: estate.query(name))


@pytest.fixture(autouse=True)
def _unharmed(whole_estate: Estate) -> Iterator[None]:
    """Whatever was sent, no container was replaced or restarted by it."""

    def starts() -> dict[str, str]:
        found = whole_estate.containers()
        return {service: str(each.attrs["State"]["StartedAt"]) for service, each in found.items()}

    before = starts()
    yield
    assert starts() == before


@pytest.fixture
def refusals(whole_estate: Estate) -> Iterator[Callable[[], float]]:
    """How many requests the Collector has refused since the test began, as Prometheus knows it; the test needs one."""

    def counted() -> float:
        http = 'http_server_request_duration_count{http_response_status_code=~"[45].."}'
        grpc_ = 'rpc_server_call_duration_count{rpc_response_status_code!="OK"}'
        found = [whole_estate.query(f"sum({each})").get("", 0.0) for each in (http, grpc_)]
        return sum(found)

    before = counted()
    yield lambda: counted() - before
    eventually(lambda: counted() > before)


def refused_by_grpc(estate: Estate, body: bytes) -> grpc.StatusCode:
    """How a call of the trace service ends that sends these bytes."""
    with grpc.insecure_channel(f"127.0.0.1:{estate.spec['ports']['otlp_grpc']}") as channel:
        call = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        with pytest.raises(grpc.RpcError) as refused:
            call(body, timeout=10)
    code: grpc.StatusCode = refused.value.code()
    return code


@pytest.mark.usefixtures("refusals")
@pytest.mark.parametrize("path", ["/v1/traces", "/v1/metrics", "/v1/logs"])
@pytest.mark.parametrize("headers", [JSON, PROTOBUF], ids=["json", "protobuf"])
def test_garbage_is_refused(whole_estate: Estate, path: str, headers: dict[str, str]) -> None:
    """400, for every signal and encoding: no client sends it again. It is counted; what comes after is taken."""
    answer = httpx.post(entry(whole_estate, path), content=GARBAGE, headers=headers, timeout=5)
    assert answer.status_code == 400
    collector_healthy(whole_estate)


@pytest.mark.usefixtures("refusals")
@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"\xff" * 4096, grpc.StatusCode.INTERNAL, id="garbage"),
        pytest.param(b" " * TOO_MUCH, grpc.StatusCode.RESOURCE_EXHAUSTED, id="10 MB"),
    ],
)
def test_grpc_refuses_as_well(whole_estate: Estate, body: bytes, code: grpc.StatusCode) -> None:
    """Bytes that are no message, and more of them than `collector.max_request`."""
    assert refused_by_grpc(whole_estate, body) is code
    collector_healthy(whole_estate)


def test_ten_megabytes_in_one_request_are_refused(whole_estate: Estate, refusals: Callable[[], float]) -> None:
    """More than `collector.max_request` is not read to its end, packed or not: a packed one cannot hide its size."""
    body = b'{"resourceMetrics": [' + b" " * TOO_MUCH + b"]}"
    plain = httpx.post(entry(whole_estate, "/v1/metrics"), content=body, headers=JSON, timeout=10)
    packed = httpx.post(
        entry(whole_estate, "/v1/metrics"),
        content=gzip.compress(body),
        headers={**JSON, "Content-Encoding": "gzip"},
        timeout=10,
    )
    assert plain.status_code in (400, 413)
    assert packed.status_code in (400, 413)
    eventually(lambda: refusals() == 2)
    collector_healthy(whole_estate)


def test_a_wrong_compression_is_refused(whole_estate: Estate, refusals: Callable[[], float]) -> None:
    """A body that is not packed as its header says, and a packing that nobody knows."""
    for encoding in ("gzip", "zstd", "rot13"):
        answer = httpx.post(
            entry(whole_estate, "/v1/metrics"),
            json=gauge("never"),
            headers={"Content-Encoding": encoding},
            timeout=5,
        )
        assert answer.status_code in (400, 415), encoding
    eventually(lambda: refusals() == 3)
    assert not whole_estate.query("never")
    collector_healthy(whole_estate)


def test_a_hundred_thousand_series(whole_estate: Estate) -> None:
    """Every one that was taken is kept, nothing restarts, and the growth shows as an alert."""
    name = f"flood_{secrets.token_hex(4)}"
    for first in range(0, SERIES, BATCH):
        body = gauge(name, BATCH, first)
        # As every OTLP client does, it sends again what the memory limiter refuses for now.
        eventually(partial(sent, whole_estate, body), seconds=30)
    eventually(lambda: whole_estate.query(f"count({name})").get("", 0) == SERIES, seconds=60)
    eventually(lambda: whole_estate.query('ALERTS{alertname="ManySeries", alertstate="firing"}'), seconds=60)
    collector_healthy(whole_estate)


def test_a_receiver_that_hangs(whole_estate: Estate) -> None:
    """The alert sink gets every alert all the same, and the notifications that nobody took are counted and alerted."""
    network = f"pointsman-{whole_estate.name}"
    image = whole_estate.containers()["alert-sink"].attrs["Image"]
    stuck = whole_estate.engine.containers.run(
        image,
        ["-listen=:9096"],
        entrypoint="/alert-sink",
        detach=True,
        name=f"{network}-stuck",
        network=network,
        labels={labels.ENVIRONMENT: whole_estate.name},
    )
    try:
        stuck.pause()
        whole_estate.edit("alertmanager", receivers=[{"name": "stuck", "url": f"http://{stuck.name}:9096/webhook"}])
        whole_estate.pulumi_up()
        alert = {"labels": {"alertname": "FromATest", "severity": "warning", "run": secrets.token_hex(4)}}
        whole_estate.http.post(f"{whole_estate.url('alertmanager')}/api/v2/alerts", json=[alert]).raise_for_status()
        sink = whole_estate.url("alert-sink")
        eventually(lambda: httpx.get(f"{sink}/notifications", params={"match": alert["labels"]["run"]}).json())
        failed = 'sum(alertmanager_notifications_failed_total{integration="webhook"})'
        eventually(lambda: whole_estate.query(failed).get("", 0) > 0, seconds=60)
    finally:
        stuck.remove(force=True)
        whole_estate.edit("alertmanager", receivers=[])
        whole_estate.pulumi_up()
