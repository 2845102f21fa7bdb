"""What a program registers for a host, and what it gets back."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from pointsman.resources.hosts import HostPlay, RunnerRegistration
from pointsman.resources.provider.host_play import HostPlayKind
from pointsman.resources.provider.kinds import Change
from pointsman.resources.provider.runner_registration import RunnerRegistrationKind
from tests.unit.resources.hosts import FakeMachines, FakePlays


class Recording(mocks.Mocks):
    """An engine that makes everything at once, and keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked: dict[str, dict[str, Any]] = {}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """Made."""
        self.asked[args.typ] = args.inputs
        return "id", {**args.inputs, "machineId": "m1", "changed": [], "runnerId": 7}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        """Nothing is called."""
        return {}, None


@pytest.fixture
def engine() -> Recording:
    """One for each test."""
    recording = Recording()
    mocks.set_mocks(recording, "pointsman", "dev")
    return recording


@pulumi.runtime.test  # type: ignore[untyped-decorator]
def test_a_host_with_its_runner(engine: Recording) -> Any:
    """The provider takes what the program sends: nothing is missing for a check or a diff, and nothing differs from
    itself. The registration gets the machine that was played on, so that it comes after the play."""
    play = HostPlay("p", environment="dev", host="runner-1", tree="t", variables={"a": 1}, machine="c1")
    registration = RunnerRegistration(
        "r",
        environment="dev",
        host="runner-1",
        variables={"a": 1},
        url="https://github.com/acme/app",
        token={"file": "/etc/pointsman/token"},
        runner="one",
        labels=["deploy"],
        routing_label="deploy-active",
        mode="persistent",
        drain_seconds=60,
        installed=play.installed,
        machine="c1",
    )

    def compare(found: list[Any]) -> None:
        assert found == ["m1", 7]
        asked = engine.asked["pointsman:index:HostPlay"]
        kind = HostPlayKind(FakeMachines(), FakePlays())
        assert kind.check(asked) == []
        assert kind.diff(asked, {**asked, "machineId": "m1"}, asked) == Change()
        asked = engine.asked["pointsman:index:RunnerRegistration"]
        assert asked["installed"] == "m1"
        registered = RunnerRegistrationKind(FakeMachines(), FakePlays())
        assert registered.check(asked) == []
        assert registered.diff(asked, {**asked, "machineId": "m1", "runnerId": 7}, asked) == Change()

    return pulumi.Output.all(play.installed, registration.runner_id).apply(compare)
