"""The containers of an environment against its spec."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pointsman.checks import Outcome
from pointsman.verify.containers import containers
from tests.unit.verify.doubles import declared, running


def test_all_containers_as_planned_pass() -> None:
    """A healthy environment is green, one check a service."""
    environment = declared()
    checks = containers(environment, running(environment), lambda name: "", {})
    assert [check.outcome for check in checks] == [Outcome.PASS] * len(environment.estate.services)


JUST_NOW = object()


@pytest.mark.parametrize(
    ("changes", "seen", "remedy"),
    [
        ({"status": "paused"}, "paused", "docker unpause pointsman-test-loki"),
        ({"status": "exited", "exit_code": 137}, "exited, exit code 137", "pointsman up --env test"),
        ({"status": "restarting", "exit_code": 1}, "restarting, exit code 1", "pointsman up --env test"),
        ({"image": "sha256:other"}, "image other", "pointsman up --env test"),
        ({"fingerprint": "0" * 12}, "plan 000000000000", "pointsman up --env test"),
        (
            {"restarts": 4, "started": JUST_NOW},
            "restarted 4 times",
            "docker logs --tail 50 pointsman-test-loki",
        ),
    ],
)
def test_a_container_that_is_not_as_planned_is_red(changes: dict[str, Any], seen: str, remedy: str) -> None:
    """Whatever is wrong with one container is said of that one, with the command that helps."""
    environment = declared()
    found = running(environment)
    # The time of the test and not of its collection, which may lie minutes back.
    now: dict[str, Any] = {
        name: datetime.now(UTC) - timedelta(seconds=2) if value is JUST_NOW else value
        for name, value in changes.items()
    }
    found["loki"] = replace(found["loki"], **now)
    red = [check for check in containers(environment, found, lambda name: "", {}) if check.outcome is Outcome.FAIL]
    assert [check.name for check in red] == ["container loki"]
    assert seen in red[0].seen
    assert red[0].remedy == remedy


def test_a_dead_container_shows_its_last_lines() -> None:
    """The reason of a crash is in the report, without a second command."""
    environment = declared()
    found = running(environment, status="exited", exit_code=1)
    checks = containers(environment, found, lambda name: f"{name}: bad config", {})
    assert "pointsman-test-loki: bad config" in next(check.seen for check in checks if check.name == "container loki")


def test_missing_and_left_over_containers_are_red() -> None:
    """A service without a container, and a container of a service that the spec lacks."""
    environment = declared()
    found = running(environment)
    found["mimir"] = replace(found.pop("loki"), service="mimir", name="pointsman-test-mimir")
    red = {check.name: check for check in containers(environment, found, lambda name: "", {}) if check.remedy}
    assert set(red) == {"container loki", "container mimir"}
    assert red["container loki"].seen == "no such container"


def test_a_container_that_runs_out_of_memory_is_red_while_it_runs() -> None:
    """Docker restarted it, or only a process of it died; it will happen again."""
    environment = declared()
    ago = datetime.now(UTC) - timedelta(seconds=7)
    checks = containers(environment, running(environment), lambda name: "", {"loki": ago})
    (red,) = [check for check in checks if check.outcome is Outcome.FAIL]
    assert (red.name, red.service) == ("container loki", "loki")
    assert "7 s ago for want of memory" in red.seen
    assert f"{environment.service('loki').memory // 2**20} MiB" in red.expected
    assert "resources.memory" in red.remedy
