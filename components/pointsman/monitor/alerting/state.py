"""What is known of alerts between events and restarts: which were told, which wait, which are on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from threading import Lock
from typing import Protocol

from pointsman.channels.notification import Alert


class Stage(StrEnum):
    """How far an alert has come on a channel."""

    TRYING = "trying"  # the channel has not taken it yet
    HELD = "held"  # throttled, or quiet hours
    OPEN = "open"  # told, and on
    DONE = "done"  # told, and nothing more to come


@dataclass(frozen=True)
class Entry:
    """An alert on a channel. `due` is when one that is held may be told; times are UTC."""

    channel: str
    event_id: str
    rule: str
    source: str
    run_id: str
    event: str
    stage: Stage
    alert: Alert
    at: datetime
    due: datetime

    def now(self, stage: Stage, alert: Alert | None = None, due: datetime | None = None) -> Entry:
        """The same, further on."""
        return replace(self, stage=stage, alert=alert or self.alert, due=due or self.due)


class AlertState(Protocol):
    """Keeps entries by channel and event. Safe from several threads; `put` is durable when it returns."""

    def entry(self, channel: str, event_id: str) -> Entry | None:
        """What is known of an event on a channel."""
        ...

    def of_run(self, channel: str, source: str, run_id: str) -> tuple[Entry, ...]:
        """The alerts of a run that are not done, the oldest first."""
        ...

    def at_stage(self, channel: str, stage: Stage, limit: int = 10_000) -> tuple[Entry, ...]:
        """The alerts of a channel at a stage, the oldest first."""
        ...

    def put(self, entries: Iterable[Entry]) -> None:
        """Keeps them, each in place of the one of its channel and event; all or none."""
        ...

    def told(self, channel: str, rule: str) -> datetime | None:
        """When a rule last told a channel."""
        ...

    def tell(self, channel: str, rules: Iterable[str], at: datetime) -> None:
        """Keeps that these rules told it now."""
        ...

    def forget(self, before: datetime) -> int:
        """Lets go of what was done before, and says how much."""
        ...


class MemoryState:
    """A state for as long as the process lives."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}
        self._told: dict[tuple[str, str], datetime] = {}
        self._lock = Lock()

    def entry(self, channel: str, event_id: str) -> Entry | None:
        """See AlertState."""
        with self._lock:
            return self._entries.get((channel, event_id))

    def of_run(self, channel: str, source: str, run_id: str) -> tuple[Entry, ...]:
        """See AlertState."""
        wanted = (channel, source, run_id)
        with self._lock:
            every = [each for each in self._entries.values() if (each.channel, each.source, each.run_id) == wanted]
        return tuple(sorted((each for each in every if each.stage is not Stage.DONE), key=lambda each: each.at))

    def at_stage(self, channel: str, stage: Stage, limit: int = 10_000) -> tuple[Entry, ...]:
        """See AlertState."""
        with self._lock:
            every = [each for each in self._entries.values() if (each.channel, each.stage) == (channel, stage)]
        return tuple(sorted(every, key=lambda each: each.at)[:limit])

    def put(self, entries: Iterable[Entry]) -> None:
        """See AlertState."""
        with self._lock:
            self._entries.update({(each.channel, each.event_id): each for each in entries})

    def told(self, channel: str, rule: str) -> datetime | None:
        """See AlertState."""
        with self._lock:
            return self._told.get((channel, rule))

    def tell(self, channel: str, rules: Iterable[str], at: datetime) -> None:
        """See AlertState."""
        with self._lock:
            self._told.update({(channel, rule): at for rule in rules})

    def forget(self, before: datetime) -> int:
        """See AlertState."""
        with self._lock:
            old = [key for key, each in self._entries.items() if each.stage is Stage.DONE and each.at < before]
            for key in old:
                del self._entries[key]
        return len(old)
