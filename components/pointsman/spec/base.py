"""What all parts of the spec are made of: strict models, values that must fit together, limits of a container."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pointsman.spec.scalars import Size, size_bytes

LEAST_MEMORY = 6 * 2**20  # bytes: linuxMinMemory in moby's daemon/daemon_unix.go
Location = tuple[str | int, ...]
"""Where something stands in a document: keys and list positions from the outside in."""


@dataclass(frozen=True)
class Misfit:
    """Values that are right one by one, but not together. `keys` are the locations below the model, the one to mend
    first."""

    keys: tuple[Location, ...]
    problem: str
    expected: str


class Misfits(ValueError):
    """All the misfits of one model."""

    def __init__(self, misfits: tuple[Misfit, ...]) -> None:
        super().__init__("\n".join(f"{misfit.problem}; expected {misfit.expected}" for misfit in misfits))
        self.misfits = misfits


class Model(BaseModel):
    """Base of all parts of the spec: unknown keys refused, values not coerced, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    def misfits(self) -> Iterator[Misfit]:
        """What does not fit together in this model; asked once all its values are right."""
        return iter(())

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if found := tuple(self.misfits()):
            raise Misfits(found)
        return self


class Resources(Model):
    """Upper limits of one container."""

    memory: Size = Field(description="The most memory the container may use; beyond it the kernel ends it.")
    cpus: float = Field(gt=0, le=64, description="Share of cores, such as 0.5.")

    def misfits(self) -> Iterator[Misfit]:
        """A limit that Docker refuses; below one MiB it would even be taken for no limit at all."""
        if size_bytes(self.memory) < LEAST_MEMORY:
            yield Misfit(
                keys=(("memory",),),
                problem=f"memory {self.memory} is less than Docker takes",
                expected="at least 6MiB, which is Docker's own rule",
            )


class StoreResources(Resources):
    """Limits of a service that keeps data."""

    memory: Size = Field(default="512MiB", description="The most memory the container may use.")
    cpus: float = Field(default=1.0, gt=0, le=64, description="Share of cores, such as 0.5.")


class AgentResources(Resources):
    """Limits of the log agent."""

    memory: Size = Field(default="256MiB", description="The most memory the container may use.")
    cpus: float = Field(default=0.5, gt=0, le=64, description="Share of cores, such as 0.5.")


class ExporterResources(Resources):
    """Limits of an exporter."""

    memory: Size = Field(default="64MiB", description="The most memory the container may use.")
    cpus: float = Field(default=0.25, gt=0, le=64, description="Share of cores, such as 0.5.")


class ProxyResources(Resources):
    """Limits of the socket proxy."""

    memory: Size = Field(default="32MiB", description="The most memory the container may use.")
    cpus: float = Field(default=0.25, gt=0, le=64, description="Share of cores, such as 0.5.")
