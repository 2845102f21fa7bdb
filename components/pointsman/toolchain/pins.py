"""Reads toolchain/toolchain.yaml, the one file of the toolchain's pins."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pointsman.errors import UsageError
from pointsman.paths import checkout

_VERSION = r"^\d+\.\d+\.\d+$"


class _Pins(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PartPins(_Pins):
    """One part that is built: version, expected seconds on 2 quiet cores, bytes of disk needed meanwhile."""

    version: str = Field(pattern=_VERSION)
    seconds: float = Field(gt=0)
    scratch_bytes: int = Field(gt=0)


class PulumiPins(PartPins):
    """The CLI; `minimum` is the oldest installed one that is worth a probe."""

    minimum: str = Field(pattern=_VERSION)


class DockerEnginePins(_Pins):
    """The engine: oldest version and its API, by which it is judged; Debian package; seconds to the first answer."""

    minimum: str = Field(pattern=r"^\d+\.\d+$")
    minimum_api: str = Field(pattern=r"^\d+\.\d+$")
    package: str
    start_seconds: float = Field(gt=0)


class Pins(_Pins):
    """All of toolchain.yaml."""

    pulumi: PulumiPins
    docker_plugin: PartPins
    language_host: PartPins
    docker_engine: DockerEnginePins


def recipes_dir() -> Path:
    """The checkout's folder of toolchain recipes."""
    return checkout() / "toolchain"


def load(path: Path | None = None) -> Pins:
    """Read the pins. Raises UsageError, naming file, key and value of each mistake, when they are not as expected."""
    path = path or recipes_dir() / "toolchain.yaml"
    try:
        return Pins.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read: {error}", remedy=f"git checkout -- {path}") from error
    except ValidationError as error:
        mistakes = "\n".join(
            f"{'.'.join(str(part) for part in mistake['loc'])}: {mistake['msg']} (found {mistake['input']!r})"
            for mistake in error.errors()
        )
        raise UsageError(f"{path} is not a valid list of pins", detail=mistakes, remedy=f"edit {path}") from error


def numbers(version: str) -> tuple[int, ...]:
    """A dotted version as numbers that compare: "v3.256.0" → (3, 256, 0); what follows a "-" or "+" is left out."""
    plain = version.strip().removeprefix("v").replace("+", "-").split("-")[0]
    return tuple(int(part) for part in plain.split(".") if part.isdigit())
