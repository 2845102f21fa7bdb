"""What people are shown of runs: read from the sources as they are now, and from the journal, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pointsman.monitor.events import Event
from pointsman.monitor.handlers.naming import text_of
from pointsman.monitor.handlers.summary import elapsed
from pointsman.monitor.journal import Journal
from pointsman.monitor.letters import Letter, Letters
from pointsman.monitor.register import Register
from pointsman.runs.model import Run, Step
from pointsman.runs.source import Page, RunSource

Record = dict[str, Any]
MOST_RUNS = 1000


@dataclass(frozen=True)
class Views:
    """Runs of all sources. `journal` is None where no monitor has run yet: then nothing is known of stalls and events.

    Every method raises SourceDown and JournalDown.
    """

    sources: Sequence[RunSource]
    journal: Journal | None = None

    def runs(self, wanted: Page, source: str = "") -> list[Record]:
        """Runs by newest change, of one source or of all. `before` is of the one source that is asked for."""
        now, found = datetime.now(UTC), list[tuple[datetime, Record]]()
        for each in self._of(source):
            stalled = self._stalled(each.name)
            runs = each.runs(wanted)
            found += [(run.updated_at, of_run(run, now, sorted(stalled.get(run.id, ())))) for run in runs]
        found.sort(key=lambda pair: pair[0], reverse=True)
        return [record for _, record in found[: wanted.limit]]

    def run(self, run_id: str, source: str = "") -> Record | None:
        """One run with its steps, what was told of it and what handlers made of that; None where there is none."""
        now = datetime.now(UTC)
        for each in self._of(source):
            if (run := each.run(run_id)) is None:
                continue
            record = of_run(run, now, sorted(self._stalled(each.name).get(run_id, ())))
            record["steps"] = [of_step(step, now) for step in each.steps(run_id)]
            record["events"] = [self._of_event(event) for event in self._told(each.name, run_id)]
            return record
        return None

    def dead_letters(self, handler: str = "", limit: int = MOST_RUNS) -> list[Record]:
        """Deliveries that were given up, the oldest first."""
        letters = Letters(self.journal).dead_letters(handler, limit) if self.journal else []
        return [of_letter(letter) for letter in letters]

    def _of(self, source: str) -> list[RunSource]:
        return [each for each in self.sources if source in ("", each.name)]

    def _stalled(self, source: str) -> Mapping[str, frozenset[str]]:
        return Register(self.journal).stalled(source) if self.journal else {}

    def _told(self, source: str, run_id: str) -> list[Event]:
        return Register(self.journal).told(source, run_id) if self.journal else []

    def _of_event(self, event: Event) -> Record:
        letters = Letters(self.journal).of_event(event.id) if self.journal else []
        record = of_event(event)
        record["handlers"] = [
            {
                "handler": each.handler,
                "state": each.state,
                "attempts": each.attempts,
                "note": text_of(each.note),
                "error": text_of(each.error),
                "at": _time(each.at),
            }
            for each in letters
        ]
        return record


def of_run(run: Run, now: datetime, stalls: Sequence[str] = ()) -> Record:
    """A run; `seconds` is how long it has run, or ran."""
    ended = run.finished_at or (None if run.state.final else now)
    return {
        "id": text_of(run.id),
        "source": run.source,
        "name": text_of(run.name),
        "kind": text_of(run.kind),
        "state": run.state.value,
        "stalls": [str(each) for each in stalls],
        "attempt": run.attempt,
        "steps_done": run.done_steps,
        "steps_failed": run.failed_steps,
        "steps_total": run.total_steps,
        "seconds": elapsed(run.started_at, ended),
        "created_at": _time(run.created_at),
        "started_at": _time(run.started_at),
        "finished_at": _time(run.finished_at),
        "heartbeat_at": _time(run.heartbeat_at),
        "updated_at": _time(run.updated_at),
        "error": text_of(run.error),
        "url": text_of(run.url),
        "trace_id": text_of(run.trace_id),
        "artifacts": text_of(str(run.artifacts)) if run.artifacts else None,
        "labels": dict(run.labels),
    }


def of_step(step: Step, now: datetime) -> Record:
    """A step, as a run."""
    return {
        "name": text_of(step.name),
        "position": step.position,
        "kind": text_of(step.kind),
        "state": step.state.value,
        "seconds": elapsed(step.started_at, step.finished_at or (None if step.state.final else now)),
        "started_at": _time(step.started_at),
        "finished_at": _time(step.finished_at),
        "error": text_of(step.error),
    }


def of_event(event: Event) -> Record:
    """What was told."""
    return {
        "event_id": event.id,
        "event": event.kind.value,
        "stall": event.stall.value if event.stall else None,
        "at": _time(event.at),
        "reason": text_of(event.reason),
    }


def of_letter(letter: Letter) -> Record:
    """A delivery that was given up."""
    run = letter.event.run
    return {
        "handler": letter.handler,
        "event_id": letter.event.id,
        "event": letter.event.kind.value,
        "source": run.source,
        "run": text_of(run.id),
        "attempts": letter.attempts,
        "error": text_of(letter.error),
        "at": _time(letter.at),
    }


def _time(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="milliseconds") if at else None
