"""What GitHub tells, in the words of the domain. Times are UTC; an unknown value is None."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pointsman.github.secret import Secret

ONLINE = "online"
# The labels that a runner gets by itself, unless it is told otherwise.
SELF_HOSTED = "self-hosted"


class JobStatus(StrEnum):
    """Where a job or run stands. GitHub adds values over time: an unknown one is OTHER."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    WAITING = "waiting"
    REQUESTED = "requested"
    PENDING = "pending"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> JobStatus:
        return cls.OTHER


class Conclusion(StrEnum):
    """How a completed job or run ended. An unknown value is OTHER."""

    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    NEUTRAL = "neutral"
    TIMED_OUT = "timed_out"
    ACTION_REQUIRED = "action_required"
    STARTUP_FAILURE = "startup_failure"
    STALE = "stale"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> Conclusion:
        return cls.OTHER


@dataclass(frozen=True)
class RunnerLabel:
    """A label of a runner; a read-only one (`self-hosted`, `Linux`, `X64`) can't be changed over the API."""

    name: str
    custom: bool = True


@dataclass(frozen=True)
class Runner:
    """A runner as GitHub sees it.

    `status` is GitHub's own word, whose values it does not list (`online` and `offline` are seen). `version` is None
    for a runner that never connected.
    """

    id: int
    name: str
    os: str
    status: str
    busy: bool
    labels: tuple[RunnerLabel, ...]
    ephemeral: bool = False
    version: str | None = None
    group_id: int | None = None

    @property
    def online(self) -> bool:
        """Whether GitHub holds a connection of it; it may still pick up nothing."""
        return self.status == ONLINE

    @property
    def label_names(self) -> frozenset[str]:
        """All its labels, in lower case: GitHub compares them so."""
        return frozenset(label.name.lower() for label in self.labels)

    def takes(self, labels: Collection[str]) -> bool:
        """Whether it has every one of `labels`."""
        return self.label_names.issuperset(name.lower() for name in labels)


@dataclass(frozen=True)
class Token:
    """A short-lived token for registering or removing a runner. Prints without its value."""

    value: Secret
    expires: datetime

    def left(self, now: datetime) -> timedelta:
        """How long it is still good."""
        return max(self.expires - now, timedelta())


@dataclass(frozen=True)
class JitRunner:
    """A runner that GitHub made in advance: `config` is what `run.sh --jitconfig` takes, good for one job."""

    runner: Runner
    config: Secret


@dataclass(frozen=True)
class Job:
    """A job of a run. `runner_id` and `runner_name` are None until a runner has taken it."""

    id: int
    run_id: int
    name: str
    status: JobStatus
    conclusion: Conclusion | None
    labels: tuple[str, ...]
    created: datetime
    started: datetime | None = None
    completed: datetime | None = None
    runner_id: int | None = None
    runner_name: str | None = None
    workflow: str = ""
    attempt: int = 1
    url: str = ""

    @property
    def queued(self) -> bool:
        """Whether it waits for a runner."""
        return self.status is JobStatus.QUEUED

    @property
    def label_set(self) -> frozenset[str]:
        """What a runner must have to take it, in lower case."""
        return frozenset(label.lower() for label in self.labels)

    def age(self, now: datetime) -> timedelta:
        """How long ago it was created."""
        return now - self.created


@dataclass(frozen=True)
class Run:
    """A run of a workflow. `path` is the workflow's file."""

    id: int
    name: str
    status: JobStatus
    conclusion: Conclusion | None
    event: str
    branch: str | None
    sha: str
    path: str
    created: datetime
    updated: datetime
    attempt: int = 1
    url: str = ""


@dataclass(frozen=True)
class SecretInfo:
    """That a secret is there and since when; GitHub never tells the value."""

    name: str
    created: datetime
    updated: datetime

    def age(self, now: datetime) -> timedelta:
        """How long ago its value was set."""
        return now - self.updated


@dataclass(frozen=True)
class Issue:
    """An issue of a repository."""

    number: int
    title: str
    open: bool
    url: str
    body: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class RateLimit:
    """One budget of requests: `left` of `limit` until `reset`."""

    name: str
    limit: int
    left: int
    reset: datetime


@dataclass(frozen=True)
class RunnerGroup:
    """A group of an organisation's runners."""

    id: int
    name: str
    default: bool


@dataclass(frozen=True)
class Queue:
    """The jobs that wait for one set of labels, oldest first."""

    labels: frozenset[str]
    jobs: tuple[Job, ...] = field(default=())

    def oldest(self, now: datetime) -> timedelta:
        """How long the first of them has waited; zero for an empty queue."""
        return max((job.age(now) for job in self.jobs), default=timedelta())


def by_label_set(jobs: Collection[Job]) -> tuple[Queue, ...]:
    """The queued ones of `jobs`, a queue for each set of labels, in the order of the labels."""
    waiting = sorted((job for job in jobs if job.queued), key=lambda job: (job.created, job.id))
    labels = sorted({job.label_set for job in waiting}, key=sorted)
    return tuple(Queue(each, tuple(job for job in waiting if job.label_set == each)) for each in labels)


def utc(text: str) -> datetime:
    """A time as GitHub writes it; one without an offset is UTC."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
