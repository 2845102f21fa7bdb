"""From a workflow run of GitHub Actions and its jobs to a run and its steps."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import PurePosixPath

from pointsman.github import model as github
from pointsman.github.model import Conclusion, JobStatus
from pointsman.runs.model import Run, RunState, Step

_UNDER_WAY: Mapping[JobStatus, RunState] = {
    JobStatus.REQUESTED: RunState.QUEUED,
    JobStatus.QUEUED: RunState.QUEUED,
    JobStatus.PENDING: RunState.QUEUED,
    # For the approval of a deployment, or for a wait timer of its environment.
    JobStatus.WAITING: RunState.WAITING_FOR_APPROVAL,
    JobStatus.IN_PROGRESS: RunState.RUNNING,
    JobStatus.OTHER: RunState.RUNNING,
}
_ENDS: Mapping[Conclusion, RunState] = {
    Conclusion.SUCCESS: RunState.COMPLETED,
    Conclusion.NEUTRAL: RunState.COMPLETED,
    Conclusion.SKIPPED: RunState.COMPLETED,
    Conclusion.CANCELLED: RunState.CANCELLED,
    Conclusion.STALE: RunState.CANCELLED,
    # GitHub calls a run completed that nobody has allowed to begin yet, such as one of a fork.
    Conclusion.ACTION_REQUIRED: RunState.WAITING_FOR_APPROVAL,
}
"""All others, those that are not known yet among them, are failures."""


def state_of(status: JobStatus, conclusion: Conclusion | None) -> RunState:
    """The state that GitHub's two words for a run or a job come to."""
    if status is not JobStatus.COMPLETED:
        return _UNDER_WAY[status]
    return _ENDS.get(conclusion, RunState.FAILED) if conclusion else RunState.FAILED


def run_of(found: github.Run, jobs: Collection[github.Job], source: str) -> Run:
    """A run as the monitor sees it: its kind is its workflow's file, its steps are its jobs.

    A job that an attempt takes over from the one before counts as its step, and says nothing of when it began.
    """
    state = state_of(found.status, found.conclusion)
    own = [job for job in jobs if job.attempt == found.attempt]
    states = [state_of(job.status, job.conclusion) for job in jobs]
    began = [job.started for job in own if job.started and _began(job)]
    ended = [job.completed for job in own if job.completed]
    created = found.created if found.attempt == 1 else min((job.created for job in own), default=found.updated)
    return Run(
        id=str(found.id),
        name=found.name,
        kind=PurePosixPath(found.path.partition("@")[0]).stem or found.name,
        state=state,
        created_at=created,
        updated_at=max([found.updated, *(moment for job in jobs if (moment := _changed(job)))]),
        started_at=min(began, default=None),
        finished_at=max(ended, default=found.updated) if state.final else None,
        attempt=found.attempt,
        error=_error(found, jobs) if state is RunState.FAILED else "",
        url=found.url,
        source=source,
        total_steps=len(jobs),
        done_steps=sum(each in (RunState.COMPLETED, RunState.CANCELLED) for each in states),
        failed_steps=states.count(RunState.FAILED),
        labels={"event": found.event, "commit": found.sha, **({"branch": found.branch} if found.branch else {})},
    )


def steps_of(run_id: str, jobs: Collection[github.Job]) -> tuple[Step, ...]:
    """The jobs of a run as its steps, in the order in which they were made."""
    ordered = sorted(jobs, key=lambda job: (job.created, job.id))
    return tuple(_step(run_id, position, job) for position, job in enumerate(ordered))


def _step(run_id: str, position: int, job: github.Job) -> Step:
    state = state_of(job.status, job.conclusion)
    failed = state is RunState.FAILED and job.conclusion is not None
    return Step(
        run_id=run_id,
        name=job.name,
        state=state,
        position=position,
        kind="job",
        started_at=job.started if _began(job) else None,
        finished_at=job.completed,
        updated_at=_changed(job) or job.created,
        error=f"{_words(job.conclusion)}{f' on {job.runner_name}' if job.runner_name else ''}" if failed else "",
    )


def _began(job: github.Job) -> bool:
    """Whether it ran at all: of one that was skipped GitHub tells a start as well."""
    return job.conclusion is not Conclusion.SKIPPED


def _changed(job: github.Job) -> datetime | None:
    return job.completed or job.started


def _error(found: github.Run, jobs: Collection[github.Job]) -> str:
    failed = [job.name for job in jobs if state_of(job.status, job.conclusion) is RunState.FAILED]
    what = _words(found.conclusion)
    return f"{what}: {', '.join(failed)}" if failed else what


def _words(conclusion: Conclusion | None) -> str:
    return str(conclusion or "no conclusion").replace("_", " ")
