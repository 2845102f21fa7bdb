"""Which queue a job waits in, as the fleet's labels have it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pointsman.github.model import Job, JobStatus, Runner, RunnerLabel
from pointsman.github_exporter.fleet import LONGEST, OTHER, bounded, queues

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DEFAULTS = tuple(RunnerLabel(name, custom=False) for name in ("self-hosted", "Linux", "X64"))


def runner(name: str, *labels: str) -> Runner:
    """A runner with the default labels and these."""
    return Runner(1, name, "linux", "offline", False, DEFAULTS + tuple(RunnerLabel(label) for label in labels))


def job(*labels: str, age: int = 0, status: JobStatus = JobStatus.QUEUED) -> Job:
    """A job that asks for these."""
    return Job(age, 1, "job", status, None, labels, NOW - timedelta(seconds=age))


def found(runners: list[Runner], jobs: list[Job]) -> dict[str, tuple[int, float]]:
    """Jobs and the age of the oldest, by labels."""
    return {
        each.labels: (each.jobs, (NOW - each.oldest).total_seconds() if each.oldest else 0.0)
        for each in queues(runners, jobs)
    }


def test_a_queue_for_each_set_of_labels() -> None:
    """Empty ones too; a job counts wherever it could run, in any case of letters, online runner or not."""
    fleet = [runner("a", "deploy", "linux-x64"), runner("b", "linux-x64", "deploy"), runner("c", "Deploy"), runner("d")]
    jobs = [
        job("self-hosted", "deploy", age=10),
        job("DEPLOY", "Linux-X64", age=30),
        job("ubuntu-latest", age=50),
        job("gpu", "deploy", age=40),
        job("deploy", status=JobStatus.IN_PROGRESS, age=99),
    ]
    assert found(fleet, jobs) == {
        "deploy": (1, 10),
        "deploy,linux-x64": (2, 30),
        "linux,self-hosted,x64": (0, 0),
        OTHER: (2, 50),
    }


def test_without_a_fleet_all_are_others() -> None:
    """No series but one."""
    assert found([], [job("deploy", age=5)]) == {OTHER: (1, 5)}


def test_a_label_called_other_is_no_second_series_of_that_name() -> None:
    """Prometheus would refuse the whole page."""
    assert found([runner("a", "other")], [job("other"), job("x")]) == {"other (label)": (1, 0), OTHER: (1, 0)}


def test_labels_are_bounded() -> None:
    """However many labels a runner has."""
    assert len(bounded("x" * 1000)) == LONGEST
    ((first, *_), *_) = found([runner("a", *(f"label-{number}" for number in range(100)))], []).items()
    assert len(first) == LONGEST
