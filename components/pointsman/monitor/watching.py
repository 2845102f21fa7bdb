"""Watching one source: what changed is read, judged by the state machine, and kept in one transaction of the journal.

The loop that calls this, waits and serves is elsewhere; nothing here sleeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from pointsman.monitor import crashing, machine
from pointsman.monitor.clock import Clock
from pointsman.monitor.drifting import Jumps, Skew
from pointsman.monitor.events import Event
from pointsman.monitor.journal import Journal
from pointsman.monitor.keeping import Keeper, Work
from pointsman.monitor.limits import Limits
from pointsman.monitor.register import Audience, Read
from pointsman.monitor.sweeping import Sweep
from pointsman.monitor.watched import Watched
from pointsman.runs.model import Run
from pointsman.runs.source import RunSource, SourceDown

# What changed since a look that was this long ago at most changed while the monitor looked on.
LIVE_SECONDS = 5.0
# After a source was away for longer than the first, runs have the second to show life before they count as silent.
AWAY_SECONDS, GRACE_SECONDS = 60.0, 60.0
PRUNE_SECONDS, PRUNED = 60.0, 5000
DUE_AT_ONCE = 500

T = TypeVar("T")


@dataclass(frozen=True)
class Seen:
    """What one look brought: how many rows changed, the events that are in the journal now, rows that could not be
    read as (run id, why), and whether there is more to read at once."""

    changed: int = 0
    events: tuple[Event, ...] = ()
    malformed: tuple[tuple[str, str], ...] = ()
    more: bool = False


class Watcher:
    """The watch over one source. One thread calls it; `audience` says which handlers an event goes to."""

    def __init__(
        self, source: RunSource, journal: Journal, limits: Limits, clock: Clock, audience: Audience = lambda kind: ()
    ) -> None:
        """Goes on where the journal says that the source was read to. Raises JournalDown."""
        self.source = source
        self.limits = limits
        self._keeper = Keeper(source.name, journal)
        self.register, self.history = self._keeper.register, self._keeper.history
        self._journal = journal
        self._clock = clock
        self._audience = audience
        self._jumps = Jumps(clock)
        self._skew = Skew(self._keeper.read.skew)
        steady = clock.monotonic()
        self._sweep = Sweep(self.register, source.name, steady)
        self._judged_from = self._pruned_at = steady
        self._caught_up_at: float | None = None
        self._away_since: float | None = None
        self.reload(limits, audience)

    @property
    def skew(self) -> float:
        """Seconds that the monitor's clock is ahead of the source's writers', as seen of their last changes."""
        return self._keeper.read.skew

    def step(self) -> Seen:
        """Reads what changed, judges it, keeps it. Raises SourceDown and JournalDown; then nothing of it was kept."""
        now = self._looked()
        changes = self._asked(lambda: self.source.changes(self._keeper.read.cursor))
        crashing.point("watch-after-read")
        live = self._live()
        work = Work()
        known = self._keeper.known({run.id for run in changes.runs}) if changes.runs else {}
        for run in changes.runs:
            before = work.of(run.id) or known.get(run.id)
            if live and before is not None:
                self._skew.measure(before.run, run, now)
            self._keeper.put(work, before, *self._judged(before, run, now, live=live))
        self._keep(work, Read(changes.cursor, self._skew.settle(self.source.name)))
        if not changes.more:
            self._caught_up_at = self._clock.monotonic()
        return Seen(len(changes.runs), tuple(work.events), changes.malformed, changes.more)

    def due(self, now: datetime | None = None) -> Seen:
        """What time alone brought, and rows that are gone; nothing while the source is not read to its end.

        Whatever is to be told is looked at once more in the source before. Raises SourceDown and JournalDown; then
        nothing of it was kept.
        """
        now = now or self._looked()
        steady = self._clock.monotonic()
        if self._caught_up_at is None or steady < self._judged_from:
            return Seen()
        if steady - self._pruned_at >= PRUNE_SECONDS:
            old = now.timestamp() - self.limits.retention
            self._pruned_at = steady if self._keeper.prune(old, PRUNED) else self._pruned_at
        overdue = self.register.due(self.source.name, now.timestamp(), DUE_AT_ONCE)
        work = Work()
        suspects = self._gone(self._sweep.turn(steady))
        for run_id, before in self._keeper.known(overdue).items() if overdue else ():
            after, events = self._judged(before, before.run, now)
            if events:
                suspects.append(run_id)
            else:
                work.lasting[run_id] = after
        if suspects:
            self._look_again(work, suspects, now)
        self._keep(work, self._keeper.read)
        return Seen(len(work.lasting), tuple(work.events), more=len(overdue) == DUE_AT_ONCE)

    def next_due(self) -> float | None:
        """When time alone may bring the next event, in seconds since 1970."""
        return self.register.next_due(self.source.name)

    def tell(self, events: Iterable[Event]) -> None:
        """Puts events into the journal that are of no run, such as those of the monitor's own health."""
        with self._journal.transaction() as within:
            self.register.tell(within, events, self._audience)

    def reload(self, limits: Limits, audience: Audience) -> None:
        """Takes other limits and handlers: every run is held against them at the next `due`. Raises JournalDown."""
        self.limits, self._audience = limits, audience
        with self._journal.transaction() as within:
            self.register.all_due(within, self.source.name, self._clock.now().timestamp())

    def _judged(self, before: Watched | None, run: Run | None, now: datetime, *, live: bool = True) -> machine.Seen:
        known = run or (before.run if before else None)
        kind = known.kind if known else ""
        bounds = self.limits.bounds(kind, self.history.of(self.source.name, kind, now.timestamp()))
        return machine.seen(before, run, now, bounds, live=live, skew=self.skew)

    def _look_again(self, work: Work, run_ids: Sequence[str], now: datetime) -> None:
        """Judges runs as their source has them now; a row that is there but cannot be read is as it was.

        What it shows that no change told was not seen to happen: a sign of life is of when the row says.
        """
        fresh = {run_id: self._asked(partial(self.source.run, run_id)) for run_id in run_ids}
        missing = [run_id for run_id, run in fresh.items() if run is None]
        unreadable = self._asked(lambda: self.source.there(missing)) if missing else frozenset()
        for run_id, before in self._keeper.known(fresh).items():
            run = before.run if run_id in unreadable else fresh[run_id]
            after, events = self._judged(before, run, now, live=False)
            work.lasting[run_id] = after
            work.events += events

    def _gone(self, run_ids: Sequence[str]) -> list[str]:
        there = self._asked(lambda: self.source.there(run_ids)) if run_ids else frozenset()
        return [run_id for run_id in run_ids if run_id not in there]

    def _keep(self, work: Work, read: Read) -> None:
        self._keeper.keep(work, read, self._audience, self._clock.monotonic())

    def _asked(self, question: Callable[[], T]) -> T:
        """The source's answer; notes when it went away and came back."""
        try:
            answer = question()
        except SourceDown:
            self._caught_up_at = None
            if self._away_since is None:
                self._away_since = self._clock.monotonic()
            raise
        steady = self._clock.monotonic()
        if self._away_since is not None and steady - self._away_since > AWAY_SECONDS:
            self._judged_from = steady + GRACE_SECONDS
        self._away_since = None
        return answer

    def _live(self) -> bool:
        return self._caught_up_at is not None and self._clock.monotonic() - self._caught_up_at <= LIVE_SECONDS

    def _looked(self) -> datetime:
        now, jump = self._jumps.looked()
        if jump:
            self._keeper.shift(jump, now.timestamp())
        return now
