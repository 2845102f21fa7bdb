"""The alert engine put together: a handler for each channel that is not disabled, and the clock that they wait by."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from pointsman.channels.console import ConsoleChannel
from pointsman.monitor.alerting.alertmanager import AlertmanagerChannel
from pointsman.monitor.alerting.channels import Opened, opened
from pointsman.monitor.alerting.handler import AlertHandler, Pace
from pointsman.monitor.alerting.rules import CONSOLE
from pointsman.monitor.alerting.state import AlertState
from pointsman.spec.reader import read_as
from pointsman.spec.run_alerts import RunAlerts

FILE = "alerts.yaml"
ALERTMANAGER = "alertmanager"


def read(path: Path | None = None) -> RunAlerts:
    """The alerts that a file declares; without a path alerts.yaml of the working directory, else the built-in rules.

    Raises SpecError with every mistake, UsageError where the file cannot be read.
    """
    if path is None:
        path = Path(FILE)
        if not path.exists():
            return RunAlerts()
    return read_as(RunAlerts, path)


def channels(alerts: RunAlerts) -> tuple[Opened, ...]:
    """Whom the engine tells: with the stack the console and Alertmanager, else every channel; disabled ones too.

    Raises UsageError for a variable that is wrong.
    """
    if alerts.alertmanager is None:
        return tuple(opened(alerts))
    return Opened(CONSOLE, ConsoleChannel()), Opened(ALERTMANAGER, AlertmanagerChannel(alerts.alertmanager.url))


class Alerting:
    """The handlers of `channels`, each of which is retried by itself and waits for no other."""

    def __init__(
        self,
        alerts: RunAlerts,
        state: AlertState,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        found: tuple[Opened, ...] | None = None,
    ) -> None:
        self.channels = channels(alerts) if found is None else found
        self.handlers = tuple(
            AlertHandler(each.name, each.channel, alerts, state, clock, _pace(each.name, alerts))
            for each in self.channels
            if each.channel
        )
        self._pool = ThreadPoolExecutor(max(1, len(self.handlers)), "alerts-waiting")
        self._running: dict[str, Future[None]] = {}

    def tick(self) -> None:
        """Has each channel told what has waited for it. Returns at once; call it every few seconds while leading."""
        for handler in self.handlers:
            before = self._running.get(handler.name)
            if before is None or before.done():
                self._running[handler.name] = self._pool.submit(handler.tick)

    def wait(self) -> None:
        """Waits until all that the last tick began is through. Raises what went wrong."""
        for each in self._running.values():
            each.result()

    def close(self) -> None:
        """Ends the waiting; what waits is in the state, and is told after a restart."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _pace(name: str, alerts: RunAlerts) -> Pace:
    if name == ALERTMANAGER and alerts.alertmanager:
        return Pace(None, waits=False, repeats=True)
    return Pace(name, waits=name != CONSOLE)
