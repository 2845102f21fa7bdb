"""Prices in the spec."""

from __future__ import annotations

import pytest

from pointsman.spec.mistakes import SpecError
from pointsman.spec.reader import parse


def test_prices() -> None:
    """By minute, and by model for a million tokens; every price has a default or stands there."""
    spec = parse("telemetry: {prices: {models: {large: {input: 3.0, output: 15}}}}\n", "stacks/x.yaml")
    assert spec.telemetry.prices.models["large"].output == 15
    assert spec.telemetry.prices.execution_minute > 0


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("telemetry: {prices: {execution_minute: -1}}\n", "telemetry.prices.execution_minute"),
        ("telemetry: {prices: {models: {large: {input: 3}}}}\n", "telemetry.prices.models.large.output"),
        ("telemetry: {prices: {models: {large: {input: x, output: 1}}}}\n", "telemetry.prices.models.large.input"),
        ("telemetry: {price: {}}\n", "telemetry.price"),
    ],
)
def test_prices_that_are_none(text: str, key: str) -> None:
    """Refused with the key."""
    with pytest.raises(SpecError) as caught:
        parse(text, "stacks/x.yaml")
    assert key in str(caught.value)
