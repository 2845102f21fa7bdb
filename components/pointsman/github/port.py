"""The port: what Pointsman asks of GitHub, one protocol a concern, so that a caller names only what it needs.

Every method may raise the errors of `pointsman.github.errors`: BadToken, MissingPermission, RateLimited, NotFound,
GitHubDown, and those named at it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from pointsman.github.model import (
    Issue,
    JitRunner,
    Job,
    JobStatus,
    RateLimit,
    Run,
    Runner,
    RunnerGroup,
    RunnerLabel,
    SecretInfo,
    Token,
)
from pointsman.github.scope import Scope
from pointsman.github.secret import Secret

DEFAULT_GROUP = 1
WORK_FOLDER = "_work"


class Runners(Protocol):
    """The runners of a repository or an organisation."""

    def all(self, name: str = "") -> tuple[Runner, ...]:
        """Every runner, of all pages; of that exact name where one is given. Raises Unsteady."""

    def one(self, runner_id: int) -> Runner:
        """The runner of that id."""

    def named(self, name: str) -> Runner | None:
        """The runner of that exact name, or None."""

    def remove(self, runner_id: int) -> bool:
        """Removes it; False when it was gone already. Raises RunnerBusy."""

    def groups(self) -> tuple[RunnerGroup, ...]:
        """The groups of an organisation; a repository has the default one only."""

    def registration_token(self) -> Token:
        """A token for `config.sh`, good for an hour."""

    def remove_token(self) -> Token:
        """A token for `config.sh remove`, good for an hour."""

    def jit(
        self, name: str, labels: Collection[str], *, group_id: int = DEFAULT_GROUP, work_folder: str = WORK_FOLDER
    ) -> JitRunner:
        """A runner made in advance, with exactly `labels`. Raises NameTaken."""

    def labels(self, runner_id: int) -> tuple[RunnerLabel, ...]:
        """Its labels."""

    def add_labels(self, runner_id: int, labels: Collection[str]) -> tuple[RunnerLabel, ...]:
        """Adds custom labels; gives all that it has then."""

    def set_labels(self, runner_id: int, labels: Collection[str]) -> tuple[RunnerLabel, ...]:
        """Makes `labels` its custom labels; gives all that it has then."""

    def remove_label(self, runner_id: int, label: str) -> tuple[RunnerLabel, ...]:
        """Takes a custom label off, if it has it; gives those that stay. Raises Refused for a read-only one."""


class Secrets(Protocol):
    """The Actions secrets of a repository or an organisation."""

    def all(self) -> tuple[SecretInfo, ...]:
        """Every secret's name and times, of all pages. Raises Unsteady."""

    def one(self, name: str) -> SecretInfo | None:
        """That secret's times, or None."""

    def put(self, name: str, value: Secret) -> bool:
        """Sets it, sealed for GitHub's key on this machine; True when it is new."""

    def remove(self, name: str) -> bool:
        """Removes it; False when it was gone already."""


class Workflows(Protocol):
    """The runs and jobs of one repository."""

    def runs(self, status: JobStatus | None = None, limit: int = 100) -> tuple[Run, ...]:
        """The newest `limit` runs, of that status where one is given."""

    def run(self, run_id: int) -> Run:
        """The run of that id."""

    def jobs(self, run_id: int, every_attempt: bool = False) -> tuple[Job, ...]:
        """The jobs of the run's last attempt, or of all. Raises Unsteady."""

    def job(self, job_id: int) -> Job:
        """The job of that id."""

    def queued_jobs(self) -> tuple[Job, ...]:
        """Every job that waits for a runner, oldest first (`model.by_label_set` sorts them into queues).

        One request for each run that is queued or in progress, besides those that list the runs.
        """

    def cancel(self, run_id: int, force: bool = False) -> None:
        """Asks for the run to stop; `force` stops what ignores it. Raises Conflict when it is over already."""

    def rerun(self, run_id: int, failed_only: bool = True) -> None:
        """Runs its failed jobs, or all of it, again."""

    def dispatch(self, workflow: str | int, ref: str, inputs: Mapping[str, str] | None = None) -> int | None:
        """Starts a workflow (its file name or id) on a branch or tag; the run's id where the server tells it."""


class Issues(Protocol):
    """The issues of one repository."""

    def all(self, labels: Collection[str] = (), open_only: bool = True) -> tuple[Issue, ...]:
        """The issues that have every one of `labels`."""

    def create(self, title: str, body: str = "", labels: Collection[str] = ()) -> Issue:
        """Opens an issue. Raises MaybeDone: it is never tried twice when GitHub may have made it."""

    def comment(self, number: int, body: str) -> None:
        """Adds a comment. Raises MaybeDone."""

    def close(self, number: int) -> Issue:
        """Closes it."""

    def update(self, number: int, *, body: str | None = None, open: bool | None = None) -> Issue:
        """Gives it another text, closes or reopens it; what is None stays as it is."""


class GitHub(Protocol):
    """GitHub, seen from one repository or organisation. A context manager: connections are closed at its end."""

    @property
    def scope(self) -> Scope:
        """What runners and secrets belong to."""

    @property
    def runners(self) -> Runners:
        """Its runners."""

    @property
    def secrets(self) -> Secrets:
        """Its secrets."""

    def workflows(self, repository: str = "") -> Workflows:
        """The runs of `owner/name`, or of the scope; raises UsageError for an organisation without one."""

    def issues(self, repository: str = "") -> Issues:
        """The issues of `owner/name`, or of the scope; raises UsageError for an organisation without one."""

    def rate_limits(self) -> Mapping[str, RateLimit]:
        """What is left of each budget of requests, by GitHub's name; asking costs nothing."""

    def close(self) -> None:
        """Closes the connections."""
