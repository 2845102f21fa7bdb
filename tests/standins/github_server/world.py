"""What there is on the stand-in's GitHub, and the rules by which it changes."""

from __future__ import annotations

import copy
import pickle
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import wraps
from itertools import count
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

DEFAULT_LABELS = ("self-hosted", "Linux", "X64")
QUEUED, IN_PROGRESS, COMPLETED = "queued", "in_progress", "completed"
SUCCESS, FAILURE, CANCELLED = "success", "failure", "cancelled"
DEFAULT_GROUP = 1


@dataclass
class Settings:
    """What a test may turn. Seconds where a time is meant; the real ones in brackets.

    `offline_after`: without a sign of life (about a minute); `lease`: of a job (600); `token_lifetime`: of
    registration tokens (3600); `registration_version` and `message_version`: older runners are refused, at
    registration and at their first message; `limit`: requests an hour; `ahead`: this clock against the machine's.
    """

    offline_after: float = 30.0
    lease: float = 600.0
    token_lifetime: float = 3600.0
    registration_version: str = "2.329.0"
    message_version: str = "2.329.0"
    limit: int = 5000
    ahead: float = 0.0


@dataclass
class Label:
    """A label of a runner; `kind` is `read-only` or `custom`."""

    id: int
    name: str
    kind: str


@dataclass
class Session:
    """A runner's connection. `seen` is the last sign of life, by the monotonic clock."""

    id: str
    owner: str
    seen: float


@dataclass
class Runner:
    """A registered runner. `shown` is a status that the API tells whatever is true; a `deaf` one gets no job."""

    id: int
    holder: str
    name: str
    version: str | None
    labels: list[Label]
    credential: str
    ephemeral: bool = False
    os: str = "linux"
    group_id: int = DEFAULT_GROUP
    session: Session | None = None
    job_id: int | None = None
    shown: str | None = None
    busy_shown: bool | None = None
    deaf: bool = False

    @property
    def label_names(self) -> frozenset[str]:
        """Its labels in lower case."""
        return frozenset(label.name.lower() for label in self.labels)


@dataclass
class Job:
    """A job of a run. `renewed` is when its lease was, by the monotonic clock."""

    id: int
    run_id: int
    name: str
    labels: tuple[str, ...]
    script: str
    created: datetime
    attempt: int = 1
    status: str = QUEUED
    conclusion: str | None = None
    started: datetime | None = None
    completed: datetime | None = None
    runner_id: int | None = None
    runner_name: str | None = None
    renewed: float = 0.0
    cancelled: bool = False
    log: str = ""
    steps: tuple[tuple[str, str], ...] = ()


@dataclass
class Run:
    """A run of a workflow."""

    id: int
    repository: str
    number: int
    name: str
    path: str
    event: str
    branch: str
    sha: str
    created: datetime
    updated: datetime
    attempt: int = 1


@dataclass
class Secret:
    """A secret, sealed as it came."""

    name: str
    created: datetime
    updated: datetime
    sealed: str
    key_id: str


@dataclass
class Issue:
    """An issue of a repository."""

    number: int
    title: str
    body: str
    labels: tuple[str, ...]
    created: datetime
    open: bool = True
    comments: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Workflow:
    """A workflow that can be started: its jobs as name, labels and script."""

    path: str
    name: str
    jobs: tuple[tuple[str, tuple[str, ...], str], ...]


P = ParamSpec("P")
T = TypeVar("T")
W = TypeVar("W", bound="World")


