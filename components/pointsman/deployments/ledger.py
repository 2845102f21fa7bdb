"""The ledger: totals by environment and service, deployments that are open, and what is still to be sent."""

from __future__ import annotations

import fcntl
import json
import os
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from pointsman.paths import environment_dir
from pointsman.telemetry.names import DEPLOYMENT_SECONDS, DeploymentResult

FILE = "deployments.json"
# More than this waits for a stack that is away for long: the oldest go first, and totals stay right.
KEPT_EVENTS = 500
Payload = dict[str, object]


class Durations(BaseModel):
    """A histogram: `buckets` hold how many fell into each of the table's and beyond, `sum` is in seconds."""

    buckets: list[int] = Field(default_factory=lambda: [0] * (len(DEPLOYMENT_SECONDS.boundaries) + 1))
    sum: float = 0.0

    def add(self, seconds: float) -> None:
        """Counts one."""
        self.buckets[bisect_left(DEPLOYMENT_SECONDS.boundaries, seconds)] += 1
        self.sum += seconds


class Open(BaseModel):
    """A deployment in progress. `began` is in seconds since 1970."""

    began: float
    trace: str
    span: str
    commit: str = ""


class Line(BaseModel):
    """One service in one environment: a zero for each result from the first on, so that increases are seen."""

    environment: str
    service: str
    counts: dict[DeploymentResult, int] = Field(default_factory=lambda: dict.fromkeys(DeploymentResult, 0))
    durations: dict[DeploymentResult, Durations] = Field(default_factory=dict)
    last_success: float | None = None
    last_failure: float | None = None
    open: Open | None = None


class Ledger(BaseModel):
    """All lines, and spans and log records in OTLP's JSON form that nobody took yet."""

    lines: list[Line] = Field(default_factory=list)
    spans: list[Payload] = Field(default_factory=list)
    logs: list[Payload] = Field(default_factory=list)

    def line(self, environment: str, service: str) -> Line:
        """The line, made when it is asked for first."""
        for line in self.lines:
            if (line.environment, line.service) == (environment, service):
                return line
        self.lines.append(Line(environment=environment, service=service))
        return self.lines[-1]

    def bounded(self) -> None:
        """Drops the oldest of what is to be sent beyond the bound."""
        del self.spans[:-KEPT_EVENTS], self.logs[:-KEPT_EVENTS]


@dataclass(frozen=True)
class Book:
    """A ledger and the file that holds it."""

    ledger: Ledger
    file: Path

    def save(self) -> None:
        """Writes it whole, beside the old one and then over it."""
        self.ledger.bounded()
        beside = self.file.with_suffix(".new")
        with beside.open("w") as out:
            json.dump(self.ledger.model_dump(mode="json"), out)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(self.file)


@contextmanager
def opened(environment: str) -> Iterator[Book]:
    """The ledger of an environment of Pointsman's, for one process at a time.

    One that cannot be read is put aside, and counting begins anew. Raises OSError where the state directory refuses.
    """
    folder = environment_dir(environment)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{FILE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Book(_read(folder / FILE), folder / FILE)


def _read(file: Path) -> Ledger:
    try:
        return Ledger.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return Ledger()
    except ValidationError:
        file.replace(file.with_suffix(".broken"))
        return Ledger()
