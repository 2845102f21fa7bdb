"""Queues by label set, ages, and values that GitHub may add."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.github.model import Conclusion, Job, JobStatus, by_label_set, utc

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LABELS = st.lists(st.sampled_from(["self-hosted", "Deploy", "deploy", "gpu"]), max_size=3).map(tuple)
JOBS = st.builds(
    Job,
    id=st.integers(1, 10**9),
    run_id=st.just(1),
    name=st.just("job"),
    status=st.sampled_from(JobStatus),
    conclusion=st.none(),
    labels=LABELS,
    created=st.integers(0, 10**6).map(lambda seconds: NOW - timedelta(seconds=seconds)),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(JOBS, max_size=12, unique_by=lambda job: job.id))
def test_queues(jobs: list[Job]) -> None:
    """Each queued job in exactly one queue, that of its labels in any case and order; the oldest is the first."""
    queues = by_label_set(jobs)
    assert len({queue.labels for queue in queues}) == len(queues)
    assert sorted(job.id for queue in queues for job in queue.jobs) == sorted(job.id for job in jobs if job.queued)
    for queue in queues:
        assert {job.label_set for job in queue.jobs} == {queue.labels}
        assert queue.oldest(NOW) == NOW - queue.jobs[0].created


def test_what_github_adds_is_no_error() -> None:
    """A status or conclusion that nobody knew is OTHER."""
    assert JobStatus("paused") is JobStatus.OTHER
    assert Conclusion("melted") is Conclusion.OTHER


def test_times_are_utc() -> None:
    """In each of the forms that GitHub writes."""
    for text in ("2026-01-02T00:00:00Z", "2026-01-02T01:00:00.000+01:00", "2026-01-02T00:00:00"):
        assert utc(text) == NOW
        assert utc(text).tzinfo is UTC
