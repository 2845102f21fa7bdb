"""The adapter's part that is there for repositories only: runs and jobs, issues."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from pointsman.github import calls, readings
from pointsman.github.calls import Call, Right
from pointsman.github.model import Issue, Job, JobStatus, Run
from pointsman.github.scope import Repository
from pointsman.github.wire import Wire

T = TypeVar("T")

# Runs that may have a job that waits: a run is in progress as soon as one job of it is.
MAY_HAVE_QUEUED = (JobStatus.QUEUED, JobStatus.IN_PROGRESS)
# GitHub gives no more runs than that to one search ("List workflow runs for a repository").
MOST_RUNS = 1000


class _OfRepository:
    def __init__(self, wire: Wire, repository: Repository) -> None:
        self._wire = wire
        self._repository = repository
        self._owner = (repository.owner, repository.name)

    def _call(self, doing: str, right: Right, repeatable: bool = True) -> Call:
        return Call(f"{doing} of {self._repository}", right, repeatable)

    def _read(self, call: Call, read: Callable[[Any], T], operation: str, *path: str | int, **arguments: Any) -> T:
        return self._wire.read(call, read, self._wire.ask(call, operation, *self._owner, *path, **arguments))


class RepositoryWorkflows(_OfRepository):
    """The runs and jobs of one repository."""

    def runs(self, status: JobStatus | None = None, limit: int = 100) -> tuple[Run, ...]:
        """The newest `limit` runs."""
        wanted = {"status": status.value} if status else {}
        call = self._call("list the runs", calls.READ_RUNS)
        operation = "actions.list_workflow_runs_for_repo"
        return self._wire.some(call, readings.run, "workflow_runs", limit, operation, *self._owner, **wanted)

    def run(self, run_id: int) -> Run:
        """The run of that id."""
        call = self._call(f"look at run {run_id}", calls.READ_RUNS)
        return self._read(call, readings.run, "actions.get_workflow_run", run_id)

    def jobs(self, run_id: int, every_attempt: bool = False) -> tuple[Job, ...]:
        """The jobs of the run's last attempt, or of all."""
        call = self._call(f"list the jobs of run {run_id}", calls.READ_RUNS)
        wanted = "all" if every_attempt else "latest"
        operation = "actions.list_jobs_for_workflow_run"
        return self._wire.pages(call, readings.job, "jobs", operation, *self._owner, run_id, filter_=wanted)

    def job(self, job_id: int) -> Job:
        """The job of that id."""
        call = self._call(f"look at job {job_id}", calls.READ_RUNS)
        return self._read(call, readings.job, "actions.get_job_for_workflow_run", job_id)

    def queued_jobs(self) -> tuple[Job, ...]:
        """Every job that waits for a runner, oldest first."""
        ids = {run.id for status in MAY_HAVE_QUEUED for run in self.runs(status, MOST_RUNS)}
        jobs = (job for run_id in sorted(ids) for job in self.jobs(run_id) if job.queued)
        return tuple(sorted(jobs, key=lambda job: (job.created, job.id)))

    def cancel(self, run_id: int, force: bool = False) -> None:
        """Asks for the run to stop."""
        operation = "actions.force_cancel_workflow_run" if force else "actions.cancel_workflow_run"
        self._wire.ask(self._call(f"cancel run {run_id}", calls.WRITE_RUNS), operation, *self._owner, run_id)

    def rerun(self, run_id: int, failed_only: bool = True) -> None:
        """Runs its failed jobs, or all of it, again."""
        call = self._call(f"run {run_id} again", calls.WRITE_RUNS, repeatable=False)
        operation = "actions.re_run_workflow_failed_jobs" if failed_only else "actions.re_run_workflow"
        self._wire.ask(call, operation, *self._owner, run_id, data={})

    def dispatch(self, workflow: str | int, ref: str, inputs: Mapping[str, str] | None = None) -> int | None:
        """Starts a workflow; never tried twice when GitHub may have started it."""
        call = self._call(f"start workflow {workflow}", calls.WRITE_RUNS, repeatable=False)
        asked = {"ref": ref} | ({"inputs": dict(inputs)} if inputs else {})
        got = self._wire.ask(call, "actions.create_workflow_dispatch", *self._owner, workflow, data=asked)
        return self._wire.read(call, lambda told: int(told["workflow_run_id"]) if told else None, got)


class RepositoryIssues(_OfRepository):
    """The issues of one repository."""

    def all(self, labels: Collection[str] = (), open_only: bool = True) -> tuple[Issue, ...]:
        """The issues that have every one of `labels`; pull requests, which GitHub lists among them, left out."""
        wanted = {"labels": ",".join(labels)} if labels else {}
        call = self._call("list the issues", calls.READ_ISSUES)
        found = self._wire.some(
            call,
            lambda got: (readings.issue(got), "pull_request" in got),
            "",
            MOST_RUNS,
            "issues.list_for_repo",
            *self._owner,
            state="open" if open_only else "all",
            **wanted,
        )
        return tuple(issue for issue, is_pull_request in found if not is_pull_request)

    def create(self, title: str, body: str = "", labels: Collection[str] = ()) -> Issue:
        """Opens an issue; never tried twice when GitHub may have made it."""
        call = self._call(f"open an issue ({title})", calls.WRITE_ISSUES, repeatable=False)
        asked: dict[str, Any] = {"title": title, "body": body, "labels": list(labels)}
        return self._read(call, readings.issue, "issues.create", data=asked)

    def comment(self, number: int, body: str) -> None:
        """Adds a comment; never tried twice when GitHub may have added it."""
        call = self._call(f"comment issue {number}", calls.WRITE_ISSUES, repeatable=False)
        self._wire.ask(call, "issues.create_comment", *self._owner, number, data={"body": body})

    def close(self, number: int) -> Issue:
        """Closes it."""
        return self.update(number, open=False)

    def update(self, number: int, *, body: str | None = None, open: bool | None = None) -> Issue:
        """Gives it another text, closes or reopens it."""
        state = None if open is None else "open" if open else "closed"
        doing = {"closed": "close", "open": "reopen", None: "change"}[state]
        asked = {key: value for key, value in (("body", body), ("state", state)) if value is not None}
        call = self._call(f"{doing} issue {number}", calls.WRITE_ISSUES)
        return self._read(call, readings.issue, "issues.update", number, data=asked)
