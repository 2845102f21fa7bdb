"""The parts of a running monitor by themselves: health told once, figures, the unit of systemd."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import pointsman.monitor
from pointsman.metrics_page.families import text
from pointsman.monitor import health
from pointsman.monitor.events import Event, EventKind
from pointsman.monitor.handlers.metrics import MOST_KINDS
from pointsman.monitor.journal import Journal
from pointsman.monitor.measures import Measures, of_journal
from pointsman.monitor.register import Register
from pointsman.runs.model import RunState
from tests.unit.monitor.world import ManualClock, a_run, after

UNIT = Path(pointsman.monitor.__file__).parent / "pointsman-monitor.service"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal."""
    journal = Journal(tmp_path / "journal.db")
    yield journal
    journal.close()


def test_health_is_told_once_for_each_change(journal: Journal) -> None:
    """Through restarts in the midst of it too, and with an id of its own each time that it is lost again."""
    steps = [["no store"], ["no store", "no disk"], [], [], ["no store"], []]
    for seconds, wrong in enumerate(steps):
        telling = health.Telling(journal)
        telling.judge(wrong, after(seconds), lambda kind: ["log"])
        assert not telling.judge(wrong, after(seconds + 0.5), lambda kind: ["log"])
    told = list(reversed(Register(journal).latest()))
    assert [(each.kind.value, each.ordinal, each.reason) for each in told] == [
        ("monitor_unhealthy", 0, "no store"),
        ("monitor_healthy", 0, "it does its work again"),
        ("monitor_unhealthy", 1, "no store"),
        ("monitor_healthy", 1, "it does its work again"),
    ]
    assert len({each.id for each in told}) == 4


def test_what_is_a_trouble() -> None:
    """A source that is away for long, a watch that hangs, a handler that is stuck; none of it before its time."""
    clock = ManualClock()
    measures = Measures(clock)
    measures.failed("store", "locked", "the database is locked\nnext: wait")
    clock.pass_(59)
    assert health.troubles(measures, 60, {"store": 5.0}, {"archive": 800.0}) == []
    clock.pass_(1)
    found = health.troubles(measures, 60, {"store": 61.0}, {"archive": 901.0})
    assert found == [
        "the source store is away (locked): the database is locked",
        "the watch over store hangs",
        "archive is stuck at an event",
    ]
    measures.polled("store")
    assert health.troubles(measures, 60, {}, {}) == []


def test_figures() -> None:
    """What was read, found, and how late; lateness alone of what changed while the monitor looked on."""
    clock = ManualClock(100)
    measures = Measures(clock)
    run = a_run(RunState.COMPLETED, at=99.6)
    event = Event(EventKind.COMPLETED, run, after(100), "")
    measures.detected([event], 0.0, live=True)
    measures.detected([Event(EventKind.COMPLETED, run, after(4000), "")], 0.0, live=False)
    measures.detected([Event(EventKind.STALLED, run, after(4000), "")], 0.0, live=True)
    measures.polled("store", malformed=2)
    clock.pass_(3)
    assert measures.failed("github", "refused", "no")
    assert not measures.failed("github", "refused", "no")
    page = text(measures.families())
    for line in (
        'polls_total{source="github"} 2',
        'poll_lag_seconds{source="store"} 3',
        'source_up{source="github"} 0',
        'source_up{source="store"} 1',
        'malformed_total{source="store"} 2',
        'detections_total{kind="run_completed"} 2',
        'detection_latency_seconds_bucket{le="0.25"} 0',
        'detection_latency_seconds_bucket{le="0.5"} 1',
        "detection_latency_seconds_count 1",
    ):
        assert f"pointsman_monitor_{line}\n" in page


def test_a_row_that_was_filled_in_afterwards_is_not_late() -> None:
    """A change cannot be older than the look that did not find it; after a time without looks it can."""
    clock = ManualClock(4000)
    measures = Measures(clock)
    old = a_run(RunState.COMPLETED, at=100)
    measures.polled(old.source)
    clock.pass_(0.2)
    measures.detected([Event(EventKind.COMPLETED, old, after(4000.2), "")], 0.0, live=True)
    clock.pass_(20)
    measures.detected([Event(EventKind.COMPLETED, old, after(4020.2), "")], 0.0, live=True)
    page = text(measures.families())
    for line in ('bucket{le="0.25"} 1', 'bucket{le="10"} 1', 'bucket{le="30"} 2'):
        assert f"pointsman_monitor_detection_latency_seconds_{line}\n" in page


def test_labels_are_bounded() -> None:
    """However many kinds of runs there are; runs themselves are none."""
    counts = {("store", "running", f"kind-{number}"): number + 1 for number in range(MOST_KINDS + 50)}
    page = text(of_journal(counts, {"archive": 3}, {}, ["log"]))
    assert page.count("pointsman_monitor_runs{") == MOST_KINDS + 1
    assert 'pointsman_monitor_runs{state="running",kind="other"} 1275\n' in page
    assert 'queue_depth{handler="archive"} 3\n' in page
    assert 'dead_letters{handler="log"} 0\n' in page


def test_the_unit_is_good(tmp_path: Path) -> None:
    """systemd itself takes it, and counts it among the safe ones; Type=notify with a watchdog."""
    text = UNIT.read_text()
    for line in ("Type=notify", "WatchdogSec=60", "ExecReload=/bin/kill -HUP $MAINPID", "RestartPreventExitStatus=2"):
        assert f"\n{line}\n" in text
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("not verifiable here: no systemd-analyze")
    unit = tmp_path / UNIT.name
    unit.write_text(text.replace("/opt/pointsman/bin/pointsman", "/bin/true"))
    done = subprocess.run([analyze, "verify", "--man=no", unit], capture_output=True, text=True)
    assert (done.returncode, UNIT.name in done.stderr) == (0, False), done.stderr
    words = [analyze, "security", "--offline=true", "--threshold=20", str(unit)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
