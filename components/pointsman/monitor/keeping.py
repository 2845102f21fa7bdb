"""What is known of the runs of one source: in the journal all that must last, in memory the runs that have not ended.

A mere sign of life is kept in memory: after a crash the row itself tells it again, for a run is looked at in its source
before it is told as silent. All else is in the journal before anybody hears of it. Ended runs leave the memory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from pointsman.monitor import crashing
from pointsman.monitor.events import Event, EventKind
from pointsman.monitor.history import History
from pointsman.monitor.journal import Journal
from pointsman.monitor.register import Audience, Read, Register
from pointsman.monitor.watched import Watched

# How far a source was read is noted with every other note, and at least this often; what was read since is read again.
READ_SECONDS = 5.0


@dataclass(frozen=True)
class _Known:
    """A run in memory, and when it is due by the journal, which is never later than in truth."""

    watched: Watched
    due_at: float | None
    lasting: bool


@dataclass
class Work:
    """What a look brought: runs to be noted in the journal, those that merely showed life, and what is to be told."""

    lasting: dict[str, Watched] = field(default_factory=dict)
    alive: dict[str, Watched] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def of(self, run_id: str) -> Watched | None:
        """What the same look brought before."""
        return self.lasting.get(run_id) or self.alive.get(run_id)


class Keeper:
    """The runs of one source. One thread calls it."""

    def __init__(self, source: str, journal: Journal) -> None:
        self.register = Register(journal)
        self.history = History(journal)
        self.read = self.register.read(source)
        self._source = source
        self._journal = journal
        self._noted = self.read
        self._noted_at = 0.0
        self._active: dict[str, _Known] = {}

    def known(self, run_ids: Collection[str]) -> dict[str, Watched]:
        """What is known of these runs, by id."""
        unknown = [run_id for run_id in run_ids if run_id not in self._active]
        loaded = self.register.watched(self._source, unknown) if unknown else {}
        for run_id, watched in loaded.items():
            if watched.ended_at is None:
                self._active[run_id] = _Known(watched, watched.due_at, lasting=True)
        return loaded | {run_id: self._active[run_id].watched for run_id in run_ids if run_id in self._active}

    def put(self, work: Work, before: Watched | None, after: Watched, events: Sequence[Event]) -> None:
        """Adds what a run's look brought."""
        if after is before:
            return
        run_id = after.run.id
        work.events += events
        if events or before is None or run_id in work.lasting or not self._merely_alive(before, after):
            work.lasting[run_id] = after
            work.alive.pop(run_id, None)
        else:
            work.alive[run_id] = after

    def keep(self, work: Work, read: Read, audience: Audience, steady: float) -> None:
        """Notes it all in one transaction, where there is anything that must last. Raises JournalDown."""
        if work.lasting or (read != self._noted and steady - self._noted_at >= READ_SECONDS):
            with self._journal.transaction() as within:
                self.register.keep(within, work.lasting.values())
                self.register.tell(within, work.events, audience)
                self.history.add(within, _durations(work))
                if read != self._noted:
                    self.register.set_read(within, self._source, read)
                crashing.point("watch-before-commit")
            self._noted, self._noted_at = read, steady
        self.read = read
        for run_id, watched in work.lasting.items():
            if watched.ended_at is None:
                self._active[run_id] = _Known(watched, watched.due_at, lasting=True)
            else:
                self._active.pop(run_id, None)
        for run_id, watched in work.alive.items():
            self._active[run_id] = _Known(watched, self._active[run_id].due_at, lasting=False)
        if work.lasting:
            crashing.point("watch-after-commit")

    def shift(self, seconds: float, now: float) -> None:
        """The clock was moved by so much, to `now`: so are all times of runs that have not ended."""
        with self._journal.transaction() as within:
            self.register.keep(within, (each.watched for each in self._active.values() if not each.lasting))
            self.register.shift(within, self._source, seconds, now)
        self._active.clear()

    def prune(self, before: float, limit: int) -> bool:
        """Drops what ended or was told before a time, at most `limit` of each; says whether that was all."""
        with self._journal.transaction() as within:
            count = self.register.forget(within, before, limit)
            self.history.trim(within, before)
            crashing.point("prune-before-commit")
        return count < limit

    def _merely_alive(self, before: Watched, after: Watched) -> bool:
        known = self._active.get(after.run.id)
        if known is None or known.due_at is None or after.due_at is None or after.due_at < known.due_at:
            return False
        return _lasting(before) == _lasting(after)


def _lasting(watched: Watched) -> tuple[object, ...]:
    """All that is more than a sign of life."""
    run = watched.run
    head = (run.state, run.kind, run.attempt, watched.attempt, watched.since, watched.began, watched.stalls)
    return (*head, watched.told, watched.settling, watched.ended_at, watched.gone)


def _durations(work: Work) -> Iterator[tuple[str, str, float, float]]:
    """How long runs ran that are told as completed."""
    for event in work.events:
        after = work.lasting[event.run.id]
        if event.kind is EventKind.COMPLETED and after.ran is not None and after.ended_at is not None:
            yield event.run.source, event.run.kind, after.ended_at, after.ran
