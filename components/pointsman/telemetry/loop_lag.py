"""How late an asyncio event loop is: what blocks it delays all that it serves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from opentelemetry.metrics import Histogram

INTERVAL_SECONDS = 0.25


def watch(loop: asyncio.AbstractEventLoop, lag: Histogram) -> Callable[[], None]:
    """Records four times a second how much later than asked for the loop called back; returns what ends it."""
    ended = False

    def again() -> None:
        if not ended:
            due = loop.time() + INTERVAL_SECONDS
            loop.call_at(due, tick, due)

    def tick(due: float) -> None:
        lag.record(max(0.0, loop.time() - due))
        again()

    def end() -> None:
        nonlocal ended
        ended = True

    loop.call_soon_threadsafe(again)
    return end