def alone(method: Callable[Concatenate[W, P], T]) -> Callable[Concatenate[W, P], T]:
    """A method that runs while no other looks at the world or changes it."""

    @wraps(method)
    def run(self: W, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with self.changed:
            return method(self, *args, **kwargs)

    return run


def changing(method: Callable[Concatenate[W, P], T]) -> Callable[Concatenate[W, P], T]:
    """A method that changes the world: whoever waits for that looks again."""

    @wraps(method)
    def run(self: W, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with self.changed:
            result = method(self, *args, **kwargs)
            self.changed.notify_all()
            return result

    return run


KEPT = (
    *("settings", "public_key", "key_id"),
    *("runners", "jobs", "runs", "secrets", "issues", "workflows", "tokens"),
)
"""What of the state outlives a restart."""


class World:
    """All state. `holders` are the repositories (`owner/name`) and organisations that there are."""

    def __init__(self, holders: Iterable[str], public_key: str) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.settings = Settings()
        self.holders = frozenset(holders)
        self.public_key = public_key
        self.key_id = str(secrets.randbelow(10**17) + 10**17)
        # As large as GitHub's own are by now: none fits 32 bits.
        self._ids = count(21_000_000_001)
        self._label_ids = count(1)
        self.runners: dict[int, Runner] = {}
        self.jobs: dict[int, Job] = {}
        self.runs: dict[int, Run] = {}
        self.secrets: dict[str, dict[str, Secret]] = {}
        self.issues: dict[str, dict[int, Issue]] = {}
        self.workflows: dict[str, list[Workflow]] = {}
        # Registration and remove tokens: what for, whose, until when.
        self.tokens: dict[str, tuple[str, str, datetime]] = {}

    def snapshot(self) -> World:
        """A copy that no longer changes, for answers that are behind."""
        other = World(self.holders, self.public_key)
        other.settings, other.key_id = self.settings, self.key_id
        for part in ("runners", "jobs", "runs", "secrets", "issues", "workflows"):
            setattr(other, part, copy.deepcopy(getattr(self, part)))
        return other

    def keep(self, path: Path) -> None:
        """Writes the state into a file, so that a restart is not the end of every registration."""
        with self.changed:
            kept = {name: getattr(self, name) for name in KEPT} | {
                "ids": self.new_id(),
                "labels": next(self._label_ids),
            }
            scratch = path.with_suffix(".new")
            scratch.write_bytes(pickle.dumps(kept))
        scratch.replace(path)

    def recall(self, path: Path) -> None:
        """Takes the state from a file that `keep` wrote; nothing changes where there is none."""
        if not path.is_file():
            return
        kept = pickle.loads(path.read_bytes())
        with self.changed:
            self._ids, self._label_ids = count(kept.pop("ids")), count(kept.pop("labels"))
            for name, value in kept.items():
                setattr(self, name, value)

    def have_secret(self, name: str) -> None:
        """Every repository and organisation has a secret called `name`: set now where it was not set before."""
        name = name.upper()
        with self.changed:
            for holder in self.holders:
                now = self.now()
                self.secrets.setdefault(holder, {}).setdefault(name, Secret(name, now, now, "", self.key_id))

    def now(self) -> datetime:
        """The stand-in's clock."""
        return datetime.fromtimestamp(time.time() + self.settings.ahead, UTC)

    def new_id(self) -> int:
        """An id that nothing else has."""
        return next(self._ids)

    def label(self, name: str, kind: str) -> Label:
        """A new label."""
        return Label(next(self._label_ids), name, kind)

    def of(self, holder: str) -> list[Runner]:
        """The runners of a repository or an organisation, by id."""
        self.lapse()
        return [runner for runner in self.runners.values() if runner.holder == holder]

    def runner_named(self, holder: str, name: str) -> Runner | None:
        """The runner of that name; GitHub compares without case."""
        return next((each for each in self.of(holder) if each.name.lower() == name.lower()), None)

    @changing
    def enlist(
        self, holder: str, name: str, labels: Collection[str], *, defaults: bool = True, version: str | None = None
    ) -> Runner:
        """Registers a runner; `defaults`: with the labels that each runner gets."""
        given = [self.label(each, "read-only") for each in DEFAULT_LABELS] if defaults else []
        known = {label.name.lower() for label in given}
        given += [self.label(each, "custom") for each in dict.fromkeys(labels) if each.lower() not in known]
        runner = Runner(self.new_id(), holder, name, version, given, secrets.token_urlsafe(32))
        self.runners[runner.id] = runner
        return runner

    @changing
    def dismiss(self, runner: Runner) -> None:
        """Removes a runner; a job of it fails, as the real one does when its runner is lost."""
        self.runners.pop(runner.id, None)
        if runner.job_id is not None and (job := self.jobs.get(runner.job_id)) and job.status != COMPLETED:
            self.finish(job, FAILURE, "The self-hosted runner lost communication with the server.")

    def online(self, runner: Runner) -> bool:
        """Whether it has shown life lately."""
        session = runner.session
        return session is not None and time.monotonic() - session.seen < self.settings.offline_after

    def status(self, runner: Runner) -> str:
        """What the API tells."""
        return runner.shown or ("online" if self.online(runner) else "offline")

    @changing
    def start(self, repository: str, workflow: Workflow, event: str, branch: str = "main") -> Run:
        """A new run of `workflow` with its jobs queued."""
        now, run_id = self.now(), self.new_id()
        number = sum(run.repository == repository for run in self.runs.values()) + 1
        run = Run(run_id, repository, number, workflow.name, workflow.path, event, branch, "0" * 39 + "1", now, now)
        self.runs[run_id] = run
        for name, labels, script in workflow.jobs:
            job = Job(self.new_id(), run_id, name, labels, script, now)
            self.jobs[job.id] = job
        return run

    def jobs_of(self, run: Run, every_attempt: bool = False) -> list[Job]:
        """The jobs of the last attempt, or of all. A job that did not run again stays in the last attempt."""
        jobs = [job for job in self.jobs.values() if job.run_id == run.id]
        if every_attempt:
            return jobs
        latest = {job.name: job for job in sorted(jobs, key=lambda job: job.attempt)}
        return [job for job in jobs if latest[job.name] is job]

    @alone
    def take(self, runner: Runner) -> Job | None:
        """Gives the oldest job that `runner` can take, if there is one."""
        self.lapse()
        if runner.deaf or runner.job_id is not None:
            return None
        for job in sorted(self.jobs.values(), key=lambda job: (job.created, job.id)):
            if job.status == QUEUED and self._reaches(runner, job):
                job.status, job.started, job.renewed = IN_PROGRESS, self.now(), time.monotonic()
                job.runner_id, job.runner_name, runner.job_id = runner.id, runner.name, job.id
                self._touched(job)
                return job
        return None

    @changing
    def finish(self, job: Job, conclusion: str, log: str = "") -> None:
        """Completes a job, and frees its runner; an ephemeral one is removed."""
        job.status, job.conclusion, job.completed = COMPLETED, conclusion, self.now()
        job.started = job.started or job.completed
        job.log += log
        runner = self.runners.get(job.runner_id or 0)
        if runner is not None and runner.job_id == job.id:
            runner.job_id = None
            if runner.ephemeral:
                self.runners.pop(runner.id)
        self._touched(job)

    @changing
    def cancel(self, run: Run) -> None:
        """Ends what is queued and tells the runners of what runs."""
        for job in self.jobs_of(run):
            job.cancelled = True
            if job.status == QUEUED:
                self.finish(job, CANCELLED)

    @changing
    def rerun(self, run: Run, failed_only: bool) -> None:
        """Queues its jobs again, under new ids, as another attempt."""
        old = [job for job in self.jobs_of(run) if not failed_only or job.conclusion != SUCCESS]
        run.attempt += 1
        for job in old:
            again = Job(self.new_id(), run.id, job.name, job.labels, job.script, self.now(), run.attempt)
            self.jobs[again.id] = again
            self._touched(again)

    def run_status(self, run: Run) -> tuple[str, str | None]:
        """Status and conclusion of a run, from its jobs."""
        jobs = self.jobs_of(run)
        if all(job.status == COMPLETED for job in jobs):
            ends = {job.conclusion for job in jobs}
            return COMPLETED, next((end for end in (FAILURE, CANCELLED) if end in ends), SUCCESS)
        begun = any(job.status != QUEUED for job in jobs)
        return (IN_PROGRESS if begun else QUEUED), None

    @alone
    def lapse(self) -> None:
        """Fails the jobs whose lease ran out: their runner is lost."""
        for job in self.jobs.values():
            if job.status == IN_PROGRESS and time.monotonic() - job.renewed > self.settings.lease:
                self.finish(job, FAILURE, "The self-hosted runner lost communication with the server.")

    def _reaches(self, runner: Runner, job: Job) -> bool:
        repository = self.runs[job.run_id].repository
        mine = runner.holder in (repository, repository.split("/")[0])
        return mine and runner.label_names.issuperset(label.lower() for label in job.labels)

    def _touched(self, job: Job) -> None:
        self.runs[job.run_id].updated = self.now()
