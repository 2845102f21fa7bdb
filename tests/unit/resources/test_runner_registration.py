"""Registering a runner, step by step, with a real HTTP GitHub (the stand-in) and hosts that stand still."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pointsman import github
from pointsman.errors import PointsmanError
from pointsman.github import Patience
from pointsman.github.errors import BadToken, GitHubDown, GitHubError, MissingPermission, NotFound, RateLimited
from pointsman.plays import Cause, Play
from pointsman.resources.provider import registering
from pointsman.resources.provider.kinds import Cancelled, Change, Props
from pointsman.resources.provider.machines import Configured
from pointsman.resources.provider.runner_registration import RunnerRegistrationKind
from tests.standins.github_server.access import Grant
from tests.standins.github_server.serving import Standin
from tests.unit.github.world import TOKEN, StoppedClock, scope_of
from tests.unit.resources import hosts
from tests.unit.resources.hosts import FakeMachines, FakePlays, Silent

REPOSITORY = "acme/app"
ROUTING = "deploy-active"


@dataclasses.dataclass
class World:
    """GitHub, a host, its plays, and the kind that brings them together."""

    standin: Standin
    machines: FakeMachines = dataclasses.field(default_factory=FakeMachines)
    plays: FakePlays = dataclasses.field(default_factory=FakePlays)
    operation: Silent = dataclasses.field(default_factory=Silent)
    clock: StoppedClock = dataclasses.field(default_factory=StoppedClock)
    token: github.Secret = TOKEN

    def __post_init__(self) -> None:
        self.plays.does = self.register

    @property
    def kind(self) -> RunnerRegistrationKind:
        """The kind under test, new each time as in a new run."""
        return RunnerRegistrationKind(self.machines, self.plays, self.connect)

    def connect(self, inputs: Props) -> AbstractContextManager[github.GitHub]:
        """A client that waits in no time."""
        return github.connect(
            scope_of(self.standin, REPOSITORY), self.token, clock=self.clock.clock, patience=Patience(tries=2)
        )

    def register(self, play: Play) -> None:
        """What the play does: config.sh with a token, then the service."""
        assert play.secrets[registering.TOKEN]
        if self.machines.runner is not None:
            return
        labels = tuple(play.variables["runner_labels"])
        runner = self.enlist(play.variables["pointsman_runner_name"], *labels)
        self.machines.runner = Configured(runner.id, runner.name, self.url)

    def enlist(self, name: str, *labels: str) -> Any:
        """A runner that GitHub sees online."""
        runner = self.standin.app.world.enlist(REPOSITORY, name, labels or ("deploy",), version="2.336.0")
        runner.shown = "online"
        return runner

    @property
    def url(self) -> str:
        """What it is registered at."""
        return f"{self.standin.url}/{REPOSITORY}"

    def inputs(self, **changed: Any) -> dict[str, Any]:
        """Of the registration of one host."""
        play = hosts.inputs()
        variables = {
            "runner_labels": ["deploy", "linux-x64"],
            "pointsman_runner_name": "one",
            "pointsman_github_url": self.url,
        }
        return {
            "environment": play["environment"],
            "host": play["host"],
            "variables": variables,
            "url": self.url,
            "apiUrl": "",
            "token": {"file": "/nonexistent"},
            "name": "one",
            "labels": ["deploy", "linux-x64"],
            "routingLabel": "",
            "mode": "persistent",
            "drainSeconds": 60,
            "machine": "",
            "installed": "m1",
            **changed,
        }

    def created(self, **changed: Any) -> dict[str, Any]:
        """The state of a registration that was just made."""
        inputs = self.inputs(**changed)
        _, added = self.kind.create(inputs, self.operation)
        return {**inputs, **added}

    def labels(self, name: str = "one") -> list[str]:
        """The custom labels of a runner."""
        with self.connect({}) as client:
            runner = client.runners.named(name)
        assert runner is not None
        return sorted(each.name for each in runner.labels if each.custom)

    @property
    def known(self) -> list[str]:
        """The names that GitHub knows."""
        return [runner.name for runner in self.standin.app.world.of(REPOSITORY)]

    def fault(self, **fault: Any) -> None:
        """GitHub has trouble."""
        self.standin.app.faults.add(fault)

    def is_well(self) -> None:
        """It has none any more."""
        self.standin.app.faults.set.clear()


@pytest.fixture
def world() -> Iterator[World]:
    """A GitHub that knows acme/app; no request may break its published description."""
    with Standin(tokens=[TOKEN.reveal()]) as running:
        yield World(running)
        assert running.app.violations == []


def test_a_fresh_host(world: World) -> None:
    """A registration token goes to the play as a secret, and the runner is waited for until it is online."""
    state = world.created()
    assert (world.plays.names, world.known, world.labels()) == (["register"], ["one"], ["deploy", "linux-x64"])
    assert (state["runnerId"], state["machineId"]) == (world.machines.runner and world.machines.runner.id, "m1")
    secret = world.plays.played[0].secrets[registering.TOKEN]
    assert secret not in repr((state, world.operation.told, world.plays.played))


def test_a_run_that_was_killed_goes_on(world: World) -> None:
    """A host that is this registration already is taken over: the same runner, no second one."""
    first = world.created()
    assert world.created()["runnerId"] == first["runnerId"]
    assert world.known == ["one"]


def test_the_routing_label_is_given_once(world: World) -> None:
    """To the first who comes; who has it later is never looked at: no change of labels and no refresh moves it."""
    state = world.created(routingLabel=ROUTING)
    assert world.labels() == ["deploy", ROUTING, "linux-x64"]
    wanted = world.inputs(routingLabel=ROUTING, labels=["other"])
    added = world.kind.update(state, wanted, world.operation)
    assert world.labels() == [ROUTING, "other"]
    # The fleet controller moves it.
    with world.connect({}) as client:
        client.runners.remove_label(state["runnerId"], ROUTING)
    state = {**wanted, **added}
    read = world.kind.read(state, world.operation)
    assert read is not None
    assert world.kind.diff(wanted, {**state, **read}, wanted) == Change()
    world.kind.update(state, world.inputs(routingLabel=ROUTING, labels=["third"]), world.operation)
    assert world.labels() == ["third"]


def test_the_routing_label_is_not_taken_from_another(world: World) -> None:
    """A primary that is registered anew while the secondary serves leaves it there."""
    world.enlist("two", ROUTING)
    world.created(routingLabel=ROUTING)
    assert world.labels() == ["deploy", "linux-x64"]


def test_a_name_that_is_taken(world: World) -> None:
    """Another runner of that name is left alone; the message names it, and what to do."""
    other = world.enlist("one")
    with pytest.raises(PointsmanError) as failed:
        world.created()
    assert f"the name one is taken at {world.url} by a runner (id {other.id}, online)" in str(failed.value)
    assert "runner_name in the inventory" in failed.value.remedy
    assert world.plays.played == []


@pytest.mark.parametrize("at", ["here", "elsewhere"])
def test_a_host_that_is_another_runner_already(world: World, at: str) -> None:
    """It is not taken over; the message says what it is."""
    other = world.enlist("other")
    url = world.url if at == "here" else "https://github.com/acme/old"
    world.machines.runner = Configured(other.id, "other", url)
    with pytest.raises(PointsmanError, match=f"is configured already, as runner other of {url}"):
        world.created()
    assert world.plays.played == []


def test_a_registration_that_github_has_forgotten(world: World) -> None:
    """Removed after two weeks offline, or after an ephemeral runner's job: the refresh finds it gone, and the next `up`
    registers the host anew, which first forgets."""
    state = world.created(mode="ephemeral")
    with world.connect({}) as client:
        client.runners.remove(state["runnerId"])
    assert world.kind.read(state, world.operation) is None
    again = world.created(mode="ephemeral")
    assert again["runnerId"] != state["runnerId"]
    assert world.machines.forgotten == 1


def test_a_host_that_was_made_anew(world: World) -> None:
    """Its registration of before is taken off GitHub, although its name is the same."""
    state = world.created()
    world.machines.id, world.machines.runner = "m2", None
    read = world.kind.read(state, world.operation)
    assert read is not None
    assert read["machineId"] == ""
    wanted = world.inputs(installed="m2")
    assert world.kind.diff(world.inputs(), {**state, **read}, wanted) == Change(("machineId",))
    added = world.kind.update({**state, **read}, wanted, world.operation)
    assert added["runnerId"] != state["runnerId"]
    assert (world.known, added["machineId"]) == (["one"], "m2")


def test_labels_are_changed_while_the_host_is_down(world: World) -> None:
    """GitHub is asked alone."""
    state = world.created()
    world.machines.is_dead = True
    added = world.kind.update(state, world.inputs(labels=["new"]), world.operation)
    assert (added["runnerId"], world.labels()) == (state["runnerId"], ["new"])


def test_labels_that_somebody_changed_are_drift(world: World) -> None:
    """A refresh sees it; another case or order is the same."""
    state = world.created()
    kept = world.kind.read(state, world.operation)
    assert kept == {"labels": ["deploy", "linux-x64"], "machineId": "m1"}
    with world.connect({}) as client:
        client.runners.set_labels(state["runnerId"], ["LINUX-x64", "Deploy", "mine"])
    read = world.kind.read(state, world.operation)
    assert read is not None
    changed = world.kind.diff(world.inputs(), {**state, **read}, world.inputs())
    assert changed == Change(("labels",))


@pytest.mark.parametrize("key", ["environment", "host", "url", "name", "mode"])
def test_another_registration(world: World, key: str) -> None:
    """The old one goes first: a host has one, and so has a name."""
    changed = world.kind.diff(world.inputs(), {**world.inputs(), "machineId": "m1"}, world.inputs(**{key: "x"}))
    assert changed == Change((key,), replace=True, delete_first=True)


def test_a_preview_does_not_cry_wolf(world: World) -> None:
    """What a play will find is unknown in a preview, and is no change by itself; nor are the ways to GitHub."""
    state = {**world.inputs(), "machineId": "m1", "runnerId": 1}
    wanted = world.inputs(apiUrl="http://localhost:1", token={"environment": "X"}, drainSeconds=1, variables={})
    del wanted["installed"]
    assert world.kind.diff(world.inputs(), state, wanted) == Change()


def test_a_runner_that_never_comes_online(world: World) -> None:
    """What GitHub says is told after a minute, with where to look."""
    world.plays.does = lambda play: None
    world.enlist("one").shown = "offline"
    runner = world.standin.app.world.of(REPOSITORY)[0]
    world.machines.runner = Configured(runner.id, "one", world.url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registering, "ONLINE_SECONDS", -1.0)
        with pytest.raises(PointsmanError, match="GitHub says offline after") as failed:
            world.created()
    assert "journalctl -u actions-runner" in failed.value.remedy


def test_removing_waits_for_the_job(world: World) -> None:
    """Labels go first, so that no new job comes; then the job's end; then the host forgets, and GitHub."""
    state = world.created()
    runner = world.standin.app.world.of(REPOSITORY)[0]
    runner.busy_shown = True
    seen: list[list[str]] = []

    def job_ends() -> None:
        seen.append(world.labels())
        runner.busy_shown = False

    world.operation.meanwhile = job_ends
    world.kind.delete(state, world.operation)
    assert (seen, world.known, world.machines.forgotten) == ([[]], [], 1)
    assert "waits for its job, 60 s at most" in world.operation.told[-2]
    assert world.operation.warned == []


