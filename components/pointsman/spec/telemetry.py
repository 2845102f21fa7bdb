"""What may be declared of telemetry: the prices by which runs and tokens become cost."""

from __future__ import annotations

from pydantic import Field

from pointsman.spec.base import Model


class ModelPrice(Model):
    """What a model's tokens cost."""

    input: float = Field(ge=0, le=10_000, description="USD for a million tokens of input.")
    output: float = Field(ge=0, le=10_000, description="USD for a million tokens of output.")


class Prices(Model):
    """The price table. A model that is not in it is counted in tokens, without cost."""

    execution_minute: float = Field(
        default=0.008,
        ge=0,
        le=1_000,
        description="USD for a minute of a workflow run. The default is what GitHub listed in 2025 for a hosted Linux "
        "runner with two cores.",
    )
    models: dict[str, ModelPrice] = Field(
        default_factory=dict,
        description="Prices by the model's name, as it stands in gen_ai.request.model: USD for a million tokens.",
    )


class Telemetry(Model):
    """What applications tell of themselves through `pointsman.telemetry`."""

    prices: Prices = Prices()
