"""The monitor as it runs: stands by until it leads, acts while it does, serves all the while, ends when told to."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Iterator, Sequence
from threading import Thread
from typing import Any

from pointsman.errors import PointsmanError, UnreachableError
from pointsman.metrics_page.families import Family, one, text
from pointsman.monitor import measures as figures
from pointsman.monitor import settings as reading
from pointsman.monitor.clock import Clock, SystemClock
from pointsman.monitor.duty import Duty
from pointsman.monitor.handlers.metrics import PREFIX
from pointsman.monitor.journal import Journal, JournalDown
from pointsman.monitor.leading import lease
from pointsman.monitor.letters import Letters
from pointsman.monitor.measures import Measures
from pointsman.monitor.register import Register
from pointsman.monitor.service_manager import ServiceManager
from pointsman.monitor.serving import MonitorServer, Site
from pointsman.monitor.settings import LEASE, Settings
from pointsman.monitor.sources import sources
from pointsman.monitor.views import Views
from pointsman.runs.opening import placed
from pointsman.runs.source import RunSource, SourceDown

# Signals are looked for this often; the lease, alerts and health in every turn as well.
TURN_SECONDS = 0.2
# All ends within five seconds of being told to.
STOP_SECONDS = 4.0
LEAST_STOP_SECONDS = 0.5
# Who stands by tries this often to lead.
TRY_SECONDS = 0.5

_log = logging.getLogger(__name__)


class Monitor:
    """One process of the monitor. `run` is called once, in the main thread."""

    def __init__(
        self, settings: Settings, clock: Clock | None = None, found: Sequence[RunSource] | None = None
    ) -> None:
        """Opens the journal and takes the lease where it is free. Raises UsageError for a store that is another than
        was declared, JournalDown, UnreachableError for a folder that cannot be written."""
        self.settings = settings
        self._clock = clock or SystemClock()
        self._sources = list(found) if found is not None else sources(settings)
        self._measures = Measures(self._clock)
        self._manager = ServiceManager()
        self._stopping = self._reloading = False
        self._duty: Duty | None = None
        self._server: MonitorServer | None = None
        self._reload_failed = False
        self._hindered = ""
        self._tried_at = self._told_at = self._stop_at = 0.0
        reading.validate(settings)
        self._prove()
        self._journal = Journal(settings.journal)
        self._views = Views(self._sources, self._journal)
        self._lease = lease(settings.state / LEASE, placed(settings.spec.store, settings.base))

    def run(self) -> int:
        """Runs until SIGTERM or SIGINT comes; the exit code. Raises UnreachableError for a port that is taken."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._signalled)
        self._lead()
        self._serve(needed=self._duty is not None)
        self._manager.ready(self._said())
        while not self._stopping:
            time.sleep(TURN_SECONDS)
            self._turn()
        return self._end()

    def _turn(self) -> None:
        if self._reloading:
            self._reloading = False
            self._reload()
        if self._duty is not None and not self._lease.held():
            _log.error("the lease is lost: another monitor may lead now")
            self._leave()
        if self._duty is None and time.monotonic() - self._tried_at >= TRY_SECONDS:
            self._lead()
        if self._duty is not None:
            self._duty.pulse()
            if self._server is None and time.monotonic() - self._told_at >= 1.0:
                self._serve(needed=False)
        if not self._hung():
            self._manager.alive()

    def _prove(self) -> None:
        """Who answers; nobody does is no reason not to begin: the watch asks again and again."""
        for source in self._sources:
            try:
                found = source.identity()
                _log.info("%s: %s, database %s, estate %s", source.name, found.place, found.database, found.estate_id)
            except SourceDown as error:
                _log.warning("%s does not answer yet: %s", source.name, error)
                self._measures.failed(source.name, error.reason, str(error))

    def _lead(self) -> None:
        self._tried_at = time.monotonic()
        try:
            if not self._lease.take():
                self._hindered = ""
                return
            self._duty = Duty(self.settings, self._sources, self._journal, self._measures, self._clock)
            self._duty.start()
        except (UnreachableError, JournalDown) as error:
            self._lease.release()
            self._duty = None
            if self._hindered != str(error):
                _log.warning("cannot lead: %s", error)
            self._hindered = str(error)
            return
        self._hindered = ""
        _log.info("this monitor leads")
        self._manager.status(self._said())

    def _leave(self) -> None:
        assert self._duty is not None
        busy = self._duty.stop(STOP_SECONDS)
        self._lease.release()
        if busy:
            # Two must never act at once: the service manager starts this one anew.
            _log.error("%s cannot be ended: this process ends", ", ".join(busy))
            os._exit(1)
        self._duty = None
        self._manager.status(self._said())

    def _reload(self) -> None:
        """The settings anew; what is wrong with them changes nothing."""
        self._manager.reloading()
        try:
            found = reading.read(self.settings.file)
            before, after = self.settings.spec, found.spec
            if (before.store, before.state, before.serving) != (after.store, after.state, after.serving):
                _log.warning("a change of store, state or serving needs a restart: they stay as they are")
                kept = {key: getattr(before, key) for key in ("store", "state", "serving")}
                found = Settings(after.model_copy(update=kept), found.base, found.file)
            if self._duty is not None:
                self._duty.reload(found)
            else:
                reading.validate(found)
            self.settings, self._reload_failed = found, False
        except PointsmanError as error:
            self._reload_failed = True
            _log.error("the settings stay as they were: %s", error)
        self._manager.ready(self._said())

    def _serve(self, *, needed: bool) -> None:
        self._told_at = time.monotonic()
        serving = self.settings.spec.serving
        site = Site(self._views, self._hung, self._unready, self._page, self._status)
        try:
            self._server = MonitorServer(str(serving.listen), serving.port, site)
        except UnreachableError as error:
            if needed:
                self._lease.release()
                raise
            _log.warning("no page until the port is free: %s", error.message)
            return
        Thread(target=self._server.serve_forever, args=(0.2,), name="serving", daemon=True).start()
        _log.info("http://%s:%d shows runs", serving.listen, self._server.port)

    def _end(self) -> int:
        _log.info("ending")
        self._manager.stopping()
        # What kept this thread from hearing of it, such as a server that does not answer, is taken off.
        left = max(LEAST_STOP_SECONDS, STOP_SECONDS - (time.monotonic() - self._stop_at))
        busy = self._duty.stop(left) if self._duty is not None else []
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        self._lease.release()
        if busy:
            # What they work at is in the journal as not done: it is done after the next start.
            _log.warning("not waited for: %s", ", ".join(busy))
            logging.shutdown()
            os._exit(0)
        for source in self._sources:
            source.close()
        self._journal.close()
        return 0

    def _signalled(self, number: int, frame: object) -> None:
        if number == signal.SIGHUP:
            self._reloading = True
        elif not self._stopping:
            self._stopping, self._stop_at = True, time.monotonic()

    def _hung(self) -> list[str]:
        return ["a watch hangs"] if self._duty is not None and self._duty.hung else []

    def _unready(self) -> list[str]:
        """Who stands by reads nothing: it is ready when nothing hinders it from leading."""
        duty = self._duty
        if duty is None:
            return [self._hindered] if self._hindered else []
        wrong = [f"{name}: {state.said}" for name, state in sorted(self._measures.sources.items()) if state.down]
        return wrong + duty.troubles

    def _said(self) -> str:
        return "leads" if self._duty is not None else "stands by: another monitor leads"

    def _status(self) -> dict[str, Any]:
        return {
            "leader": self._duty is not None,
            "troubles": self._unready(),
            "sources": [s.name for s in self._sources],
        }

    def _page(self) -> str:
        return text(self._families())

    def _families(self) -> Iterator[Family]:
        duty = self._duty
        yield one(f"{PREFIX}leader", "1 while this monitor leads.", duty is not None)
        yield one(
            f"{PREFIX}settings_good", "0 where settings that were to be read anew are wrong.", not self._reload_failed
        )
        handlers = tuple(duty.bus.handlers) if duty is not None else ()
        yield from self._measures.families(handlers)
        if duty is not None:
            yield from duty.metrics.families()
        yield from self._of_journal(handlers)

    def _of_journal(self, handlers: Sequence[str]) -> Iterator[Family]:
        """What can be told while the journal cannot be read is told all the same."""
        letters, found = Letters(self._journal), list[Family]()
        try:
            counts = Register(self._journal).counts()
            found += figures.of_journal(counts, letters.pending(), letters.dead_counts(), handlers)
        except JournalDown as error:
            _log.error("%s", error)
        yield one(f"{PREFIX}journal_up", "1 while the journal can be read.", bool(found))
        yield from found
