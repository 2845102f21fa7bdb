"""Telemetry in memory."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.unit.telemetry.told import Told


@pytest.fixture
def told() -> Iterator[Told]:
    """Telemetry with a clock that the test winds."""
    made = Told()
    yield made
    made.telemetry.shutdown(5)


@pytest.fixture(autouse=True)
def _event_loop() -> Iterator[None]:
    """`asyncio.run` leaves the thread without an event loop, and Pulumi's futures want one in tests that follow."""
    yield
    asyncio.set_event_loop(asyncio.new_event_loop())
