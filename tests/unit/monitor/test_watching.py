"""The watch over a source: read, judged, kept in one transaction; what time brings; what goes wrong with clocks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pointsman.monitor.events import Event, EventKind
from pointsman.monitor.journal import SCHEMA_VERSION, Journal, JournalDown
from pointsman.monitor.letters import Letters
from pointsman.monitor.limits import Durations, KindLimits, Limits, span, summed_up
from pointsman.monitor.watching import Watcher
from pointsman.runs.model import RunState
from pointsman.runs.source import SourceDown
from tests.unit.monitor.test_machine import words
from tests.unit.monitor.world import ManualClock, MemorySource, a_run, after, moved

R, COMPLETED = RunState.RUNNING, RunState.COMPLETED
MINUTE = 60.0


def everyone(kind: EventKind) -> tuple[str, ...]:
    """Two handlers that want all."""
    return ("archive", "report")


class Watch:
    """A watcher, its world and its journal; `again` is a restart of the monitor."""

    def __init__(self, path: Path, limits: Limits | None = None) -> None:
        self.clock, self.source, self.limits = ManualClock(), MemorySource(), limits or Limits()
        self.journal = Journal(path)
        self.watcher = self.started()

    def started(self) -> Watcher:
        return Watcher(self.source, self.journal, self.limits, self.clock, everyone)

    def look(self) -> list[str]:
        """One turn of the loop."""
        events = self.watcher.step().events
        return words([*events, *self.watcher.due().events])

    def later(self, seconds: float, step: float = 1.0) -> list[str]:
        """What a loop that looks every `step` seconds is told in this time."""
        told: list[str] = []
        for _ in range(round(seconds / step)):
            self.clock.pass_(step)
            told += self.look()
        return told


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    """A watch with the default limits."""
    each = Watch(tmp_path / "journal.db")
    yield each
    each.journal.close()


def told(journal: Journal) -> list[str]:
    """The ids of all events in the journal."""
    return [row[0] for row in journal.rows("SELECT id FROM events ORDER BY seq")]


def test_one_transaction_holds_cursor_run_event_and_deliveries(watch: Watch) -> None:
    """What was read is kept with what is to be done about it; a restart goes on and tells nothing twice."""
    watch.source.write(a_run(R))
    watch.look()
    watch.source.write(moved(a_run(R), COMPLETED, 3))
    watch.clock.pass_(4)
    assert watch.look() == ["completed"]
    assert Letters(watch.journal).pending() == {"archive": 2, "report": 2}
    before = told(watch.journal)
    watch.watcher = watch.started()
    assert watch.look() == []
    assert watch.watcher.step().changed == 0
    assert told(watch.journal) == before


def test_nothing_is_kept_of_a_transaction_that_failed(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full in the middle leaves cursor, runs and events as they were; the next look does it all."""
    watch.source.write(a_run(R))

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(watch.watcher.register, "tell", full)
        with pytest.raises(JournalDown, match="disk is full"):
            watch.look()
    assert watch.journal.rows("SELECT * FROM watched") == []
    assert watch.look() == ["started"]


def test_the_same_rows_read_again_tell_nothing(watch: Watch) -> None:
    """A cursor that overlaps, or was lost, is harmless."""
    run = a_run(R)
    watch.source.write(run)
    watch.look()
    watch.source.write(moved(run, COMPLETED, 1))
    watch.look()
    with watch.journal.transaction() as within:
        within.execute("UPDATE sources SET cursor = ''")
    watch.watcher = watch.started()
    assert watch.watcher.step().changed == 1
    assert len(told(watch.journal)) == 2


def test_time_alone_finds_silence_without_a_scan(watch: Watch) -> None:
    """A silent run is asked for when it is due, once, and no other is."""
    watch.source.write(*(a_run(R, id=f"r{each}") for each in range(20)))
    watch.look()
    due_at = watch.watcher.next_due()
    assert due_at == after(30 * MINUTE).timestamp()
    watch.clock.pass_(29 * MINUTE)
    fresh = [replace(a_run(R, id=f"r{each}"), heartbeat_at=after(29 * MINUTE)) for each in range(1, 20)]
    watch.source.write(*fresh)
    watch.look()
    watch.source.asked.clear()
    assert watch.later(61) == ["stalled silent"]
    assert watch.source.asked.count("run") == 1