def test_removing_is_bounded(world: World) -> None:
    """A job that does not end is cut off, and said to be."""
    state = world.created(drainSeconds=0)
    world.standin.app.world.of(REPOSITORY)[0].busy_shown = True
    world.operation.meanwhile = lambda: None
    world.kind.delete(state, world.operation)
    assert "its job still ran after 0 s and is cut off" in world.operation.warned[0]


def test_a_dead_host_and_a_forgotten_runner_can_be_removed(world: World) -> None:
    """Nothing that is gone already is a failure; a wrong token is."""
    state = world.created()
    world.machines.is_dead = True
    world.kind.delete(state, world.operation)
    assert (world.known, len(world.operation.warned)) == ([], 1)
    assert "its files stay on the host" in world.operation.warned[0]
    world.kind.delete(state, world.operation)
    world.kind.delete({**state, "machine": "c1"}, world.operation)


def test_nothing_is_done_in_a_container_that_goes(world: World) -> None:
    """GitHub is told, the container is left alone."""
    state = {**world.created(), "machine": "c1"}
    world.kind.delete(state, world.operation)
    assert (world.known, world.machines.forgotten) == ([], 0)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "down", "times": 0}, GitHubDown),
        ({"kind": "status", "status": 503, "times": 0}, GitHubDown),
        ({"kind": "limit", "status": 429, "reset_in": 3600, "times": 0}, RateLimited),
    ],
)
def test_github_in_trouble(world: World, fault: dict[str, Any], error: type[GitHubError]) -> None:
    """A refresh keeps what was known and says so; making and removing fail with GitHub's trouble, and a repetition
    when it is over converges."""
    state = world.created()
    world.fault(**fault)
    assert world.kind.read(state, world.operation) == {}
    assert "runner one is taken to be as it was" in world.operation.warned[0]
    with pytest.raises(error) as failed:
        world.kind.delete(state, world.operation)
    assert failed.value.remedy
    world.is_well()
    world.kind.delete(state, world.operation)
    assert world.known == []


