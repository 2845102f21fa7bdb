"""What GitHub told of a repository's runs at the last look, and the next look, which asks for little more than news."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pointsman.github import Workflows, model
from pointsman.github.errors import NotFound
from pointsman.github.model import JobStatus
from pointsman.runs.github_rows import run_of, state_of
from pointsman.runs.model import Run

NEWEST, MOST = 100, 1000
"""Runs that a look lists, in one request; after a while away as many as GitHub lists at all."""
MOST_JOBS = 60
"""Of runs under way that look the same as before, the jobs of so many are asked for, each in its turn."""
LATELY = timedelta(hours=1)
"""What ended that long before the last look is looked at once more."""
UNDER_WAY = (JobStatus.QUEUED, JobStatus.IN_PROGRESS, JobStatus.WAITING, JobStatus.PENDING, JobStatus.REQUESTED)


@dataclass(frozen=True)
class Known:
    """A run as GitHub told it, its jobs, and the number of the look that asked for them."""

    raw: model.Run
    jobs: tuple[model.Job, ...] = ()
    asked: int = 0

    @property
    def under_way(self) -> bool:
        """Whether more is to come."""
        return not state_of(self.raw.status, self.raw.conclusion).final


class Looks:
    """The looks at one repository; `source` is what its runs say of where they are from."""

    def __init__(self, source: str) -> None:
        self.known: Mapping[str, Known] = {}
        self._source = source
        self._count = 0

    def runs(self) -> Iterator[Run]:
        """All that the last look found."""
        return (run_of(each.raw, each.jobs, self._source) for each in self.known.values())

    @property
    def under_way(self) -> list[str]:
        """Ids of those that had not ended."""
        return sorted(run_id for run_id, each in self.known.items() if each.under_way)

    def again(self, workflows: Workflows, since: datetime, expected: Collection[str], away: bool) -> None:
        """Looks; where GitHub fails, what was known stays.

        `expected` are runs that had not ended at `since`, `away` says that more may have come since than fits a page.
        Raises GitHubError.
        """
        found = {str(run.id): run for run in _listed(workflows, away)}
        for run_id in sorted({*expected, *self.under_way} - found.keys()):
            # One that is gone is found out by who asks whether it is there.
            if (one := one_of(workflows, run_id)) is not None:
                found[run_id] = one
        self._count += 1
        known = {run_id: self._taken_over(run_id, raw) for run_id, raw in found.items()}
        for run_id in self._to_ask(known, since - LATELY):
            jobs = jobs_of(workflows, found[run_id].id)
            known[run_id] = Known(found[run_id], jobs, self._count)
        self.known = known

    def _taken_over(self, run_id: str, raw: model.Run) -> Known:
        before = self.known.get(run_id)
        return replace(before, raw=raw) if before else Known(raw)

    def _to_ask(self, known: Mapping[str, Known], since: datetime) -> list[str]:
        """Whose jobs are asked for: of all that changed, and of those under way whose turn it is."""
        changed, same = [], []
        for run_id, each in known.items():
            before = self.known.get(run_id)
            if before.raw != each.raw if before else each.under_way or each.raw.updated >= since:
                changed.append(run_id)
            elif each.under_way:
                same.append(run_id)
        return changed + sorted(same, key=lambda run_id: (known[run_id].asked, run_id))[:MOST_JOBS]


def one_of(workflows: Workflows, run_id: str) -> model.Run | None:
    """One run, None where there is none."""
    try:
        return workflows.run(int(run_id)) if run_id.isdecimal() else None
    except NotFound:
        return None


def jobs_of(workflows: Workflows, run_id: int) -> tuple[model.Job, ...]:
    """The jobs of a run; none of one that was deleted meanwhile."""
    try:
        return workflows.jobs(run_id)
    except NotFound:
        return ()


def _listed(workflows: Workflows, away: bool) -> Iterator[model.Run]:
    if away:
        for status in UNDER_WAY:
            yield from workflows.runs(status, MOST)
    yield from workflows.runs(limit=MOST if away else NEWEST)