def test_a_sign_of_life_costs_no_note_and_is_not_missed_after_a_crash(watch: Watch) -> None:
    """Heartbeats stay in memory; a monitor that lost them looks at the row before it calls a run silent."""
    run = a_run(R)
    watch.source.write(run)
    watch.look()
    noted = watch.journal.rows("SELECT active_at, due_at FROM watched")
    watch.clock.pass_(29 * MINUTE)
    beat = replace(run, heartbeat_at=watch.clock.now(), updated_at=watch.clock.now())
    watch.source.write(beat)
    watch.look()
    assert watch.journal.rows("SELECT active_at, due_at FROM watched") == noted
    watch.clock.pass_(10)
    watch.watcher = watch.started()
    assert watch.later(29 * MINUTE, 10) == []
    assert watch.later(MINUTE, 10) == ["stalled silent"]


def test_a_row_that_was_deleted_is_found_within_a_minute(watch: Watch) -> None:
    """No change tells of it: a round through the runs under watch does."""
    watch.source.write(*(a_run(R, id=f"r{each:03}") for each in range(250)))
    watch.look()
    watch.source.delete("r249")
    assert watch.later(10) == ["deleted"]


def test_a_run_that_was_deleted_while_it_was_silent_is_deleted_not_silent(watch: Watch) -> None:
    """What is due is looked at once more before anything is told."""
    watch.source.write(a_run(R))
    watch.look()
    watch.clock.pass_(40 * MINUTE)
    watch.watcher.step()
    watch.source.delete("r")
    assert watch.look() == ["deleted"]


def test_a_row_that_cannot_be_read_is_neither_gone_nor_alive(watch: Watch) -> None:
    """It is named; the run's limits hold as they were; when the row is whole again, its change is seen."""
    run = a_run(R)
    watch.source.write(run)
    watch.look()
    watch.source.malformed.add("r")
    watch.source.write(moved(run, COMPLETED, 9))
    assert watch.watcher.step().malformed == (("r", "its state is ?"),)
    assert watch.later(31 * MINUTE, 10) == ["stalled silent"]
    watch.source.malformed.clear()
    watch.source.write(moved(run, COMPLETED, 9))
    assert watch.look() == ["completed"]


def test_a_source_that_is_away_makes_no_run_silent(watch: Watch) -> None:
    """While it does not answer nothing is judged; when it is back, runs have a minute to show life."""
    run = a_run(R)
    watch.source.write(run, replace(run, id="dead"))
    watch.look()
    watch.source.down = True
    for _ in range(60):
        watch.clock.pass_(MINUTE)
        with pytest.raises(SourceDown):
            watch.watcher.step()
        assert watch.watcher.due().events == ()
    watch.source.down = False
    assert watch.look() == []
    watch.clock.pass_(20)
    watch.source.write(replace(run, heartbeat_at=watch.clock.now(), updated_at=watch.clock.now()))
    assert watch.later(70) == ["stalled silent"]


@pytest.mark.parametrize("by", [7200.0, -7200.0])
def test_a_clock_that_is_set_moves_all_limits_with_it(watch: Watch, by: float) -> None:
    """A wall clock that jumps makes no run silent, and delays no limit and no delivery."""
    watch.source.write(a_run(R))
    watch.look()
    watch.later(10 * MINUTE, 10)
    watch.clock.set(by)
    assert watch.later(19 * MINUTE, 10) == []
    assert watch.later(2 * MINUTE, 10) == ["stalled silent"]
    assert Letters(watch.journal).claim("archive", watch.clock.now().timestamp(), lambda claim: 1.0, 8)


def test_the_skew_of_writers_is_learned_and_outlives_a_restart(watch: Watch) -> None:
    """An hour behind, as where local time was written as UTC: after a restart no run is silent for that."""
    behind = -3600.0
    run = a_run(R, behind)
    watch.source.write(run)
    watch.look()
    for _ in range(10):
        watch.later(30)
        time = after(watch.clock.at + behind)
        watch.source.write(replace(run, updated_at=time, heartbeat_at=time))
        watch.look()
    assert watch.watcher.skew == pytest.approx(3600)
    watch.watcher = watch.started()
    watch.source.write(replace(run, id="new"))
    watch.source.write(a_run(R, watch.clock.at + behind, id="newer"))
    assert watch.look() == ["started", "started"]