def test_github_goes_down_in_the_middle(world: World) -> None:
    """After the play, before it is seen online: what was done stays, and the same command goes on from there."""

    def then_down(play: Play) -> None:
        world.register(play)
        world.fault(kind="down", times=0)

    world.plays.does = then_down
    with pytest.raises(GitHubDown):
        world.created()
    world.is_well()
    world.plays.does = world.register
    assert world.created()["runnerId"] == world.standin.app.world.of(REPOSITORY)[0].id
    assert world.known == ["one"]


def test_tokens_that_are_not_good_enough(world: World) -> None:
    """Unknown, without the right, for another repository, expired: each is told before the host is touched."""
    world.token = github.Secret("ghp_" + "another" * 6, "test")
    with pytest.raises(BadToken, match="token"):
        world.created()
    grants: list[tuple[Grant, type[GitHubError]]] = [
        (Grant(rights={"administration": "read"}), MissingPermission),
        (Grant(holders=frozenset({"acme/other"})), NotFound),
        (Grant(expires=datetime.now(UTC) - timedelta(minutes=1)), BadToken),
    ]
    for grant, error in grants:
        world.standin.app.access.grants[world.token.reveal()] = grant
        with pytest.raises(error) as failed:
            world.created()
        assert failed.value.remedy
        assert world.token.reveal() not in str(failed.value)
    assert world.plays.played == []


