"""Events become alerts: who is told, how often, when, and what survives a channel that is down and a restart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from pointsman.monitor.alerting.handler import MOST_AT_ONCE
from pointsman.monitor.alerting.sqlite_state import SqliteState
from pointsman.monitor.alerting.state import AlertState, MemoryState
from pointsman.monitor.events import EventKind, Stall
from pointsman.monitor.handling import NotNow
from pointsman.spec.run_alerts import EventName, StallName
from tests.unit.monitor.alerting.world import Sink, World

STATES: dict[str, Callable[[Path], AlertState]] = {
    "memory": lambda path: MemoryState(),
    "sqlite": lambda path: SqliteState(path / "alerts.db"),
}


@pytest.fixture(params=STATES)
def state(request: pytest.FixtureRequest, tmp_path: Path) -> AlertState:
    """Both keep the same."""
    return STATES[request.param](tmp_path)


def test_the_file_names_every_event_and_stall() -> None:
    """What rules may say is what there is."""
    assert set(get_args(EventName)) == {kind.value for kind in EventKind}
    assert set(get_args(StallName)) == {stall.value for stall in Stall}


@pytest.mark.parametrize(
    ("kind", "rule", "severity"),
    [
        (EventKind.COMPLETED, "RunCompleted", "info"),
        (EventKind.FAILED, "RunFailed", "critical"),
        (EventKind.STALLED, "RunStalled", "warning"),
        (EventKind.UNHEALTHY, "MonitorUnhealthy", "critical"),
    ],
)
def test_four_rules_hold_without_a_file(kind: EventKind, rule: str, severity: str) -> None:
    """Each tells every channel, with the event's id."""
    world = World()
    event = world.event(kind)
    for channel in ("console", "slack"):
        assert world.tell(event, channel) == "told 1"
        (alert,) = world.sinks[channel].alerts
        assert (alert.name, alert.severity, alert.event_id) == (rule, severity, event.id)


def test_rules_choose_by_event_kind_and_severity() -> None:
    """The worst rule that matches speaks; a rule's channels, or the channel's severities; the console hears all."""
    world = World(
        "rules:\n"
        "  RunFailed: {channels: [slack]}\n"
        "  DeployFailed: {events: [run_failed], kinds: ['deploy-*'], severity: critical, channels: [email]}\n"
        "  RunCompleted: {enabled: false}\n"
        "channels: {slack: {kind: slack, severities: [critical]}}\n",
        slack=Sink(),
        email=Sink(),
    )
    failed = world.event(EventKind.FAILED, run="a", kind="deploy-eu")
    other = world.event(EventKind.FAILED, run="b", kind="batch")
    stalled = world.event(EventKind.STALLED, run="c")
    for event in (failed, other, stalled):
        for name in world.sinks:
            world.tell(event, name)
        world.later(hours=1)
    assert world.sinks["email"].said == [("DeployFailed", "firing"), ("RunStalled", "firing")]
    assert world.sinks["slack"].said == [("RunFailed", "firing")] * 2
    assert [name for name, _ in world.sinks["console"].said] == ["DeployFailed", "RunFailed", "RunStalled"]
    assert not world.handler("slack").wants(EventKind.STARTED)


def test_an_event_that_comes_twice_is_told_once(state: AlertState) -> None:
    """After a restart too."""
    world = World(state=state)
    event = world.event(EventKind.FAILED)
    assert world.tell(event) == "told 1"
    assert world.tell(event) == "told already"
    world.restart()
    assert world.tell(event) == "told already"
    assert len(world.sinks["slack"].got) == 1


def test_a_channel_that_is_down_is_tried_again_alone(state: AlertState) -> None:
    """The others were told; when it is back it is told what it missed, with the same id."""
    world = World(state=state, slack=Sink(down="unreachable"), webhook=Sink())
    event = world.event(EventKind.FAILED)
    with pytest.raises(NotNow, match="unreachable"):
        world.tell(event)
    assert world.tell(event, "webhook") == "told 1"
    world.restart()
    world.sinks["slack"].down = ""
    assert world.tell(event) == "told 1"
    assert world.sinks["slack"].alerts == world.sinks["webhook"].alerts


def test_throttled_alerts_come_together(state: AlertState) -> None:
    """The first at once, those of the next five minutes in one notification at their end; another rule's at once."""
    world = World(state=state)
    assert world.tell(world.event(EventKind.FAILED, run="r0")) == "told 1"
    for number in range(1, 300):
        assert world.tell(world.event(EventKind.FAILED, run=f"r{number}")).startswith("waits: throttled until 12:05:00")
    assert world.tell(world.event(EventKind.STALLED, run="s")) == "told 1"
    world.later(minutes=4, seconds=59)
    assert len(world.sinks["slack"].got) == 2
    world.restart()
    world.later(seconds=1)
    together = world.sinks["slack"].got[-1]
    assert (len(together.alerts), together.left_out) == (MOST_AT_ONCE, 299 - MOST_AT_ONCE)
    world.later(hours=1)
    assert len(world.sinks["slack"].got) == 3


