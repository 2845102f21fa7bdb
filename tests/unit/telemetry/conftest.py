"""Telemetry in memory."""

from collections.abc import Iterator

import pytest

from tests.unit.telemetry.told import Told


@pytest.fixture
def told() -> Iterator[Told]:
    """Telemetry with a clock that the test winds."""
    made = Told()
    yield made
    made.telemetry.shutdown(5)
