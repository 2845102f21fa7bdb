"""Lines of the log, and what is counted: each event once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pointsman.metrics_page.families import text
from pointsman.monitor.events import EventKind, Stall
from pointsman.monitor.handlers.log import Log, LogSettings, level
from pointsman.monitor.handlers.metrics import MOST_KINDS, Metrics
from pointsman.runs.model import RunState
from tests.unit.monitor.handlers.runs import occurrence, run


def test_a_line_tells_the_event(capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON object on one line of standard output, whatever is in the run's texts; told once."""
    handler, told = Log(LogSettings()), occurrence(run("a\nb", error="first\nsecond"), EventKind.FAILED)
    assert handler.handle(told) == "logged"
    assert handler.handle(told) == "is logged already"
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert found["event_id"] == told.event.id
    assert (found["event"], found["level"], found["run_id"], found["seconds"]) == ("run_failed", "error", "a\nb", 100.0)


def test_a_file_has_each_event_once(tmp_path: Path) -> None:
    """Another process finds the line of the first; half a line, as a power cut leaves it, spoils no other."""
    file = tmp_path / "log" / "events.jsonl"
    first, second = occurrence(run()), occurrence(run("deploy-2"))
    for told in (first, second, first):
        Log(LogSettings(file)).handle(told)
    assert len(file.read_text().splitlines()) == 2
    file.write_bytes(file.read_bytes()[:-20])
    Log(LogSettings(file)).handle(second)
    found = [json.loads(line)["event_id"] for line in file.read_text().splitlines() if line.endswith("}")]
    assert found == [first.event.id, second.event.id]


def test_levels() -> None:
    """A failure is an error, a stall a warning, a wait for an approval neither."""
    event = occurrence(run(), EventKind.STALLED).event
    assert level(replace(event, stall=Stall.SILENT)) == "warning"
    assert level(replace(event, stall=Stall.APPROVAL)) == "info"
    assert level(replace(event, kind=EventKind.FAILED)) == "error"


def test_runs_are_counted_once() -> None:
    """Ends by state, with durations and waits in buckets; run ids are no labels."""
    handler = Metrics()
    told = [occurrence(run("a")), occurrence(run("b", state=RunState.FAILED), EventKind.FAILED)]
    for each in (*told, *told):
        handler.handle(each)
    page = text(handler.families())
    assert 'pointsman_monitor_runs_ended_total{run_kind="deployment",state="completed"} 1\n' in page
    assert 'pointsman_monitor_runs_ended_total{run_kind="deployment",state="failed"} 1\n' in page
    name = "pointsman_monitor_run_duration_seconds"
    assert f'{name}_bucket{{run_kind="deployment",state="completed",le="60"}} 0\n' in page
    assert f'{name}_bucket{{run_kind="deployment",state="completed",le="120"}} 1\n' in page
    assert f'{name}_sum{{run_kind="deployment",state="completed"}} 100\n' in page
    assert 'pointsman_monitor_run_queue_seconds_count{run_kind="deployment"} 2\n' in page


def test_counts_come_back_from_the_journal() -> None:
    """After a restart: what was counted before is there, and an event that comes again is not counted again."""
    stalled = occurrence(run("a"), EventKind.STALLED)
    stalled = replace(stalled, event=replace(stalled.event, stall=Stall.SILENT))
    before, told = Metrics(), [occurrence(run("a")), stalled, occurrence(run("a"), EventKind.RECOVERED)]
    for each in told:
        before.handle(each)
    after = Metrics()
    after.restore([each.event for each in told])
    assert after.handle(told[0]) == "is counted already"
    assert text(after.families()) == text(before.families())
    assert 'pointsman_monitor_run_stalls_total{run_kind="deployment",stall="silent"} 1\n' in text(after.families())


def test_kinds_of_runs_are_bounded() -> None:
    """A store that makes a kind of every run does not make a series of every run."""
    handler = Metrics()
    for number in range(MOST_KINDS + 50):
        handler.handle(occurrence(run(str(number), kind=f"kind-{number}")))
    (ended, *_) = handler.families()
    assert len(ended.samples) == MOST_KINDS + 1
    assert {sample.labels["run_kind"]: sample.value for sample in ended.samples}["other"] == 50
