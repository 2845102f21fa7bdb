"""Each fault of the catalogue against a running estate: seen, named, undone, and nothing seen that is not there."""

from __future__ import annotations

import os
import time
from typing import Any

import httpx
import pytest

from tests.deployed.estate import Estate
from tests.faults.catalogue import FAULTS, Case
from tests.faults.harness import Harness, NotVerifiable, Place, described
from tests.faults.observing import until_green, until_red
from tests.faults.record import GREEN_SECONDS, LIMIT_SECONDS, Record, Row

# A fault that is seen late is still told how late.
WATCHED_SECONDS = 30.0
QUICK_SOAK_SECONDS = 15.0
SOAK_SECONDS = 300.0
SOAK_PAUSE_SECONDS = 3.0
HOUR = 3600


def _cases() -> list[Any]:
    """Cases with a finding fail until what is missing is there, and then say so by failing the other way round."""
    return [
        pytest.param(
            case,
            id=described(case.fault),
            marks=[pytest.mark.xfail(reason=case.finding, strict=True)] if case.finding else [],
        )
        for case in FAULTS
    ]


@pytest.mark.parametrize("case", _cases())
def test_a_fault_is_named_in_time(estate: Estate, place: Place, harness: Harness, record: Record, case: Case) -> None:
    """`verify` exits with 1 and names the service or hop within 10 s, so does `status` where the service is down.

    After the undoing both are green again.
    """
    fault = described(case.fault)
    try:
        with harness.inject(case.fault, place):
            verify, status = until_red(estate, case, WATCHED_SECONDS)
            load = os.getloadavg()[0]
    except NotVerifiable as reason:
        record.add(Row(fault, remark=str(reason)))
        pytest.skip(f"not verifiable here: {reason}")
    green = until_green(estate, GREEN_SECONDS)
    seen = status.seconds if status else None
    record.add(Row(fault, case.verify.check, verify.seconds, seen, green.seconds, case.finding, load))
    assert green.seconds is not None, green.red
    assert verify.seconds is not None, verify.red
    assert verify.seconds <= LIMIT_SECONDS, verify.red
    if status:
        assert status.seconds is not None, status.red
        assert status.seconds <= LIMIT_SECONDS, status.red


@pytest.mark.parametrize(
    ("signal", "ahead", "said"),
    [
        ("metric", HOUR, "too far in the future"),
        # Prometheus takes what is up to an hour old for a series that is new to it.
        ("metric", -2 * HOUR, "too old"),
        ("log line", HOUR, "too new"),
    ],
)
def test_a_sender_with_a_wrong_clock_is_told(estate: Estate, signal: str, ahead: int, said: str) -> None:
    """A sender's clock is what can be skewed on one machine: its signal is refused with the reason, not lost."""
    at = str(time.time_ns() + ahead * 10**9)
    if signal == "metric":
        gauge = {"name": "pointsman_test_skewed", "gauge": {"dataPoints": [{"timeUnixNano": at, "asInt": "1"}]}}
        body: dict[str, Any] = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [gauge]}]}]}
        url = f"{estate.url('prometheus')}/api/v1/otlp/v1/metrics"
    else:
        body = {"streams": [{"stream": {"service": "pointsman-test"}, "values": [[at, "from another time"]]}]}
        url = f"{estate.url('loki')}/loki/api/v1/push"
    answer = estate.http.post(url, json=body)
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert said in answer.text


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(QUICK_SOAK_SECONDS, id="quick"),
        pytest.param(SOAK_SECONDS, id="soak", marks=pytest.mark.soak),
    ],
)
def test_without_a_fault_nothing_is_red(estate: Estate, record: Record, seconds: float) -> None:
    """`verify` and `status` over and over, all green."""
    began, runs = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds:
        for verb in ("verify", "status"):
            estate.clone.pointsman(verb, "--env", estate.name, "--output", "json").good()
        runs += 1
        time.sleep(SOAK_PAUSE_SECONDS)
    record.soak_seconds, record.soak_runs = passed, runs
