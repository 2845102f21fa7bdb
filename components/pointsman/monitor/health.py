"""Whether the monitor itself does its work: judged each second, told as events of its own when that changes."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from datetime import datetime

from pointsman.monitor.events import Event, EventKind
from pointsman.monitor.journal import Journal
from pointsman.monitor.measures import Measures
from pointsman.monitor.register import Audience, Register
from pointsman.runs.model import Run, RunState

SOURCE = "monitor"
"""The source of the monitor's own events; their run is the monitor."""
HUNG_SECONDS = 60.0
"""A watch whose look takes longer hangs: statements end after 10 s, and 5 s is how long the journal is waited for."""
STUCK_SECONDS = 900.0
"""A handler that works longer at one event is stuck."""


def troubles(measures: Measures, patience: float, idle: Mapping[str, float], busy: Mapping[str, float]) -> list[str]:
    """What is wrong, a sentence each. `patience` is how many seconds a source may be away, `idle` since when each watch
    has not ended a look, `busy` how long each handler has been at its event."""
    now, found = measures.clock.monotonic(), list[str]()
    for name, state in sorted(measures.sources.items()):
        if state.down and now - state.since >= patience:
            found.append(f"the source {name} is away ({state.down}): {state.said.splitlines()[0]}")
    found += [f"the watch over {name} hangs" for name, seconds in sorted(idle.items()) if seconds > HUNG_SECONDS]
    return found + [f"{name} is stuck at an event" for name, seconds in sorted(busy.items()) if seconds > STUCK_SECONDS]


class Telling:
    """Tells of the monitor's health once for each change of it, through restarts too."""

    def __init__(self, journal: Journal) -> None:
        """Raises JournalDown."""
        self._journal, self._register = journal, Register(journal)
        self._id = socket.gethostname()
        told = self._register.told(SOURCE, self._id)
        self._last = told[-1] if told else None

    def judge(self, wrong: Iterable[str], now: datetime, audience: Audience) -> bool:
        """Tells where it is news; whether it was. Raises JournalDown."""
        reason = "; ".join(wrong)
        unhealthy = self._last is not None and self._last.kind is EventKind.UNHEALTHY
        if bool(reason) == unhealthy:
            return False
        ordinal = self._last.ordinal if self._last else -1
        if reason:
            event = Event(EventKind.UNHEALTHY, self._run(now), now, reason, ordinal=ordinal + 1)
        else:
            event = Event(EventKind.HEALTHY, self._run(now), now, "it does its work again", ordinal=ordinal)
        with self._journal.transaction() as within:
            self._register.tell(within, [event], audience)
        self._last = event
        return True

    def _run(self, now: datetime) -> Run:
        began = self._last.run.created_at if self._last else now
        return Run(self._id, "run monitor", "monitor", RunState.RUNNING, began, now, source=SOURCE)
