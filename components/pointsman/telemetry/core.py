"""What every operation needs: a tracer, the instruments, a clock and the prices."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from opentelemetry.metrics import Counter
from opentelemetry.trace import Tracer

from pointsman.spec.telemetry import Prices
from pointsman.telemetry import names
from pointsman.telemetry.instruments import Instruments

_log = logging.getLogger("pointsman.telemetry")


@dataclass(frozen=True)
class Core:
    """`clock` tells nanoseconds since 1970."""

    tracer: Tracer
    instruments: Instruments
    clock: Callable[[], int]
    costs: Costs


class Costs:
    """What runs and tokens cost, in USD."""

    def __init__(self, prices: Prices, counter: Counter) -> None:
        self._prices, self._counter = prices, counter
        self._unpriced: set[str] = set()

    def execution(self, seconds: float, whose: Mapping[str, str]) -> None:
        """A run's minutes."""
        self._counter.add(seconds / 60 * self._prices.execution_minute, {names.COST_KIND: "execution", **whose})

    def tokens(self, model: str, tokens_in: int, tokens_out: int, whose: Mapping[str, str]) -> None:
        """A model call's tokens; a model without a price is said once."""
        price = self._prices.models.get(model)
        if price is None:
            if model not in self._unpriced:
                self._unpriced.add(model)
                _log.warning("tokens of %s cost nothing: telemetry.prices.models has no price for it", model)
            return
        cost = (tokens_in * price.input + tokens_out * price.output) / 1e6
        self._counter.add(cost, {names.COST_KIND: "tokens", **whose, names.MODEL: model})
