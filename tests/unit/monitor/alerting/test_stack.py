"""Beside the stack: what Alertmanager is posted, and that it is the same however often it is posted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pointsman.monitor.alerting.engine import Alerting, channels
from pointsman.monitor.alerting.state import MemoryState
from pointsman.monitor.events import EventKind
from pointsman.monitor.handling import NotNow, Occurrence
from pointsman.spec.reader import parse_as
from pointsman.spec.run_alerts import RunAlerts
from tests.standins.sinks import HttpSink
from tests.unit.monitor.alerting.world import World


class Stack:
    """An engine that posts to a sink."""

    def __init__(self, sink: HttpSink) -> None:
        text = f"alertmanager: {{url: '{sink.url}'}}\nlabels: {{environment: dev}}\n{QUIET}"
        self.now = datetime.now(UTC)
        self.alerts = parse_as(RunAlerts, text, "alerts.yaml")
        self.engine = Alerting(self.alerts, MemoryState(), lambda: self.now)
        self.world = World()
        self.sink = sink

    def tell(self, kind: EventKind, **more: Any) -> str:
        """Delivers an event of now to Alertmanager."""
        self.world.now = self.now
        handler = next(each for each in self.engine.handlers if each.name == "alerts-alertmanager")
        return handler.handle(Occurrence(self.world.event(kind, **more)))

    @property
    def posted(self) -> list[dict[str, Any]]:
        """All alerts that arrived."""
        return [alert for each in self.sink.at("/api/v2/alerts") if each.status == 200 for alert in each.body]


QUIET = 'quiet_hours: [{hours: [{begin: "00:00", end: "23:59"}]}]\n'


def test_only_the_console_is_told_beside_alertmanager() -> None:
    """It groups and routes: the other channels are its receivers."""
    with HttpSink() as sink:
        stack = Stack(sink)
        assert [each.name for each in channels(stack.alerts)] == ["console", "alertmanager"]


def test_an_alert_fires_and_is_resolved_with_the_same_labels() -> None:
    """At once, whatever quiet hours say; the end is after the beginning, and no label differs."""
    with HttpSink() as sink:
        stack = Stack(sink)
        stack.tell(EventKind.STALLED)
        stack.now += timedelta(minutes=1)
        stack.tell(EventKind.RECOVERED)
        firing, resolved = stack.posted
    assert firing["labels"] == resolved["labels"]
    assert firing["labels"]["alertname"] == "RunStalled"
    assert (firing["labels"]["environment"], firing["labels"]["run_id"]) == ("dev", "r1")
    assert firing["startsAt"] == resolved["startsAt"]
    assert datetime.fromisoformat(firing["endsAt"]) > stack.now + timedelta(days=6)
    assert datetime.fromisoformat(resolved["endsAt"]) == stack.now.replace(
        microsecond=stack.now.microsecond // 1000 * 1000
    )
    assert firing["annotations"]["event_id"] != resolved["annotations"]["event_id"]


def test_a_second_attempt_is_the_same_alert() -> None:
    """Its labels do not tell attempts apart; a completed attempt ends it, and is told for five minutes."""
    with HttpSink() as sink:
        stack = Stack(sink)
        for attempt in (1, 2):
            stack.tell(EventKind.FAILED, attempt=attempt)
        stack.tell(EventKind.COMPLETED, attempt=3)
        first, second, *last = stack.posted
    assert first["labels"] == second["labels"]
    assert {each["labels"]["alertname"] for each in last} == {"RunCompleted", "RunFailed"}


def test_an_alertmanager_that_is_down_gets_it_later() -> None:
    """An answer of 500 is tried again; what was posted twice is alike in all that it is told apart by."""
    with HttpSink(first=(500,)) as sink:
        stack = Stack(sink)
        with pytest.raises(NotNow, match="server_error: Alertmanager answered 500"):
            stack.tell(EventKind.FAILED)
        assert stack.tell(EventKind.FAILED) == "told 1"
        failed, good = sink.at("/api/v2/alerts")
    assert failed.body == good.body


def test_what_is_on_is_posted_again() -> None:
    """Alertmanager keeps alerts in memory alone; what is over is not posted any more."""
    with HttpSink() as sink:
        stack = Stack(sink)
        stack.tell(EventKind.FAILED)
        for _ in range(3):
            stack.now += timedelta(minutes=1)
            stack.engine.tick()
            stack.engine.wait()
        assert len(stack.posted) == 4
        stack.tell(EventKind.COMPLETED, attempt=2)
        before = len(stack.posted)
        stack.now += timedelta(minutes=1)
        stack.engine.tick()
        stack.engine.wait()
        assert len(stack.posted) == before