def test_a_limit_follows_from_the_history_of_a_kind(tmp_path: Path) -> None:
    """Twenty runs of 100 s: one that runs three times as long is stalled; another kind is not."""
    watch = Watch(tmp_path / "journal.db", Limits(KindLimits(least_running=1.0)))
    ended = [a_run(COMPLETED, 0, id=f"h{each}", started_at=after(-100)) for each in range(20)]
    watch.source.write(*ended)
    watch.look()
    watch.clock.pass_(31)
    watch.source.write(a_run(R, 31, id="long"), a_run(R, 31, id="other", kind="nightly"))
    watch.look()
    assert watch.later(299) == []
    assert watch.later(2) == ["stalled running_too_long"]
    reasons = [each.reason for each in watch.watcher.register.told("store", "long")]
    assert reasons[-1] == "running for 5 min, which is 3 times the p99 of the last 20 of its kind"


def test_limits_that_are_reloaded_hold_for_runs_under_watch(watch: Watch) -> None:
    """A shorter limit is not waited for until the old one would have been reached."""
    watch.source.write(a_run(R))
    watch.later(60)
    watch.watcher.reload(Limits(kinds={"batch": KindLimits(silent=30)}), everyone)
    assert watch.later(1) == ["stalled silent"]


def test_the_journal_forgets_what_is_old_and_keeps_what_is_to_be_done(watch: Watch) -> None:
    """Ended runs and delivered events go after the retention; an event that is still to be delivered stays."""
    watch.watcher.limits = Limits(retention=100 * MINUTE)
    watch.source.write(a_run(COMPLETED, id="done"), a_run(COMPLETED, id="undelivered"), a_run(R, id="running"))
    watch.look()
    letters = Letters(watch.journal)
    for name in everyone(EventKind.COMPLETED):
        for claim in letters.claim(name, watch.clock.at + after(0).timestamp(), lambda claim: 1.0, 10):
            if claim.event.run.id == "done":
                letters.done(claim, "", 0.0)
    watch.source.write(a_run(R, id="running"))
    watch.later(102 * MINUTE, MINUTE)
    assert {row[0] for row in watch.journal.rows("SELECT id FROM watched")} == {"running"}
    kept = {row[0] for row in watch.journal.rows("SELECT run_id FROM events")}
    assert kept == {"undelivered", "running"}


def test_events_of_no_run_are_told_by_id_once(watch: Watch) -> None:
    """The monitor's own health goes the same way."""
    event = Event(EventKind.UNHEALTHY, a_run(R, id="monitor"), after(0), "its source is away")
    watch.watcher.tell([event])
    watch.watcher.tell([event])
    assert Letters(watch.journal).pending() == {"archive": 1, "report": 1}


def test_people_see_counts_stalls_and_what_was_told(watch: Watch) -> None:
    """What metrics and pages ask of the journal."""
    watch.source.write(a_run(R), a_run(id="q", kind="nightly"))
    watch.look()
    watch.clock.pass_(31 * MINUTE)
    watch.look()
    register = watch.watcher.register
    assert register.counts() == {("store", "running", "batch"): 1, ("store", "queued", "nightly"): 1}
    assert set(register.stalled("store")) == {"r", "q"}
    assert words(register.told("store", "r")) == ["started", "stalled silent"]
    assert len(register.latest(2)) == 2


def test_a_journal_that_is_none_is_named(tmp_path: Path) -> None:
    """Another file, a newer version, a folder that refuses: what is wrong and what to do, no traceback."""
    (tmp_path / "text.db").write_text("this is no database" * 100)
    with pytest.raises(JournalDown, match="not a database"):
        Journal(tmp_path / "text.db")
    with sqlite3.connect(tmp_path / "newer.db") as newer:
        newer.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(JournalDown, match="is of version"):
        Journal(tmp_path / "newer.db")
    with pytest.raises(JournalDown, match="cannot be opened"):
        Journal(tmp_path / "text.db" / "journal.db")


def test_the_journal_is_the_users_alone(tmp_path: Path) -> None:
    """Errors of runs may say much."""
    Journal(tmp_path / "journal.db").close()
    assert (tmp_path / "journal.db").stat().st_mode & 0o077 == 0


def test_p99_is_by_nearest_rank() -> None:
    """No value is made up between two; nothing is known of nothing."""
    assert summed_up([]) == Durations()
    assert summed_up([3.0, 1.0, 2.0]) == Durations(3, 3.0)
    assert summed_up([float(each) for each in range(1, 201)]) == Durations(200, 198.0)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "5 s"), (90, "90 s"), (1800, "30 min"), (5400, "1.5 h"), (86400, "24 h"), (172800, "2 days")],
)
def test_lengths_of_time_are_readable(seconds: float, words: str) -> None:
    """The unit that a person would take."""
    assert span(seconds) == words
