"""The queue as our fleet sees it. Pure: runners and jobs in, one queue for each set of labels of the fleet out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from pointsman.github.model import Job, Runner

OTHER = "other"
# A value of a label is shown in tables and kept in memory by Prometheus: no runner needs more.
LONGEST = 200


@dataclass(frozen=True)
class Waiting:
    """The jobs that wait for a set of labels: how many, and when the oldest was queued."""

    labels: str
    jobs: int
    oldest: datetime | None


def queues(runners: Collection[Runner], jobs: Collection[Job]) -> tuple[Waiting, ...]:
    """The queue of each set of labels that the fleet has, empty ones too, and of the jobs that no runner of it takes.

    A job counts at every set that has all the labels it asks for: it waits for whichever is first. Whether a runner
    is online plays no part: what waits for an offline one is what shows.
    """
    sets: dict[str, list[Runner]] = {}
    for runner in runners:
        sets.setdefault(shown(runner), []).append(runner)
    waiting = [job for job in jobs if job.queued]
    found = [
        _of(labels, [job for job in waiting if any(runner.takes(job.label_set) for runner in having)])
        for labels, having in sorted(sets.items())
    ]
    return (*found, _of(OTHER, [job for job in waiting if not any(runner.takes(job.label_set) for runner in runners)]))


def shown(runner: Runner) -> str:
    """A runner's set of labels as the value of a label: the custom ones in order, all where it has no custom one."""
    custom = {label.name.lower() for label in runner.labels if label.custom}
    text = bounded(",".join(sorted(custom or runner.label_names)))
    # Two series of one name would cost Prometheus the whole page.
    return text if text != OTHER else f"{OTHER} (label)"


def bounded(text: str) -> str:
    """The text, cut where it is too long for a label."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _of(labels: str, jobs: Collection[Job]) -> Waiting:
    return Waiting(labels, len(jobs), min((job.created for job in jobs), default=None))
