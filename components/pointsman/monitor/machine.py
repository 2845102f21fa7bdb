"""What is to be said of a run, from what was known of it and how it is now: a pure state machine.

The answers to what is odd:

- **Clocks that differ.** What is seen to change while the monitor looks on happened now, whatever the row says. What
  changed unseen (the monitor was away, the run is new to it) happened when the row says, corrected by `skew` and never
  in the future.
- **A status that goes backwards.** Running to queued: it is queued anew, and `run_started` is not told twice. An end
  that becomes another end is a correction and is told as that. A row older than the one that told the end is a
  stale copy: nothing is told.
- **A re-run under the same id.** A higher attempt, or an ended run that runs again: an attempt of its own, whose events
  have ids of their own, counted here where the source does not count. Of an end that no row shows any more nothing is
  told.
- **A deleted run.** `run_deleted` where it had not ended. One that comes back is a new attempt.
- **Half-written rows.** An end without a finishing time, or with steps still open, has `settle` seconds to become
  whole; then it is told as it is. A running run without a starting time began when it was seen running.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime

from pointsman.monitor import reasons
from pointsman.monitor.events import Event, EventKind, Stall
from pointsman.monitor.limits import Bounds
from pointsman.monitor.watched import Watched
from pointsman.runs.model import Run, RunState

ENDS = {
    RunState.COMPLETED: EventKind.COMPLETED,
    RunState.FAILED: EventKind.FAILED,
    RunState.CANCELLED: EventKind.CANCELLED,
}
Seen = tuple[Watched, tuple[Event, ...]]


def seen(
    watched: Watched | None, run: Run | None, now: datetime, limits: Bounds, *, live: bool = True, skew: float = 0.0
) -> Seen:
    """What is known now, and what is to be told.

    `run` is None where the row is gone. Called again with the same run later, it tells what time alone brings. `live`
    says that the monitor looked a moment ago, so that what changed changed just now. `skew` is how many seconds the
    monitor's clock is ahead of the source's. Raises ValueError where there is neither a run nor a watched one.
    """
    look = _Look(now.timestamp(), now, limits, live, skew)
    if run is None:
        if watched is None:
            raise ValueError("neither a run nor what was known of it")
        return _gone(watched, look)
    if watched is None:
        return _first(run, look)
    if _again(watched, run):
        return _rerun(watched, run, look)
    if watched.ended_at is not None:
        return _after_the_end(watched, run, look)
    return _moved(watched, run if run.attempt >= watched.run.attempt else watched.run, look)


@dataclass
class _Look:
    """One look at one run: when, and what is told of it."""

    now: float
    at: datetime
    limits: Bounds
    live: bool
    skew: float
    events: list[Event] = field(default_factory=list)

    def by_my_clock(self, time: datetime) -> float:
        """A time of the source's: never in the future."""
        return min(self.now, time.timestamp() + self.skew)

    def life(self, run: Run) -> float:
        """When the run last showed life, by its row."""
        return self.by_my_clock(max(run.updated_at, run.heartbeat_at or run.updated_at))

    def tell(self, watched: Watched, kind: EventKind, reason: str, stall: Stall | None = None) -> Watched:
        """Adds an event, and counts it."""
        name = f"{kind}/{stall}" if stall else str(kind)
        ordinal = watched.told.get(name, 0)
        run = watched.run
        run = run if run.attempt == watched.attempt else replace(run, attempt=watched.attempt)
        self.events.append(Event(kind, run, self.at, reason, stall, ordinal))
        return replace(watched, told={**watched.told, name: ordinal + 1})


def _first(run: Run, look: _Look) -> Seen:
    active_at, started = look.life(run), look.by_my_clock(run.started_at or run.created_at)
    since = {RunState.QUEUED: look.by_my_clock(run.created_at), RunState.RUNNING: started}.get(run.state, active_at)
    if run.state.final and run.finished_at:
        since = look.by_my_clock(run.finished_at)
    began = started if run.started_at or run.state is RunState.RUNNING else None
    watched = Watched(run, run.attempt, since, active_at, began)
    if run.state.final and since < look.now - look.limits.retention:
        return replace(watched, ended_at=since), ()
    return _entered(watched, look)


def _again(watched: Watched, run: Run) -> bool:
    """Whether this is another attempt than the one that is watched."""
    old = watched.run
    if run.attempt > old.attempt or watched.gone:
        return True
    if run.attempt < old.attempt:
        return run.created_at > old.created_at
    if watched.ended_at is None:
        return False
    if run.started_at and old.started_at and run.started_at != old.started_at:
        # An end whose starting time alone was corrected is the same end.
        return not run.state.final or (run.started_at > old.started_at and run.finished_at != old.finished_at)
    return not run.state.final and run.updated_at >= old.updated_at


def _rerun(watched: Watched, run: Run, look: _Look) -> Seen:
    if watched.settling is not None:
        watched = _end_told(watched, look)
    _recovered(watched, look, watched.stalls, "it was run again")
    moment = look.now if look.live else look.life(run)
    began: float | None = None
    if run.state is not RunState.QUEUED and run.started_at and run.started_at != watched.run.started_at:
        began = look.by_my_clock(run.started_at)
    elif run.state is RunState.RUNNING:
        began = moment
    return _entered(Watched(run, max(watched.attempt + 1, run.attempt), moment, moment, began), look)


