"""One look at GitHub with few requests: runners, the queue, secrets, the rate limit and the token's end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from pointsman.github.credentials import expiry
from pointsman.github.errors import BadToken, GitHubDown, GitHubError, MissingPermission, NotFound, RateLimited
from pointsman.github.model import Job, JobStatus, RateLimit, Run, Runner, SecretInfo
from pointsman.github.port import GitHub
from pointsman.github_exporter.settings import Settings

# What changes by people's hands, or only counts down, is asked for no more often than that.
SELDOM = timedelta(minutes=10)
# The jobs of a run that has not changed are asked for again after that: jobs that wait for others are not told by it.
RESCAN = timedelta(minutes=2)
# Below this share of the hour's requests the queue is not scanned: the rest belongs to those who act.
RESERVE = 0.2
CORE = "core"
# Each reading with what it tells.
PARTS = {
    "rate_limit": ("limits", "expires"),
    "runners": ("runners",),
    "queue": ("jobs", "unscanned"),
    "secrets": ("secrets",),
}
# The token's file is read before all others.
TOKEN = "token"
READINGS = (TOKEN, *PARTS)
ERRORS: tuple[tuple[str, type[GitHubError]], ...] = (
    ("bad_token", BadToken),
    ("missing_permission", MissingPermission),
    ("rate_limited", RateLimited),
    ("not_found", NotFound),
    ("down", GitHubDown),
    ("other", GitHubError),
)


class Watched(GitHub, Protocol):
    """The port, and the headers that tell when the token ends."""

    def answer_headers(self) -> Mapping[str, str]:
        """The headers of a request that costs nothing."""


@dataclass(frozen=True)
class Seen:
    """What is known after a look. `read_at` tells when each reading was last made, `errors` those that failed now."""

    at: datetime
    runners: tuple[Runner, ...] | None = None
    jobs: tuple[Job, ...] | None = None
    unscanned: int = 0
    secrets: Mapping[str, SecretInfo | None] | None = None
    limits: Mapping[str, RateLimit] | None = None
    expires: datetime | None = None
    read_at: Mapping[str, datetime] = field(default_factory=dict)
    errors: Mapping[str, GitHubError] = field(default_factory=dict)

    def after(self, old: Seen) -> Seen:
        """It, with what it could not read now as it was read before."""
        kept = {name: getattr(old, name) for part in PARTS if part not in self.read_at for name in PARTS[part]}
        return replace(self, read_at={**old.read_at, **self.read_at}, **kept)


@dataclass(frozen=True)
class _Scan:
    run: Run
    at: datetime
    jobs: tuple[Job, ...]


@dataclass
class _Seldom:
    """What is asked for seldom, and when that was."""

    at: datetime | None = None
    secrets: Mapping[str, SecretInfo | None] | None = None
    expires: datetime | None = None

    def due(self, now: datetime) -> bool:
        return self.at is None or now - self.at >= SELDOM


class Watch:
    """Looks at GitHub time and again, and remembers what need not be asked for each time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._scans: dict[tuple[str, int], _Scan] = {}
        self._secrets = _Seldom()
        self._token = _Seldom()

    def look(self, github: Watched, now: datetime) -> Seen:
        """What is there now. A part that fails is told in `errors`; no part is asked when the fault is everyone's."""
        got: dict[str, object] = {}
        read_at: dict[str, datetime] = {}
        errors: dict[str, GitHubError] = {}
        steps: Mapping[str, Callable[[], Mapping[str, object]]] = {
            "rate_limit": lambda: self._limits(github, now),
            "runners": lambda: {"runners": github.runners.all()},
            "queue": lambda: self._queue(github, now, got),
            "secrets": lambda: self._aged(github, now),
        }
        for name, step in steps.items():
            try:
                if told := step():
                    got.update(told)
                    read_at[name] = now
            except GitHubError as error:
                errors[name] = error
                if isinstance(error, BadToken | RateLimited | GitHubDown):
                    break
        return Seen(at=now, read_at=read_at, errors=errors, **got)  # type: ignore[arg-type]

    def _limits(self, github: Watched, now: datetime) -> Mapping[str, object]:
        if self._token.due(now):
            self._token = _Seldom(at=now, expires=expiry(github.answer_headers()))
        return {"limits": github.rate_limits(), "expires": self._token.expires}

    def _aged(self, github: Watched, now: datetime) -> Mapping[str, object]:
        if not self._settings.secrets:
            return {}
        if self._secrets.due(now):
            known = {secret.name.upper(): secret for secret in github.secrets.all()}
            self._secrets = _Seldom(now, {name: known.get(name.upper()) for name in self._settings.secrets})
        return {"secrets": self._secrets.secrets}

    def _queue(self, github: Watched, now: datetime, got: Mapping[str, object]) -> Mapping[str, object]:
        """The queued jobs of the oldest runs. A run's jobs are asked for when it changed, or after a while."""
        if not self._settings.queued_in or self._spent(got.get("limits")):
            return {}
        runs = [(name, run) for name in self._settings.queued_in for run in self._waiting(github, name)]
        self._scans = {(name, run.id): scan for name, run in runs if (scan := self._scans.get((name, run.id)))}
        stale = [(name, run) for name, run in runs if self._stale(name, run, now)]
        # The oldest first, since a long wait is what is looked for; of those that were never looked at before others.
        stale.sort(key=lambda each: ((each[0], each[1].id) in self._scans, each[1].created, each[1].id))
        end = time.monotonic() + self._settings.interval
        for name, run in stale[: self._settings.queue_scans]:
            if time.monotonic() > end:
                break
            jobs = github.workflows(name).jobs(run.id)
            self._scans[name, run.id] = _Scan(run, now, tuple(job for job in jobs if job.queued))
        unscanned = sum((name, run.id) not in self._scans for name, run in runs)
        return {"jobs": tuple(job for scan in self._scans.values() for job in scan.jobs), "unscanned": unscanned}

    def _waiting(self, github: Watched, repository: str) -> list[Run]:
        """Runs that may have a job that waits: a run is in progress as soon as one job of it is."""
        flows, most = github.workflows(repository), self._settings.queue_runs
        found = (*flows.runs(JobStatus.QUEUED, most), *flows.runs(JobStatus.IN_PROGRESS, most))
        return list({run.id: run for run in found}.values())

    def _stale(self, name: str, run: Run, now: datetime) -> bool:
        scan = self._scans.get((name, run.id))
        return scan is None or scan.run != run or now - scan.at >= RESCAN

    @staticmethod
    def _spent(limits: object) -> bool:
        core = limits.get(CORE) if isinstance(limits, dict) else None
        return core is not None and core.left < core.limit * RESERVE


def kind(error: GitHubError) -> str:
    """The class of an error, as the metrics name it."""
    return next(name for name, of in ERRORS if isinstance(error, of))
