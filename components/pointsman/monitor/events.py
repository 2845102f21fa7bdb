"""What the monitor says of a run: typed events whose ids follow from what they tell."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pointsman.runs.model import Run


class EventKind(StrEnum):
    """What happened to a run."""

    STARTED = "run_started"
    COMPLETED = "run_completed"
    FAILED = "run_failed"
    CANCELLED = "run_cancelled"
    STALLED = "run_stalled"
    RECOVERED = "run_recovered"
    WAITING = "run_waiting"
    DELETED = "run_deleted"
    UNHEALTHY = "monitor_unhealthy"
    HEALTHY = "monitor_healthy"


class Stall(StrEnum):
    """The ways in which a run stops getting on."""

    QUEUED = "queued_too_long"
    SILENT = "silent"
    RUNNING = "running_too_long"
    APPROVAL = "approval_too_long"


@dataclass(frozen=True)
class Event:
    """Something that happened to a run, once. `run` is the run as it was then; `at` is when the monitor saw it (UTC).

    `ordinal` tells apart what may happen again to the same attempt, such as a second stall; it begins at 0.
    `reason` is a sentence for people. The id is the same whenever the same thing is found again, after a crash too.
    """

    kind: EventKind
    run: Run
    at: datetime
    reason: str
    stall: Stall | None = None
    ordinal: int = 0

    @property
    def id(self) -> str:
        """32 hexadecimal digits made of source, run, attempt, kind, stall and ordinal."""
        parts = (*map(str, self.run.key), self.kind, self.stall or "", str(self.ordinal))
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