def test_a_failed_play_and_a_cancel(world: World) -> None:
    """The play's message comes as it is; Ctrl-C ends a wait for a job, and the runner stays for the next try."""
    world.plays.error = hosts.failed(Cause.CHECKSUM)
    with pytest.raises(PointsmanError, match="task “Write”"):
        world.created()
    world.plays.error = None
    state = world.created()
    world.standin.app.world.of(REPOSITORY)[0].busy_shown = True
    world.operation.meanwhile = world.operation.cancel
    with pytest.raises(Cancelled):
        world.kind.delete(state, world.operation)
    assert world.known == ["one"]


@pytest.mark.parametrize("token", [{}, {"file": "a", "environment": "b"}, {"value": "x"}, {"file": ""}])
def test_a_token_is_named_in_one_way(world: World, token: dict[str, str]) -> None:
    """By file or by environment, never by itself."""
    assert [failure.key for failure in world.kind.check(world.inputs(token=token))] == ["token"]
    assert world.kind.check(world.inputs()) == []
    assert world.kind.check({}) == []


def test_all_runners_are_read_at_once(world: World) -> None:
    """A refresh of many hosts lists GitHub's runners one time."""
    state = world.created()
    kind = world.kind
    before = len(world.standin.app.requests)
    for _ in range(10):
        kind.read(state, world.operation)
    assert len(world.standin.app.requests) - before == 1
