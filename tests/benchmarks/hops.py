"""The way of an alert from its fault to the sink: what is to be seen at each hop, and when it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from tests.deployed.estate import Estate

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Hop:
    """`seen` is true once what `what` says has come to pass."""

    what: str
    seen: Callable[[], object]


@dataclass(frozen=True)
class Passed:
    """A hop that was seen, so many seconds after the fault."""

    what: str
    seconds: float


def hops_of(estate: Estate, in_prometheus: str, alert: Mapping[str, str]) -> tuple[Hop, ...]:
    """From the first sample that tells of a fault, which the query `in_prometheus` finds, to the sink.

    `alert` are labels by which the alert is known. One that is known at a hop before the fault would be seen too early.
    """

    def states() -> set[str]:
        return {each["state"] for each in estate.data("prometheus", "/api/v1/alerts")["alerts"] if _is(each, alert)}

    def routed() -> bool:
        found = estate.get("alertmanager", "/api/v2/alerts", filter=f'alertname="{alert["alertname"]}"').json()
        return any(_is(each, alert) for each in found)

    def received() -> bool:
        told = estate.get("alert-sink", "/notifications", match=alert["alertname"]).json()
        return any(each["status"] == "firing" and _is(each, alert) for one in told for each in one["alerts"])

    return (
        Hop("seen by Prometheus", lambda: estate.data("prometheus", "/api/v1/query", query=in_prometheus)["result"]),
        Hop("rule pending", states),
        Hop("rule firing", lambda: "firing" in states()),
        Hop("in Alertmanager", routed),
        Hop("at the sink", received),
    )


def follow(hops: Sequence[Hop], began: float, within: float) -> list[Passed]:
    """Waits for one hop after the other; `began` is the fault's time of the monotonic clock.

    Fails, and says what was passed, if the last is not seen within `within` seconds of it.
    """
    passed: list[Passed] = []
    for hop in hops:
        while not _seen(hop):
            assert time.monotonic() - began < within, f"never {hop.what!r}, after {passed}"
            time.sleep(POLL_SECONDS)
        passed.append(Passed(hop.what, time.monotonic() - began))
    return passed


def show(title: str, passed: Sequence[Passed]) -> None:
    """A row for each hop."""
    print(f"\n    {title:<58}{'after the fault':>16}{'of that, this hop':>19}")
    before = 0.0
    for each in passed:
        print(f"      {each.what:<56}{each.seconds:>14.1f} s{each.seconds - before:>17.1f} s")
        before = each.seconds


def _seen(hop: Hop) -> object:
    try:
        return hop.seen()
    except httpx.HTTPError:
        return None


def _is(alert: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    return bool(labels.items() <= alert["labels"].items())
