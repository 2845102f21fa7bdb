"""Issues follow the alerts of their group, whatever happens in between; GitHub is the stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pointsman.channels import github_issues
from pointsman.channels.delivering import NotDelivered
from pointsman.channels.github_issues import IssueChannel
from pointsman.channels.issues import LABEL, TEXT, Mark, body, title
from pointsman.github import Patience, connect, read_token
from tests.standins.github_server.serving import Standin
from tests.standins.github_server.world import Issue
from tests.unit.channels.posted import alert, notification
from tests.unit.github.world import TOKEN, scope_of

LATER = "2026-11-21T23:00:00Z"


class World:
    """A repository, and who tells it of alerts."""

    def __init__(self, standin: Standin, token_file: Path) -> None:
        self.standin = standin
        self.token_file = token_file
        self.restart()

    def restart(self) -> None:
        """A new receiver that knows nothing of the one before."""
        scope = scope_of(self.standin, "acme/app")
        hurried = Patience(tries=1, budget=0.0)
        self.receiver = IssueChannel(
            scope,
            partial(read_token, self.token_file),
            ("incident",),
            lambda token: connect(scope, token, patience=hurried),
        )

    def tell(self, *alerts: dict[str, Any], **more: Any) -> None:
        """Delivers a notification."""
        self.receiver.deliver(notification(*alerts, **more))

    @property
    def issues(self) -> list[Issue]:
        """What the repository has."""
        return list(self.standin.app.world.issues.get("acme/app", {}).values())

    @property
    def only(self) -> Issue:
        """Its one issue."""
        (issue,) = self.issues
        return issue


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A repository without issues; no request may break GitHub's published description."""
    file = tmp_path / "token"
    file.write_text(TOKEN.reveal())
    file.chmod(0o600)
    with Standin(tokens=[TOKEN.reveal()]) as standin:
        yield World(standin, file)
        assert standin.app.violations == []


def test_an_issue_lives_with_its_alerts(world: World) -> None:
    """Opened when they fire, commented when they change, closed when all is over, reopened when it comes back."""
    world.tell(alert(runner="r1"))
    assert (world.only.open, world.only.title) == (True, "[critical] RunnerOffline: RunnerOffline of r1")
    assert set(world.only.labels) == {LABEL, "incident"}
    world.tell(alert(runner="r1"), alert(runner="r2"))
    assert "2 firing" in world.only.comments[0]
    world.tell(alert(runner="r1", status="resolved"), alert(runner="r2", status="resolved"))
    assert not world.only.open
    assert "All is over" in world.only.comments[1]
    world.tell(alert(runner="r1", starts=LATER))
    assert world.only.open
    assert "It has come back" in world.only.comments[2]


def test_what_is_told_twice_is_written_once(world: World) -> None:
    """A repeat, and the same after a restart, change nothing; nor does the end of alerts that are over already."""
    for _ in range(2):
        world.tell(alert(runner="r1"))
        world.restart()
        world.tell(alert(runner="r1"))
    assert world.only.comments == []
    for _ in range(3):
        world.tell(alert(runner="r1", status="resolved"))
        world.restart()
    assert len(world.only.comments) == 1


def test_a_repeat_without_what_is_over_is_no_change(world: World) -> None:
    """Alertmanager sends an alert that is over once, and leaves it out from then on."""
    world.tell(alert(runner="r1"), alert(runner="r2"))
    world.tell(alert(runner="r1"), alert(runner="r2", status="resolved"))
    world.tell(alert(runner="r1"))
    assert len(world.only.comments) == 1


def test_each_group_has_an_issue_of_its_own(world: World) -> None:
    """The same alert in another group is another issue; an end without a beginning makes none."""
    world.tell(alert(), group="one")
    world.tell(alert(), group="two")
    world.tell(alert(status="resolved"), group="three")
    assert len(world.issues) == 2
    world.tell(alert(status="resolved"), group="two")
    assert [issue.open for issue in world.issues] == [True, False]


