"""What the monitor that leads does: the watches over its sources, the bus and the alerts, put together."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence

from pointsman.monitor import health
from pointsman.monitor.alerting.engine import Alerting
from pointsman.monitor.alerting.sqlite_state import SqliteState
from pointsman.monitor.bus import Bus, audience
from pointsman.monitor.clock import Clock
from pointsman.monitor.handlers.metrics import Metrics
from pointsman.monitor.handling import Handler
from pointsman.monitor.journal import Journal, JournalDown
from pointsman.monitor.lookout import Lookout
from pointsman.monitor.measures import Measures
from pointsman.monitor.settings import ALERTS, Settings, backoff, handlers, limits
from pointsman.monitor.watching import Watcher
from pointsman.runs.model import Run, Step
from pointsman.runs.source import RunSource
from pointsman.spec.scalars import duration_seconds

# Alerts that waited are told, and those that are on are looked at, this often.
ALERTS_SECONDS = 2.0
# What was counted before a restart is counted again, so many events back.
RESTORED = 1 << 16

_log = logging.getLogger(__name__)


class Parts:
    """What settings say that is to be done: handlers, alerts. Nothing runs yet. Raises SpecError, UsageError."""

    def __init__(self, settings: Settings, metrics: Metrics, state: SqliteState) -> None:
        self.settings = settings
        self.limits = limits(settings.spec.limits)
        self.alerting = Alerting(settings.alerts(), state)
        self.handlers: list[Handler] = [*handlers(settings), metrics, *self.alerting.handlers]
        self.audience = audience(self.handlers)


class Duty:
    """All that acts, from the moment that this monitor leads to the one at which it does not any more."""

    def __init__(
        self, settings: Settings, sources: Sequence[RunSource], journal: Journal, measures: Measures, clock: Clock
    ) -> None:
        """Raises JournalDown, UnreachableError for the state of alerts, SpecError and UsageError for settings."""
        self._sources: Mapping[str, RunSource] = {each.name: each for each in sources}
        self._journal, self._measures, self._clock = journal, measures, clock
        self._state = SqliteState(settings.state / ALERTS)
        self.metrics = Metrics()
        self._parts = Parts(settings, self.metrics, self._state)
        self._next: Parts | None = None
        self._telling = health.Telling(journal)
        self.bus = self._bus(self._parts)
        self.metrics.restore(self.bus.letters.done_by(self.metrics.name, RESTORED))
        watchers = [Watcher(each, journal, self._parts.limits, clock, self._parts.audience) for each in sources]
        self._lookouts = [Lookout(each, measures, clock, lambda: self.bus.wake()) for each in watchers]
        self._ticked = 0.0

    def start(self) -> None:
        """Begins. Raises JournalDown."""
        self.bus.start()
        for lookout in self._lookouts:
            lookout.start()
        for channel in self._parts.alerting.channels:
            if channel.channel is None:
                _log.info("the channel %s is disabled: %s", channel.name, channel.disabled)

    def reload(self, settings: Settings) -> None:
        """Takes other limits, rules and handlers, each when what is at work has ended. Raises SpecError, UsageError."""
        parts = Parts(settings, self.metrics, self._state)
        if self._next is not None:
            self._next.alerting.close()
        self._next = parts
        for lookout in self._lookouts:
            lookout.reload(parts.limits, parts.audience)

    def pulse(self) -> None:
        """What is to be done now and then; to be called every second at least."""
        if self._next is not None and all(each.reloaded for each in self._lookouts):
            self._swap(self._next)
        if time.monotonic() - self._ticked >= ALERTS_SECONDS:
            self._ticked = time.monotonic()
            self._parts.alerting.tick()
            self._judge()

    @property
    def reloading(self) -> bool:
        """Whether what was read anew does not hold everywhere yet."""
        return self._next is not None

    @property
    def troubles(self) -> list[str]:
        """What is wrong now, a sentence each."""
        patience = duration_seconds(self._parts.settings.spec.unhealthy_after)
        idle = {each.name_of_source: each.idle for each in self._lookouts if each.is_alive()}
        return health.troubles(self._measures, patience, idle, self.bus.busy())

    @property
    def hung(self) -> bool:
        """Whether a watch hangs, so that only a restart helps."""
        return any(each.idle > health.HUNG_SECONDS for each in self._lookouts)

    def stop(self, seconds: float) -> list[str]:
        """Lets everybody finish what is in hand; names who still works when the time is over."""
        until = time.monotonic() + seconds
        for lookout in self._lookouts:
            lookout.stop()
        self._parts.alerting.close()
        busy = self.bus.stop(seconds / 2)
        for lookout in self._lookouts:
            lookout.join(max(0.0, until - time.monotonic()))
        busy = self.bus.stop(max(0.0, until - time.monotonic())) if busy else []
        busy += [each.name for each in self._lookouts if each.is_alive()]
        if not busy:
            self._state.close()
        return busy

    def _judge(self) -> None:
        try:
            if self._telling.judge(self.troubles, self._clock.now(), self._parts.audience):
                self.bus.wake()
        except JournalDown as error:
            _log.error("%s", error)

    def _swap(self, parts: Parts) -> None:
        """The new handlers take over when the old ones have finished: never do two work at one event."""
        if self.bus.stop(0.0):
            return
        try:
            bus = self._bus(parts)
            bus.start()
        except JournalDown as error:
            _log.error("%s", error)
            return
        self._parts.alerting.close()
        self.bus, self._parts, self._next = bus, parts, None
        _log.info("the settings that were read anew hold")

    def _bus(self, parts: Parts) -> Bus:
        return Bus(
            self._journal,
            parts.handlers,
            self._clock,
            steps=self._steps,
            backoff=backoff(parts.settings.spec.retries),
            seen=self._measures.delivered,
        )

    def _steps(self, run: Run) -> Sequence[Step]:
        source = self._sources.get(run.source)
        return source.steps(run.id) if source else ()
