"""Each operation of the port against the stand-in, which holds requests and answers to the published description."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta

import pytest
from nacl.public import PrivateKey, SealedBox

from pointsman.errors import UsageError
from pointsman.github import GitHub, GitHubClient, Secret, connect
from pointsman.github.errors import Conflict, NameTaken, NotFound, Refused, RunnerBusy
from pointsman.github.model import Conclusion, JobStatus, by_label_set
from tests.standins.github_server.serving import Standin
from tests.standins.github_server.world import Session, Workflow
from tests.unit.github.world import TOKEN, scope_of

TWO_JOBS = Workflow(".github/workflows/deploy.yml", "deploy", (("one", ("x",), "true"), ("two", ("y", "x"), "true")))


def test_the_adapter_is_the_port(github: GitHubClient) -> None:
    """mypy holds the client to the protocol here; its `repr` shows no token."""
    port: GitHub = github
    assert port.scope.url.endswith("/acme/app")
    assert TOKEN.reveal() not in f"{github!r}{github.__dict__}"


@pytest.mark.parametrize("count", [0, 1, 100, 201])
def test_all_pages(count: int, standin: Standin, github: GitHubClient) -> None:
    """Every runner once, with as many requests as there are pages."""
    for number in range(count):
        standin.app.world.enlist("acme/app", f"runner-{number}", ["deploy"], version="2.336.0")
    assert [runner.name for runner in github.runners.all()] == [f"runner-{number}" for number in range(count)]
    assert len(standin.app.requests) == max(1, -(-count // 100))


def test_a_runner_as_github_tells_it(at_level: GitHubClient, standin: Standin) -> None:
    """State, version and labels; names match exactly though GitHub's filter ignores case."""
    world, holder = standin.app.world, str(at_level.scope)
    made = world.enlist(holder, "one", ["Deploy"], version="2.336.0")
    world.enlist(holder, "never-connected", [])
    made.session, made.busy_shown = Session("s", "host", float("inf")), True
    runner = at_level.runners.one(made.id)
    assert runner == at_level.runners.named("one")
    assert (runner.online, runner.busy, runner.version, runner.os) == (True, True, "2.336.0", "linux")
    assert runner.takes(["self-hosted", "DEPLOY"])
    assert not runner.takes(["deploy", "gpu"])
    assert [label.custom for label in runner.labels] == [False, False, False, True]
    assert at_level.runners.named("ONE") is None
    other = at_level.runners.named("never-connected")
    assert other is not None
    assert (other.online, other.version) == (False, None)


def test_tokens_for_the_runner_program(at_level: GitHubClient, standin: Standin) -> None:
    """Registration and remove tokens are good for an hour and print without their value."""
    for token in (at_level.runners.registration_token(), at_level.runners.remove_token()):
        assert timedelta(minutes=59) < token.left(datetime.now(UTC)) <= timedelta(hours=1)
        assert token.value.reveal() in standin.app.world.tokens
        assert token.value.reveal() not in f"{token} {token!r}"
        assert token.left(token.expires + timedelta(days=1)) == timedelta()


def test_a_runner_made_in_advance(at_level: GitHubClient) -> None:
    """It has exactly the labels that it was given, is for one job, and its name is taken then."""
    made = at_level.runners.jit("jit", ["deploy-active"])
    assert made.runner.label_names == {"deploy-active"}
    assert made.runner.ephemeral
    assert made.config.reveal() not in repr(made)
    with pytest.raises(NameTaken) as caught:
        at_level.runners.jit("jit", ["deploy-active"])
    assert "remove it at" in caught.value.remedy


def test_labels(at_level: GitHubClient, standin: Standin) -> None:
    """Added, set and taken off; what is not there is off already; one that GitHub gave stays."""
    made = standin.app.world.enlist(str(at_level.scope), "one", ["a"])
    runners = at_level.runners

    def custom() -> list[str]:
        return [label.name for label in runners.labels(made.id) if label.custom]

    runners.add_labels(made.id, ["deploy active/1", "A"])
    assert custom() == ["a", "deploy active/1"]
    runners.remove_label(made.id, "deploy active/1")
    runners.remove_label(made.id, "deploy active/1")
    assert custom() == ["a"]
    runners.set_labels(made.id, ["b"])
    assert custom() == ["b"]
    runners.set_labels(made.id, [])
    assert custom() == []
    with pytest.raises(Refused, match="422"):
        runners.remove_label(made.id, "self-hosted")
    with pytest.raises(NotFound):
        runners.remove_label(1, "b")


def test_removing_a_runner(at_level: GitHubClient, standin: Standin) -> None:
    """Gone at once, gone already is no fault, and one that works stays."""
    world, holder = standin.app.world, str(at_level.scope)
    made = world.enlist(holder, "one", ["deploy"])
    assert at_level.runners.remove(made.id)
    assert not at_level.runners.remove(made.id)
    busy = world.enlist(holder, "busy", ["deploy"])
    busy.session = Session("s", "host", float("inf"))
    world.start("acme/app", Workflow("w", "w", (("job", ("deploy",), "true"),)), "push")
    assert world.take(busy) is not None
    with pytest.raises(RunnerBusy, match="it runs a job"):
        at_level.runners.remove(busy.id)


def test_a_runner_of_a_wrong_repository_is_not_gone(standin: Standin) -> None:
    """404 for the repository must not read as "removed already"."""
    with connect(scope_of(standin, "acme/other"), TOKEN) as github:
        for ask in (lambda: github.runners.remove(1), lambda: github.secrets.one("X"), github.runners.all):
            with pytest.raises(NotFound, match="the token may not see it") as caught:
                ask()
            assert "/acme/other is spelled right" in caught.value.remedy