def test_who_closes_an_issue_is_left_in_peace(world: World) -> None:
    """It stays closed while the same alerts fire, and opens again when others do."""
    world.tell(alert(runner="r1"))
    world.only.open = False
    world.tell(alert(runner="r1"))
    assert not world.only.open
    world.tell(alert(runner="r1"), alert(runner="r2"))
    assert world.only.open


def test_issues_of_others_are_not_touched(world: World) -> None:
    """Not even with the label, nor with a mark in the middle of their text."""
    mark = str(Mark.of(notification(alert())))
    for text in ("no mark", f"{mark}\nsomebody's words"):
        world.standin.app.world.issues.setdefault("acme/app", {})
        kept = world.standin.app.world.issues["acme/app"]
        number = len(kept) + 1
        kept[number] = Issue(number, "mine", text, (LABEL,), world.standin.app.world.now())
    world.tell(alert())
    assert len(world.issues) == 3
    assert all(issue.comments == [] for issue in world.issues)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"kind": "status", "status": 500}, "unreachable"),
        ({"kind": "down"}, "unreachable"),
        ({"kind": "status", "status": 401}, "refused"),
        ({"kind": "status", "status": 403}, "refused"),
        ({"kind": "limit", "status": 429}, "limited"),
    ],
    ids=["500", "down", "401", "403", "limit"],
)
def test_a_github_that_does_not_take_it(world: World, fault: dict[str, Any], reason: str) -> None:
    """The reason is told, without the token; once GitHub is back the same notification arrives."""
    world.standin.app.faults.add(fault)
    with pytest.raises(NotDelivered) as caught:
        world.tell(alert())
    assert caught.value.reason == reason
    assert TOKEN.reveal() not in str(caught.value)
    world.standin.app.faults.set.clear()
    world.tell(alert())
    assert world.only.open


def test_an_answer_that_is_lost_makes_no_second_issue(world: World) -> None:
    """GitHub opened the issue, and its answer never came: the next try finds it."""
    world.standin.app.faults.add({"kind": "down", "operation": "issues/create", "times": 1, "after": True})
    with pytest.raises(NotDelivered):
        world.tell(alert())
    world.tell(alert())
    assert world.only.comments == []


def test_a_token_that_is_not_there(world: World) -> None:
    """It is told; a new one is taken without a restart."""
    token = world.token_file.read_text()
    world.token_file.unlink()
    with pytest.raises(NotDelivered, match="does not exist") as caught:
        world.tell(alert())
    assert caught.value.reason == "secret"
    world.token_file.write_text(token)
    world.token_file.chmod(0o600)
    world.tell(alert())
    assert world.only.open


def test_many_alerts_fit_in_one_issue() -> None:
    """Five hundred alerts, each with long texts, are within GitHub's limits, and what is left out is counted."""
    long = [alert(runner=f"r{number}", note="x" * 5000) for number in range(500)]
    found = notification(*long, truncatedAlerts=7)
    assert len(body(found)) < TEXT + 1000
    assert "more alerts" in body(found)
    assert Mark.read(body(found)) == Mark.of(found)
    assert len(title(notification(alert(name="N" * 400)))) == 256


def test_texts_of_alerts_cannot_forge_a_mark() -> None:
    """A label that ends in another group's mark leaves the issue this group's own."""
    other = Mark.of(notification(alert(), group="other"))
    forged = notification(alert(runner=f"r\n{other}"), group="mine")
    assert Mark.read(body(forged)) == Mark.of(forged)
    assert str(other) not in body(forged)


def test_answers_come_before_alertmanager_gives_up() -> None:
    """The longest delivery, four requests tried as often as allowed, is within the time that Alertmanager waits."""
    assert 4 * github_issues.PATIENCE.tries * github_issues.ANSWER_SECONDS + github_issues.PATIENCE.budget <= 45
