"""Runs, events and channels for tests of the alert engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pointsman.channels.delivering import NotDelivered
from pointsman.channels.notification import Alert, Notification
from pointsman.monitor.alerting.channels import Opened
from pointsman.monitor.alerting.engine import Alerting
from pointsman.monitor.alerting.handler import AlertHandler
from pointsman.monitor.alerting.state import AlertState, MemoryState
from pointsman.monitor.events import Event, EventKind, Stall
from pointsman.monitor.handling import Occurrence
from pointsman.runs.model import Run, RunState
from pointsman.spec.reader import parse_as
from pointsman.spec.run_alerts import RunAlerts

BEGIN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # a Monday


@dataclass
class Sink:
    """A channel that keeps what it takes; `down` is the reason for which it takes nothing."""

    gathers: bool = True
    down: str = ""
    got: list[Notification] = field(default_factory=list)

    def deliver(self, notification: Notification) -> None:
        """Takes it, or not."""
        if self.down:
            raise NotDelivered(self.down, "for a test")
        self.got.append(notification)

    @property
    def alerts(self) -> list[Alert]:
        """All that it took."""
        return [alert for each in self.got for alert in each.alerts]

    @property
    def said(self) -> list[tuple[str, str]]:
        """Rule and status of each."""
        return [(alert.name, alert.status) for alert in self.alerts]


class World:
    """An engine whose channels are sinks and whose clock stands."""

    def __init__(self, text: str = "", state: AlertState | None = None, **sinks: Sink) -> None:
        self.now = BEGIN
        self.sinks = {"console": Sink(), **(sinks or {"slack": Sink()})}
        self.state = state or MemoryState()
        self.text = text
        self.restart()

    def restart(self) -> None:
        """A new engine on the same state."""
        alerts = parse_as(RunAlerts, self.text, "alerts.yaml")
        found = tuple(Opened(name.replace("_", "-"), sink) for name, sink in self.sinks.items())
        self.engine = Alerting(alerts, self.state, lambda: self.now, found)

    def handler(self, name: str) -> AlertHandler:
        """The handler of a channel."""
        return next(each for each in self.engine.handlers if each.name == f"alerts-{name}")

    def tell(self, event: Event, channel: str = "slack") -> str:
        """Delivers an event, as the bus does; what the journal is told."""
        handler = self.handler(channel)
        return handler.handle(Occurrence(event)) if handler.wants(event.kind) else "not wanted"

    def later(self, **span: float) -> None:
        """Time goes by, and the engine looks."""
        self.now += timedelta(**span)
        self.engine.tick()
        self.engine.wait()

    def event(self, what: EventKind, run: str = "r1", ordinal: int = 0, **more: object) -> Event:
        """An event of now."""
        values = {"name": "nightly", "kind": "pipeline", "created_at": BEGIN, "updated_at": self.now} | more
        made = Run(id=run, state=RunState.RUNNING, **values)  # type: ignore[arg-type]
        stall = Stall.SILENT if what is EventKind.STALLED else None
        return Event(what, made, self.now, "for a test", stall, ordinal)
