"""Runs of GitHub Actions as a source, against the stand-in that is held to what GitHub publishes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pointsman.errors import UsageError
from pointsman.github import connect
from pointsman.github.model import Conclusion, JobStatus
from pointsman.runs.github import GitHubSource
from pointsman.runs.github_rows import state_of
from pointsman.runs.model import RunState
from pointsman.runs.source import Page, RunSource, SourceDown
from pointsman.spec.github_runs import GitHubRuns
from pointsman.spec.secrets import Token
from tests.standins.github_server.serving import Standin
from tests.standins.github_server.world import Job, Run, Workflow
from tests.unit.github.world import TOKEN, StoppedClock

DEPLOY = Workflow(".github/workflows/deploy.yml", "Deploy", (("build", ("x",), "true"), ("push", ("x",), "true")))


@dataclass
class Hub:
    """A GitHub with a repository, and a source that looks whenever it is asked to."""

    standin: Standin
    token: Path
    now: float = 0.0

    def source(self, **more: Any) -> GitHubSource:
        """A new one, whose clock stands until it is moved."""
        settings = GitHubRuns(
            repository="acme/app",
            token=Token(file=str(self.token)),
            server=self.standin.url,
            **{"interval": "10s", **more},
        )
        clock = StoppedClock().clock
        return GitHubSource(settings, lambda scope, token: connect(scope, token, clock=clock, keeps=True), self.steady)

    def steady(self) -> float:
        """Seconds."""
        return self.now

    def later(self, seconds: float = 11.0) -> None:
        """Moves the clock, past the interval if nothing else is said."""
        self.now += seconds

    def start(self) -> Run:
        """A run of two jobs, queued."""
        return self.standin.app.world.start("acme/app", DEPLOY, "push")

    def jobs(self, run: Run) -> list[Job]:
        """Its jobs, in their order."""
        return self.standin.app.world.jobs_of(run)

    def finish(self, run: Run, *conclusions: str) -> None:
        """Ends its jobs, each with its conclusion."""
        for job, conclusion in zip(self.jobs(run), conclusions, strict=True):
            self.standin.app.world.finish(job, conclusion)

    def asked(self) -> list[tuple[str, int]]:
        """What was asked since the last call: the path's end, the status."""
        found = [
            (each["path"].removeprefix("/repos/acme/app/actions/"), each["status"])
            for each in self.standin.app.requests
        ]
        self.standin.app.requests.clear()
        return found


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """One, whose answers are all as published."""
    token = tmp_path / "token"
    token.write_text(TOKEN.reveal())
    token.chmod(0o600)
    with Standin(tokens=[TOKEN.reveal()]) as running:
        yield Hub(running, token)
        assert running.app.violations == []


def test_it_is_a_source(hub: Hub) -> None:
    """mypy holds it to the protocol here; who answers is proved, and no token is in it."""
    source: RunSource = hub.source()
    who = source.identity()
    assert (who.kind, who.database, who.place) == ("github", "acme/app", f"{hub.standin.url}/acme/app")
    source.close()


def test_a_run_is_followed_from_queue_to_end(hub: Hub) -> None:
    """Each change is told once, with the jobs as steps; between looks nothing is asked."""
    run, source = hub.start(), hub.source()
    first = source.changes("")
    assert [(each.id, each.state, each.kind, each.total_steps) for each in first.runs] == [
        (str(run.id), RunState.QUEUED, "deploy", 2)
    ]
    hub.asked()
    assert source.changes(first.cursor).runs == ()
    assert hub.asked() == []
    hub.standin.app.world.finish(hub.jobs(run)[0], "success")
    hub.later()
    (running,) = (second := source.changes(first.cursor)).runs
    assert (running.state, running.done_steps, running.source) == (RunState.RUNNING, 1, "github")
    hub.standin.app.world.finish(hub.jobs(run)[1], "failure")
    hub.later()
    (ended,) = (third := source.changes(second.cursor)).runs
    assert (ended.state, ended.done_steps, ended.failed_steps) == (RunState.FAILED, 1, 1)
    assert ended.error == "failure: push"
    assert ended.finished_at is not None
    assert [(step.name, step.state, step.kind) for step in source.steps(ended.id)] == [
        ("build", RunState.COMPLETED, "job"),
        ("push", RunState.FAILED, "job"),
    ]
    hub.later()
    assert source.changes(third.cursor) == type(third)((), third.cursor)


def test_what_is_the_same_costs_nothing(hub: Hub) -> None:
    """A look at what did not change gets 304 alone, which GitHub does not count."""
    hub.start()
    source = hub.source()
    cursor = source.changes("").cursor
    for _ in range(2):
        hub.later()
        hub.asked()
        cursor = source.changes(cursor).cursor
        assert {status for _, status in hub.asked()} <= {200, 304}
    hub.later()
    source.changes(cursor)
    assert {status for _, status in hub.asked()} == {304}


def test_a_run_again_is_another_attempt(hub: Hub) -> None:
    """GitHub keeps the id and counts the attempt, which begins when its own jobs were made."""
    run, source = hub.start(), hub.source()
    hub.finish(run, "success", "failure")
    cursor = source.changes("").cursor
    hub.standin.app.world.rerun(run, failed_only=True)
    hub.later()
    (again,) = source.changes(cursor).runs
    assert (again.attempt, again.state, again.done_steps, again.total_steps) == (2, RunState.RUNNING, 1, 2)
    assert again.started_at is None