def _after_the_end(watched: Watched, run: Run, look: _Look) -> Seen:
    if run.attempt < watched.run.attempt or not run.state.final or run.updated_at < watched.run.updated_at:
        return watched, ()
    if run.state is watched.run.state:
        return (watched if run == watched.run else replace(watched, run=run)), ()
    reason = f"it was {watched.run.state} and was then corrected"
    told = look.tell(replace(watched, run=run), ENDS[run.state], reason)
    return told, tuple(look.events)


def _moved(watched: Watched, run: Run, look: _Look) -> Seen:
    """The same attempt, which had not ended."""
    old, alive = watched.run, _sign(run) != _sign(watched.run)
    moment = look.now if look.live else max(watched.active_at, look.life(run))
    # The wall clock may have been set back since.
    active_at = moment if alive else min(watched.active_at, look.now)
    watched = replace(watched, run=run, active_at=active_at)
    if run.state is old.state:
        return _judged(_recovered(watched, look, {Stall.SILENT}, "it shows life") if alive else watched, look)
    began = _began(watched, old.state, moment, look)
    watched = replace(watched, since=moment, began=began)
    if run.state.final:
        return _judged(watched, look)
    over = watched.stalls if run.state is RunState.QUEUED else watched.stalls - {Stall.RUNNING}
    return _entered(_recovered(replace(watched, settling=None), look, over, f"it is {reasons.words(run.state)}"), look)


def _began(watched: Watched, before: RunState, moment: float, look: _Look) -> float | None:
    """When the run began to run, now that it left the state `before`."""
    run, began = watched.run, watched.began
    if run.state is RunState.QUEUED:
        return None
    if began is not None:
        waited = moment - watched.since if before is RunState.WAITING_FOR_APPROVAL else 0.0
        return min(look.now, began + max(0.0, waited))
    if run.started_at and before is RunState.QUEUED and (run.state.final or not look.live):
        # Not before the state that it left: a careless writer leaves the start of the last attempt.
        return min(moment, max(watched.since, look.by_my_clock(run.started_at)))
    return moment if run.state is RunState.RUNNING else None


def _sign(run: Run) -> tuple[object, ...]:
    """What changes when a run shows life."""
    return run.heartbeat_at, run.updated_at, run.state, run.done_steps, run.failed_steps, run.total_steps


def _recovered(watched: Watched, look: _Look, over: AbstractSet[Stall], reason: str) -> Watched:
    if not watched.stalls & over:
        return watched
    for stall in sorted(watched.stalls & over):
        watched = look.tell(watched, EventKind.RECOVERED, reason, stall)
    return replace(watched, stalls=watched.stalls - over)


def _entered(watched: Watched, look: _Look) -> Seen:
    """Tells that the run came into its state, and of the limits that it passed."""
    state = watched.run.state
    if state is RunState.RUNNING and str(EventKind.STARTED) not in watched.told:
        watched = look.tell(watched, EventKind.STARTED, "it began to run")
    elif state is RunState.WAITING_FOR_APPROVAL:
        watched = look.tell(watched, EventKind.WAITING, "it waits for approval")
    return _judged(watched, look)


def _judged(watched: Watched, look: _Look) -> Seen:
    watched = _ended(watched, look) if watched.run.state.final else _overdue(watched, look)
    return watched, tuple(look.events)


def _ended(watched: Watched, look: _Look) -> Watched:
    missing = reasons.missing(watched.run)
    settling = look.now if watched.settling is None else min(watched.settling, look.now)
    if missing and look.now < (due_at := settling + look.limits.settle):
        return replace(watched, settling=settling, due_at=due_at)
    return _end_told(watched, look)


def _end_told(watched: Watched, look: _Look) -> Watched:
    watched = look.tell(watched, ENDS[watched.run.state], reasons.ended(watched.run))
    return replace(watched, stalls=frozenset(), settling=None, due_at=None, ended_at=watched.since)


def _overdue(watched: Watched, look: _Look) -> Watched:
    due_at: float | None = None
    for stall, deadline in _deadlines(watched, look.limits):
        if stall in watched.stalls:
            continue
        if look.now < deadline:
            due_at = deadline if due_at is None else min(due_at, deadline)
            continue
        watched = look.tell(watched, EventKind.STALLED, reasons.stalled(watched.run, stall, look.limits), stall)
        watched = replace(watched, stalls=watched.stalls | {stall})
    return watched if watched.due_at == due_at else replace(watched, due_at=due_at)


def _deadlines(watched: Watched, limits: Bounds) -> tuple[tuple[Stall, float], ...]:
    state, since = watched.run.state, watched.since
    if state is RunState.QUEUED:
        return ((Stall.QUEUED, since + limits.queued),)
    if state is RunState.WAITING_FOR_APPROVAL:
        return ((Stall.APPROVAL, since + limits.approval),)
    began = since if watched.began is None else watched.began
    return (Stall.SILENT, watched.active_at + limits.silent), (Stall.RUNNING, began + limits.running)


def _gone(watched: Watched, look: _Look) -> Seen:
    if watched.ended_at is not None:
        return watched, ()
    if watched.settling is not None:
        return _end_told(watched, look), tuple(look.events)
    watched = look.tell(watched, EventKind.DELETED, f"its row is gone, and it was {reasons.words(watched.run.state)}")
    watched = replace(watched, stalls=frozenset(), settling=None, due_at=None, ended_at=look.now, gone=True)
    return watched, tuple(look.events)