def test_what_waits_is_told_when_its_channel_is_back(state: AlertState) -> None:
    """A minute later at the earliest, and nothing is lost."""
    world = World(state=state)
    world.tell(world.event(EventKind.FAILED, run="r0"))
    world.tell(world.event(EventKind.FAILED, run="r1"))
    world.sinks["slack"].down = "timeout"
    world.later(minutes=5)
    world.sinks["slack"].down = ""
    world.later(seconds=30)
    assert len(world.sinks["slack"].got) == 1
    world.later(seconds=30)
    assert world.sinks["slack"].got[-1].alerts[0].labels["run_id"] == "r1"


QUIET = 'quiet_hours: [{hours: [{begin: "12:00", end: "14:00"}], weekdays: [monday], time_zone: Europe/London}]\n'


def test_quiet_hours(state: AlertState) -> None:
    """A warning waits for their end, a critical alert and the console do not; what is over by then is told as over."""
    world = World(QUIET, state=state)
    assert world.tell(world.event(EventKind.STALLED, run="a")) == "waits: quiet hours"
    assert world.tell(world.event(EventKind.STALLED, run="b")) == "waits: quiet hours"
    assert world.tell(world.event(EventKind.STALLED, run="a"), "console") == "told 1"
    assert world.tell(world.event(EventKind.FAILED, run="c")) == "told 1"
    world.later(minutes=30)
    assert world.tell(world.event(EventKind.RECOVERED, run="a")) == "nothing to tell"
    assert len(world.sinks["slack"].got) == 1
    world.later(hours=2)
    assert sorted(world.sinks["slack"].said[1:]) == [("RunStalled", "firing"), ("RunStalled", "resolved")]


def test_what_was_told_is_told_to_be_over(state: AlertState) -> None:
    """A stall by recovery, a failure by a later attempt that completes; what was never told is not over either."""
    world = World("rules: {RunCompleted: {enabled: false}}", state=state)
    world.tell(world.event(EventKind.STALLED))
    assert world.tell(world.event(EventKind.RECOVERED, run="other")) == "nothing to tell"
    recovered = world.event(EventKind.RECOVERED)
    assert world.tell(recovered) == "told 1"
    assert world.tell(recovered) == "nothing to tell"
    world.tell(world.event(EventKind.FAILED))
    world.tell(world.event(EventKind.COMPLETED, attempt=2))
    expected = [
        ("RunStalled", "firing"),
        ("RunStalled", "resolved"),
        ("RunFailed", "firing"),
        ("RunFailed", "resolved"),
    ]
    assert world.sinks["slack"].said == expected
    assert world.sinks["slack"].alerts[1].event_id == recovered.id


def test_over_before_the_channel_was_back(state: AlertState) -> None:
    """The recovery came through first: the stall is told, but as what is over."""
    world = World(state=state, slack=Sink(down="server_error"))
    stalled = world.event(EventKind.STALLED)
    with pytest.raises(NotNow):
        world.tell(stalled)
    world.tell(world.event(EventKind.RECOVERED))
    world.sinks["slack"].down = ""
    world.tell(stalled)
    assert world.sinks["slack"].said == [("RunStalled", "resolved")]


def test_over_is_told_though_the_event_that_ended_it_waits(state: AlertState) -> None:
    """A later attempt completes in quiet hours while the channel is down: that it failed is over once it is back."""
    world = World(QUIET, state=state)
    world.tell(world.event(EventKind.FAILED))
    world.sinks["slack"].down = "timeout"
    completed = world.event(EventKind.COMPLETED)
    with pytest.raises(NotNow, match="timeout"):
        world.tell(completed)
    world.restart()
    world.sinks["slack"].down = ""
    assert world.tell(completed) == "told 1"
    assert world.sinks["slack"].said == [("RunFailed", "firing"), ("RunFailed", "resolved")]
    assert world.tell(completed) == "waits already"


def test_an_end_that_comes_late_leaves_later_trouble_on(state: AlertState) -> None:
    """A recovery that the channel refused comes again after the next stall: it ends the first stall alone."""
    world = World(state=state)
    world.tell(world.event(EventKind.STALLED))
    world.sinks["slack"].down = "timeout"
    world.later(minutes=6)
    recovered = world.event(EventKind.RECOVERED)
    with pytest.raises(NotNow):
        world.tell(recovered)
    world.sinks["slack"].down = ""
    world.later(minutes=1)
    assert world.tell(world.event(EventKind.STALLED, ordinal=1)) == "told 1"
    assert world.tell(recovered) == "nothing to tell"
    assert world.sinks["slack"].said == [("RunStalled", "firing")] * 2


def test_a_channel_of_issues_gets_each_run_by_itself(state: AlertState) -> None:
    """Throttled runs come in notifications of their own, each with its run's group."""
    world = World(state=state, github_issue=Sink(gathers=False))
    for number in range(3):
        world.tell(world.event(EventKind.FAILED, run=f"r{number}"), "github-issue")
    world.later(minutes=5)
    assert sorted(each.group_key for each in world.sinks["github_issue"].got) == [f"run:store/r{n}" for n in range(3)]


def test_old_alerts_are_let_go(state: AlertState) -> None:
    """A failure that nobody mended is closed after keep_open; what is done is forgotten a week later."""
    world = World("keep_open: 1d", state=state)
    event = world.event(EventKind.FAILED)
    world.tell(event)
    world.later(days=2)
    assert world.tell(world.event(EventKind.COMPLETED, attempt=2)) == "told 1"
    assert world.sinks["slack"].said[-1] == ("RunCompleted", "firing")
    world.later(days=8)
    assert state.entry("slack", event.id) is None