def test_nothing_is_lost_with_a_cursor_that_was_not_kept(hub: Hub) -> None:
    """Whoever comes back with the cursor before is given the same again, and so is a process of after a crash."""
    run, source = hub.start(), hub.source()
    first = source.changes("")
    hub.finish(run, "success", "success")
    hub.later()
    told = source.changes(first.cursor)
    assert [each.state for each in told.runs] == [RunState.COMPLETED]
    assert source.changes(first.cursor).runs == told.runs
    assert hub.source().changes(first.cursor).runs == told.runs


def test_more_than_the_limit_comes_in_parts(hub: Hub) -> None:
    """Oldest change first, each once, without asking again."""
    ids = {str(hub.start().id) for _ in range(5)}
    source, cursor, found, more = hub.source(), "", [], True
    while more:
        part = source.changes(cursor, limit=2)
        found += [run.id for run in part.runs]
        cursor, more = part.cursor, part.more
    assert len(found) == 5
    assert set(found) == ids


def test_a_run_that_was_under_way_is_found_however_many_came_after(hub: Hub) -> None:
    """One page does not hold it any more: it is asked for by its id."""
    old, source = hub.start(), hub.source()
    cursor = source.changes("").cursor
    for _ in range(101):
        hub.start()
    hub.finish(old, "success", "success")
    hub.later()
    changed = {run.id: run.state for run in source.changes(cursor).runs}
    assert changed[str(old.id)] is RunState.COMPLETED


def test_a_deleted_run_is_not_there(hub: Hub) -> None:
    """Nor is what was never a run."""
    run, source = hub.start(), hub.source()
    cursor = source.changes("").cursor
    assert source.there([str(run.id), "no-number", "12"]) == {str(run.id)}
    del hub.standin.app.world.runs[run.id]
    hub.later()
    assert source.changes(cursor).runs == ()
    assert source.there([str(run.id)]) == frozenset()
    assert source.run(str(run.id)) is None
    assert source.steps(str(run.id)) == ()


def test_old_ends_are_not_told(hub: Hub) -> None:
    """A first look begins with what is under way and what ended within the hour."""
    old, new, active = hub.start(), hub.start(), hub.start()
    hub.finish(old, "success", "success")
    hub.finish(new, "success", "success")
    past = datetime.now(UTC) - timedelta(hours=3)
    old.updated = past
    for job in hub.jobs(old):
        job.created = job.started = job.completed = past
    source = hub.source()
    hub.asked()
    first = source.changes("")
    assert {run.id for run in first.runs} == {str(new.id), str(active.id)}
    hub.later()
    assert source.changes(first.cursor).runs == ()
    assert not any(str(old.id) in path for path, _ in hub.asked())


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [({"kind": "status", "status": 502}, 11.0), ({"kind": "limit", "status": 403, "reset_in": 600}, 605.0)],
    ids=["broken", "rate limit"],
)
def test_while_github_does_not_answer_the_source_is_down(hub: Hub, fault: dict[str, Any], seconds: float) -> None:
    """It says so until a look succeeds, and asks no sooner than GitHub allows."""
    source = hub.source()
    hub.start()
    hub.standin.app.faults.add(fault)
    for _ in range(2):
        with pytest.raises(SourceDown):
            source.changes("")
    hub.asked()
    hub.later(seconds - 10)
    with pytest.raises(SourceDown):
        source.changes("")
    assert hub.asked() == []
    hub.standin.app.faults.set.clear()
    hub.later(seconds)
    assert len(source.changes("").runs) == 1


def test_a_wrong_token_is_the_user_s_mistake_at_start_and_a_source_that_is_down_later(hub: Hub) -> None:
    """A new token in the file is taken without a restart."""
    source = hub.source()
    cursor = source.changes("").cursor
    hub.token.write_text("ghp_" + "anotherToken0" * 3)
    with pytest.raises(UsageError, match="does not accept the token"):
        source.identity()
    hub.later()
    with pytest.raises(SourceDown, match="does not accept the token"):
        source.changes(cursor)
    hub.token.write_text(TOKEN.reveal())
    hub.later()
    assert source.changes(cursor).runs == ()


def test_the_list_for_people(hub: Hub) -> None:
    """Newest change first, by state and kind, a page at a time."""
    runs = [hub.start() for _ in range(3)]
    hub.finish(runs[0], "success", "cancelled")
    source = hub.source()
    source.changes("")
    whole = [run.id for run in source.runs(Page())]
    assert sorted(whole) == sorted(str(run.id) for run in runs)
    assert [run.id for run in source.runs(Page(limit=1, before=whole[0]))] == whole[1:2]
    assert [run.id for run in source.runs(Page(states=frozenset({RunState.CANCELLED})))] == [str(runs[0].id)]
    assert source.runs(Page(kind="other")) == []


@pytest.mark.parametrize(
    ("status", "conclusion", "state"),
    [
        ("waiting", None, RunState.WAITING_FOR_APPROVAL),
        ("completed", "action_required", RunState.WAITING_FOR_APPROVAL),
        ("requested", None, RunState.QUEUED),
        ("something new", None, RunState.RUNNING),
        ("completed", "skipped", RunState.COMPLETED),
        ("completed", "timed_out", RunState.FAILED),
        ("completed", "something new", RunState.FAILED),
        ("completed", "stale", RunState.CANCELLED),
    ],
)
def test_github_s_words(status: str, conclusion: str | None, state: RunState) -> None:
    """What GitHub says comes to one of our states, whatever it says."""
    assert state_of(JobStatus(status), Conclusion(conclusion) if conclusion else None) is state


def test_it_waits_for_the_next_look(hub: Hub) -> None:
    """A wait that ends before a look is due says so."""
    source: Callable[[], GitHubSource] = hub.source
    looking = source()
    assert looking.wait(0.01)
    looking.changes("")
    assert not looking.wait(0.01)
