"""Runs and steps as the monitor sees them, wherever they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path


class RunState(StrEnum):
    """The states of a run; a step has them too."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING_FOR_APPROVAL = "waiting_for_approval"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing more is to come of a run in this state."""
        return self in FINAL


FINAL = frozenset({RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED})


@dataclass(frozen=True)
class Step:
    """One step of a run. Times are UTC; None where it did not happen yet.

    `kind` is `step` or `agent`; `error` is what it failed with, empty where it did not.
    """

    run_id: str
    name: str
    state: RunState
    position: int = 0
    kind: str = "step"
    started_at: datetime | None = None
    finished_at: datetime | None = None
    updated_at: datetime | None = None
    error: str = ""


@dataclass(frozen=True)
class Run:
    """One run as its source has it now. Times are UTC, by the source's clock; None where it did not happen yet.

    `attempt` begins at 1 and grows when a run is run again under the same id. `updated_at` is when anything of the run
    or of its steps changed last. `artifacts` is the absolute folder of what it made; None where the source has none.
    `source` is the name of where it was read, such as `store` or `github`. `total_steps` is 0 where nobody knows.
    """

    id: str
    name: str
    kind: str
    state: RunState
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    heartbeat_at: datetime | None = None
    attempt: int = 1
    artifacts: Path | None = None
    error: str = ""
    url: str = ""
    trace_id: str = ""
    source: str = "store"
    total_steps: int = 0
    done_steps: int = 0
    failed_steps: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, int]:
        """What tells this attempt from every other: source, id, attempt."""
        return self.source, self.id, self.attempt
