"""Plain `verify` names the host that is in trouble, in time; what was broken goes back to work."""

from __future__ import annotations

import time

import pytest

from pointsman.checks import Check
from tests.deployed.estate import eventually
from tests.deployed.fleet import POLL_SECONDS, SECONDARY, Fleet

RED_SECONDS = 10.0
UNIT = "actions-runner.service"


def red_in_time(fleet: Fleet, seconds: float = RED_SECONDS) -> list[Check]:
    """The first red checks, from one look or from those that follow at once."""
    began = time.monotonic()
    while not (found := fleet.red()):
        assert time.monotonic() - began < seconds, "still green"
    print(f"red after {time.monotonic() - began:.1f} s")
    assert time.monotonic() - began < seconds + 1
    return found


@pytest.fixture(autouse=True)
def mended(fleet: Fleet) -> None:
    """All is well before a test."""
    eventually(lambda: not fleet.red(), seconds=60)


def test_a_runner_whose_service_is_stopped(fleet: Fleet) -> None:
    """GitHub may still call it online; its own exporter knows. `runner restore` brings it back."""
    fleet.shell(SECONDARY, f"systemctl stop {UNIT}")
    found = red_in_time(fleet)
    assert [(check.name, check.service) for check in found] == [(f"runner service of {SECONDARY}", SECONDARY)]
    assert found[0].remedy == f"pointsman runner restore {SECONDARY} --env {fleet.estate.name}"
    fleet.pointsman("runner", "restore", SECONDARY).good()
    fleet.online(SECONDARY)


@pytest.mark.parametrize("how", ["pause", "stop"])
def test_a_host_that_is_gone(fleet: Fleet, how: str) -> None:
    """It alone is named; what only follows from that is not red."""
    container = fleet.container(SECONDARY)
    getattr(container, how)()
    try:
        found = red_in_time(fleet)
        assert [(check.name, check.service) for check in found] == [(f"host {SECONDARY}", SECONDARY)]
        proof = fleet.prove(SECONDARY)
        assert [name for (_, name), check in proof.items() if check.remedy] == ["reach from here to SSH"]
    finally:
        container.unpause() if how == "pause" else container.start()
    fleet.online(SECONDARY)


def test_a_runner_that_github_does_not_know(fleet: Fleet) -> None:
    """Removed on GitHub's pages: red as soon as its exporter has asked again, and the next `up` registers it anew."""
    fleet.forget_runner(SECONDARY)
    found = red_in_time(fleet, RED_SECONDS + POLL_SECONDS)
    assert {check.service for check in found} == {SECONDARY}, found
    changes = fleet.estate.up()["changes"]
    assert changes.get("create", 0) + changes.get("update", 0) >= 1
    fleet.online(SECONDARY)
