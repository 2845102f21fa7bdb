"""The demo from end to end: a plan, telemetry of its own, the drive, and what must be found of it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from pointsman.demo import tally
from pointsman.demo.driving import SENDING_SECONDS, Clock, drive
from pointsman.demo.plan import plan, prices
from pointsman.errors import EXIT_UNREACHABLE, PointsmanError
from pointsman.spec.telemetry import Prices
from pointsman.telemetry import Limits, configure
from pointsman.telemetry.providers import clock as real_clock

SERVICE = "pointsman-demo"
LIMITS = Limits(queue=20_000, spans_seconds=0.5, metrics_seconds=5.0)


@dataclass(frozen=True)
class Demo:
    """What was sent. `points` are the series with their values once it ended, `held` those of the sums meanwhile."""

    endpoint: str
    seed: int
    runs: int
    failing_trace: str
    points: tuple[tally.Point, ...]
    held: tuple[tally.Point, ...]


def run(environment: str, declared: Prices, endpoint: str, seed: int, seconds: float, rate: float) -> Demo:
    """Drives `seconds` × `rate` runs, at least one for each status; raises PointsmanError when not all was taken."""
    runs = plan(seed, round(seconds * rate))
    table, clock = prices(declared), Clock(real_clock())
    logging.getLogger("pointsman").setLevel(logging.INFO)
    telemetry = configure(
        SERVICE, environment=environment, to=endpoint, prices=table, limits=LIMITS, is_global=False, time_ns=clock
    )
    try:
        driven = asyncio.run(drive(telemetry, clock, runs, rate))
    finally:
        in_time = telemetry.shutdown(SENDING_SECONDS)
    lost = {signal: items for signal, items in telemetry.dropped.items() if items}
    if lost or not in_time:
        raise NotTaken(
            f"the Collector at {endpoint} did not take all of the demo: {lost or 'it is slow'}",
            remedy=f"pointsman verify --env {environment}",
        )
    return Demo(endpoint, seed, driven.runs, driven.failing_trace, tally.expected(runs, table), tally.held())


class NotTaken(PointsmanError):
    """The Collector is down, or refuses."""

    exit_code = EXIT_UNREACHABLE