def test_groups(at_level: GitHubClient) -> None:
    """There is always the default one."""
    (group,) = at_level.runners.groups()
    assert (group.id, group.default) == (1, True)


def test_a_secret_reaches_github_sealed(standin: Standin, at_level: GitHubClient) -> None:
    """Only the holder of the private key reads it; its age is that of its last value."""
    key, world = PrivateKey.generate(), standin.app.world
    world.public_key = b64encode(bytes(key.public_key)).decode()
    assert at_level.secrets.one("API_KEY") is None
    assert at_level.secrets.put("API_KEY", Secret("käse"))
    world.secrets[str(at_level.scope)]["API_KEY"].updated -= timedelta(days=90)
    (info,) = at_level.secrets.all()
    assert info.age(datetime.now(UTC)) > timedelta(days=89)
    assert not at_level.secrets.put("API_KEY", Secret("new"))
    sealed = world.secrets[str(at_level.scope)]["API_KEY"].sealed
    assert SealedBox(key).decrypt(b64decode(sealed)) == b"new"
    assert at_level.secrets.remove("API_KEY")
    assert not at_level.secrets.remove("API_KEY")


def test_queued_jobs_by_label_set(standin: Standin, github: GitHubClient) -> None:
    """What waits, oldest first, in a queue for each set of labels; what runs or is over is in none."""
    world = standin.app.world
    world.workflows["acme/app"] = [TWO_JOBS]
    first, second = github.workflows().dispatch("deploy.yml", "main"), github.workflows().dispatch("deploy.yml", "main")
    assert first is not None
    assert second is not None
    assert github.workflows().run(first).status is JobStatus.QUEUED
    runner = world.enlist("acme/app", "one", ["x"])
    taken = world.take(runner)
    assert taken is not None
    world.jobs[world.jobs_of(world.runs[second])[0].id].created -= timedelta(minutes=5)
    queues = by_label_set(github.workflows().queued_jobs())
    assert [(set(queue.labels), len(queue.jobs)) for queue in queues] == [({"x"}, 1), ({"x", "y"}, 2)]
    assert queues[0].oldest(datetime.now(UTC)) > timedelta(minutes=4)
    job = github.workflows().job(taken.id)
    assert (job.status, job.runner_name, job.runner_id) == (JobStatus.IN_PROGRESS, "one", runner.id)
    assert all(job.runner_id is None and job.started is None for queue in queues for job in queue.jobs)


def test_cancel_and_rerun(standin: Standin, github: GitHubClient) -> None:
    """A cancelled run can't be cancelled again; its jobs run again as another attempt."""
    workflows = github.workflows()
    standin.app.world.workflows["acme/app"] = [TWO_JOBS]
    run_id = workflows.dispatch("deploy.yml", "main")
    assert run_id is not None
    with pytest.raises(Exception, match="already running"):
        workflows.rerun(run_id)
    workflows.cancel(run_id)
    assert workflows.run(run_id).conclusion is Conclusion.CANCELLED
    with pytest.raises(Conflict, match="contradicts"):
        workflows.cancel(run_id, force=True)
    workflows.rerun(run_id)
    assert [job.attempt for job in workflows.jobs(run_id)] == [2, 2]
    assert len(workflows.jobs(run_id, every_attempt=True)) == 4
    assert [run.id for run in workflows.runs(JobStatus.QUEUED)] == [run_id]
    assert workflows.runs(JobStatus.COMPLETED) == ()


def test_the_newest_runs_only(standin: Standin, github: GitHubClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as were asked for, newest first, over pages."""
    monkeypatch.setattr("pointsman.github.wire.PAGE", 2)
    runs = [standin.app.world.start("acme/app", TWO_JOBS, "push").id for _ in range(4)]
    assert [run.id for run in github.workflows().runs(limit=1)] == runs[:-2:-1]
    assert [run.id for run in github.workflows().runs(limit=3)] == runs[:0:-1]
    assert [run.id for run in github.workflows().runs(limit=9)] == runs[::-1]


def test_dispatch_of_what_is_not_there(standin: Standin, github: GitHubClient) -> None:
    """No workflow, and no such branch."""
    with pytest.raises(NotFound):
        github.workflows().dispatch("none.yml", "main")
    standin.app.world.workflows["acme/app"] = [TWO_JOBS]
    with pytest.raises(Refused, match="422") as caught:
        github.workflows().dispatch("deploy.yml", "nowhere", {"target": "staging"})
    assert "No ref found for: nowhere" in str(caught.value)


def test_runs_of_an_organisation_need_a_repository(standin: Standin) -> None:
    """Said before anything is asked; with one they are there."""
    with connect(scope_of(standin, "acme"), TOKEN) as github:
        with pytest.raises(UsageError, match="is an organisation"):
            github.workflows()
        assert github.workflows("acme/app").runs() == ()
        with pytest.raises(UsageError, match="names no repository"):
            github.issues("acme")


def test_issues(github: GitHubClient) -> None:
    """Opened, found by label, commented and closed."""
    issues = github.issues()
    made = issues.create("runner is offline", "since 10:00", ["pointsman"])
    issues.comment(made.number, "still")
    assert issues.all(["pointsman"]) == (made,)
    assert issues.all(["other"]) == ()
    assert not issues.close(made.number).open
    assert issues.all() == ()
    assert [issue.title for issue in issues.all(open_only=False)] == ["runner is offline"]
    assert issues.update(made.number, open=True).open
    changed = issues.update(made.number, body="since 11:00")
    assert (changed.open, changed.body) == (True, "since 11:00")


def test_rate_limits_cost_nothing(standin: Standin, github: GitHubClient) -> None:
    """What is left is told without using any of it."""
    github.runners.all()
    assert [github.rate_limits()["core"].left for _ in range(2)] == [4999, 4999]
    assert "actions_runner_registration" in github.rate_limits()
