"""What a whole stack takes in: as much as it can, half of that for five minutes, and more than it can.

Spans, log records and points are sent at once, from the machine that the stack runs on: the senders take their share.
"""

from __future__ import annotations

import multiprocessing
import time
from dataclasses import dataclass

import httpx
import pytest

from tests.benchmarks import sending
from tests.benchmarks.sending import Sent, Template
from tests.deployed.conftest import NewEstate
from tests.deployed.estate import Estate, eventually
from tests.deployed.specs import whole_spec

LIMIT_SECONDS = 20.0
HOLD_SECONDS = 300.0
# A benchmark finds out what is held; at half of what a short run takes there is room for compaction and queries.
HELD_SHARE = 0.5
OVERLOAD_SECONDS = 30.0
OVERLOAD_SENDERS = 4
DRAIN_SECONDS = 120.0
# Prometheus counts millions of samples.
QUERY_SECONDS = 30.0

SIGNALS = ("spans", "log records", "points")
# What has come to its end, by whoever can tell it of all of them in little time: Loki needs longer than a client waits
# to count four million lines, but nothing else passes the Collector to it, and what it acknowledged is counted there.
KEPT = {
    "spans": "sum(tempo_distributor_spans_received_total)",
    "log records": "sum(otelcol_exporter_sent_log_records)",
    "points": f"sum(count_over_time({sending.GAUGE}[20m]))",
}
COUNTED = {"spans": "spans", "log records": "log_records", "points": "metric_points"}


@dataclass(frozen=True)
class Counts:
    """By signal: what the stores have, and what the Collector has lost after it took it."""

    kept: dict[str, float]
    lost: dict[str, float]


@pytest.fixture(scope="module")
def estate(new_estate: NewEstate) -> Estate:
    """A whole stack."""
    made = new_estate(None, whole_spec())
    made.http = httpx.Client(timeout=QUERY_SECONDS, trust_env=False)
    made.first = made.up()
    return made


def test_ingest(estate: Estate) -> None:
    """Prints what was sent, kept and lost in each of the three, and what the services used."""
    limit = _run(estate, "as much as one sender of each brings", LIMIT_SECONDS)
    rates = {signal: HELD_SHARE * sent.accepted / sent.seconds for signal, sent in limit.items()}
    _run(estate, f"half of that for {HOLD_SECONDS:.0f} s", HOLD_SECONDS, rates)
    _show_memory(estate)
    _run(estate, f"{OVERLOAD_SENDERS} senders of each", OVERLOAD_SECONDS, senders=OVERLOAD_SENDERS)
    _show_memory(estate)
    restarts = {name: each.attrs["RestartCount"] for name, each in estate.containers().items()}
    print(f"    restarts: {sum(restarts.values())}")


def _run(
    estate: Estate, what: str, seconds: float, rates: dict[str, float] | None = None, senders: int = 1
) -> dict[str, Sent]:
    before = _counts(estate)
    sent = _send_all(estate.url("collector"), seconds, rates or {}, senders)
    began = time.monotonic()
    drained = _drained(estate, before, sent)
    after = _counts(estate)
    drain = f"{drained - began:.0f} s later" if drained else f"not within {DRAIN_SECONDS:.0f} s"
    print(f"\n    {what}; all of it in the stores: {drain}")
    names = ("a second", "taken", "kept", "refused", "unanswered", "lost")
    print(f"    {'signal':<12}" + "".join(f"{name:>11}" for name in names))
    for signal, told in sent.items():
        kept, lost = after.kept[signal] - before.kept[signal], after.lost[signal] - before.lost[signal]
        values = (told.accepted / told.seconds, told.accepted, kept, told.refused, told.unanswered, lost)
        print(f"    {signal:<12}" + "".join(f"{value:>11.0f}" for value in values))
    return sent


def _send_all(url: str, seconds: float, rates: dict[str, float], senders: int) -> dict[str, Sent]:
    """Each sender is a process of its own: threads of one would wait for each other."""
    with multiprocessing.get_context("spawn").Pool(len(SIGNALS) * senders) as pool:
        running = {
            signal: [
                pool.apply_async(sending.send, (_template(signal, number), url, seconds, rates.get(signal)))
                for number in range(senders)
            ]
            for signal in SIGNALS
        }
        return {signal: _sum([each.get() for each in those]) for signal, those in running.items()}


def _template(signal: str, sender: int) -> Template:
    if signal == "spans":
        return sending.spans()
    return sending.log_records() if signal == "log records" else sending.points(sender)


def _sum(sent: list[Sent]) -> Sent:
    return Sent(
        sum(each.accepted for each in sent),
        sum(each.refused for each in sent),
        sum(each.unanswered for each in sent),
        max(each.seconds for each in sent),
    )


def _drained(estate: Estate, before: Counts, sent: dict[str, Sent]) -> float | None:
    """When the stores had all that was taken; None if they had not after two minutes."""

    def all_there() -> bool:
        now = _counts(estate)
        return all(now.kept[signal] - before.kept[signal] >= told.accepted for signal, told in sent.items())

    try:
        eventually(all_there, DRAIN_SECONDS)
    except AssertionError:
        return None
    return time.monotonic()


def _counts(estate: Estate) -> Counts:
    kept = {signal: _value(estate, query) for signal, query in KEPT.items()}
    lost = {
        signal: _value(estate, f'sum({{__name__=~"otelcol_exporter_(send|enqueue)_failed_{name}(_total)?"}})')
        for signal, name in COUNTED.items()
    }
    return Counts(kept, lost)


def _value(estate: Estate, query: str) -> float:
    return sum(estate.query(query).values())


def _show_memory(estate: Estate) -> None:
    # Not `good()`: past its limit a service may be down, which is what is to be seen.
    document = estate.clone.pointsman("status", "--env", estate.name, "--output", "json").document()
    used = sorted(((row["memory"] or 0, row["service"]) for row in document["services"]), reverse=True)
    told = ", ".join(f"{service} {memory / 2**20:.0f}" for memory, service in used[:6])
    print(f"    MiB used: {told}; all {sum(memory for memory, _ in used) / 2**20:.0f}")
