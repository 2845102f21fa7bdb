"""Watching one source in a thread of its own, so that one that hangs holds up no other."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable

from pointsman.monitor.clock import Clock
from pointsman.monitor.journal import JournalDown
from pointsman.monitor.limits import Limits
from pointsman.monitor.measures import Measures
from pointsman.monitor.register import Audience
from pointsman.monitor.watching import Seen, Watcher
from pointsman.runs.source import SourceDown

# Time alone brings events too: so long is waited for a change before that is looked at.
WAIT_SECONDS = 1.0
# What is away is asked again after this long.
PAUSE_SECONDS = 1.0

_log = logging.getLogger(__name__)


class Lookout(threading.Thread):
    """Reads, judges and notes what changes in a source until it is stopped; `told` is called when there are events."""

    def __init__(self, watcher: Watcher, measures: Measures, clock: Clock, told: Callable[[], None]) -> None:
        super().__init__(name=f"watch-{watcher.source.name}", daemon=True)
        self.watcher = watcher
        self.name_of_source = watcher.source.name
        self._measures, self._clock, self._told = measures, clock, told
        self._ended = threading.Event()
        self._reload: tuple[Limits, Audience] | None = None
        self._live = False
        self._looked_at = clock.monotonic()

    @property
    def idle(self) -> float:
        """Seconds since it ended a look, well or not: one that grows says that it hangs."""
        return self._clock.monotonic() - self._looked_at

    def reload(self, limits: Limits, audience: Audience) -> None:
        """Has other limits and handlers hold from the next look on."""
        self._reload = limits, audience

    @property
    def reloaded(self) -> bool:
        """Whether what `reload` was given holds."""
        return self._reload is None

    def stop(self) -> None:
        """Has it end after the look in hand; join it."""
        self._ended.set()

    def run(self) -> None:
        """The thread."""
        while not self._ended.is_set():
            try:
                self._look()
            except SourceDown as error:
                self._live = False
                if self._measures.failed(self.name_of_source, error.reason, str(error)):
                    _log.warning("%s is away (%s): %s", self.name_of_source, error.reason, error)
                self._ended.wait(PAUSE_SECONDS)
            except JournalDown as error:
                _log.error("%s", error)
                self._ended.wait(PAUSE_SECONDS)
            except Exception:
                # A fault of the program: it is told and tried again, and never ends the watch in silence.
                _log.exception("watching %s", self.name_of_source)
                self._ended.wait(PAUSE_SECONDS)
            self._looked_at = self._clock.monotonic()

    def _look(self) -> None:
        if (wanted := self._reload) is not None:
            self.watcher.reload(*wanted)
            self._reload = None if self._reload is wanted else self._reload
        # Who does not answer here does not answer below, where it is noted.
        with contextlib.suppress(SourceDown):
            self.watcher.source.wait(WAIT_SECONDS)
        malformed, more = 0, True
        while more and not self._ended.is_set():
            seen = self.watcher.step()
            malformed, more = malformed + len(seen.malformed), seen.more
            self._tell(seen, live=self._live)
            self._looked_at = self._clock.monotonic()
        self._tell(self.watcher.due(), live=False)
        self._live = True
        self._measures.polled(self.name_of_source, malformed)

    def _tell(self, seen: Seen, *, live: bool) -> None:
        for run_id, why in seen.malformed:
            _log.warning("a row of %s cannot be read: run %.200r: %s", self.name_of_source, run_id, why)
        if seen.events:
            self._measures.detected(seen.events, self.watcher.skew, live=live)
            self._told()
