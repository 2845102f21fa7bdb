"""What is shown while builds work, and how the time left is estimated."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pointsman.builds.estimate import Schedule, Task, initial_scale
from pointsman.builds.progress import LiveProgress, PlainProgress, duration, progress_for
from tests.unit.builds.doubles import Clock, Shown


def test_plain_output(shown: Shown) -> None:
    """Golden: a line when work is announced, starts and ends, one every 30 s between, each with what is left."""
    progress, clock = shown.progress, shown.clock
    progress.plan([("toolchain/pulumi", "3.256.0", 180.0), ("toolchain/docker-plugin", "5.2.0", 120.0)])
    progress.start("toolchain/pulumi")
    for _ in range(80):
        clock.now += 1
        progress.report("toolchain/pulumi", f"package {int(clock.now) - 100}", (clock.now - 100) / 160)
    clock.now += 10
    progress.finish("toolchain/pulumi")
    progress.start("toolchain/docker-plugin")
    clock.now += 5
    progress.fail("toolchain/docker-plugin")
    assert shown.lines == [
        "2 to make, about 5 min 00 s",
        "toolchain/pulumi 3.256.0: started, about 3 min 00 s",
        "toolchain/pulumi 3.256.0: 30 s (package 30), about 2 min 26 s left, 4 min 26 s in all",
        "toolchain/pulumi 3.256.0: 1 min 00 s (package 60), about 1 min 52 s left, 3 min 52 s in all",
        "toolchain/pulumi 3.256.0: done in 1 min 30 s; about 1 min 00 s left in all",
        "toolchain/docker-plugin 5.2.0: started, about 1 min 00 s",
        "toolchain/docker-plugin 5.2.0: failed after 5 s",
    ]


def test_live_table_shows_each_build_and_the_total() -> None:
    """What is done, at work and waiting has a row each; the last line is the total left."""
    clock = Clock()
    console = Console(file=io.StringIO(), width=120, force_terminal=False)
    progress = LiveProgress(console, clock, cores=2)
    progress.plan([("a", "1", 10.0), ("b", "2", 100.0), ("c", "3", 50.0)])
    progress.start("a")
    clock.now += 10
    progress.finish("a")
    progress.start("b")
    clock.now += 40
    progress.report("b", "package 4 of 10", 0.4)
    progress.close()
    with console.capture() as captured:
        console.print(progress.render())
    rows = [" ".join(line.split()) for line in captured.get().splitlines()]
    assert rows == [
        "✓ a 1 10 s",
        "▸ b 2 40 s 40% 1 min 00 s left package 4 of 10",
        "· c 3 50 s left",
        "about 1 min 50 s left in all",
    ]


def test_kind_of_display_follows_the_terminal() -> None:
    """A terminal gets the table; a file or pipe, as in CI, gets lines."""
    assert isinstance(progress_for(Console(file=io.StringIO(), force_terminal=True)), LiveProgress)
    assert isinstance(progress_for(Console(file=io.StringIO(), force_terminal=False)), PlainProgress)


def test_finished_builds_scale_what_is_left() -> None:
    """A machine that took twice as long as expected is expected to do so again."""
    schedule = Schedule(cores=2)
    schedule.tasks["a"] = Task("a", "1", expected=80.0, state="done", started=0.0, ended=160.0)
    schedule.tasks["b"] = Task("b", "1", expected=30.0)
    assert schedule.total_left(now=160.0) == pytest.approx(60.0)


def test_earlier_runs_scale_the_first_estimate() -> None:
    """What is on record of earlier builds on this machine counts before anything is built now."""
    schedule = Schedule(history=[(30.0, 60.0)], cores=2)
    schedule.tasks["b"] = Task("b", "1", expected=30.0)
    assert schedule.total_left(now=0.0) == pytest.approx(15.0)


def test_without_a_record_cores_scale_the_estimate() -> None:
    """Pins are for two cores; more are quicker, within reason."""
    assert initial_scale(1) == 2.0
    assert initial_scale(2) == 1.0
    assert initial_scale(4) == 0.5
    assert initial_scale(64) == 0.25


def test_a_late_build_never_claims_to_be_done() -> None:
    """Longer than expected and with no count of its own: some time is still left, never nothing or less."""
    schedule = Schedule(cores=2)
    late = Task("a", "1", expected=10.0, state="running", started=0.0)
    assert schedule.left(late, now=50.0) == pytest.approx(5.0)


def test_durations_are_for_people() -> None:
    """Seconds, minutes, hours as one reads them."""
    assert [duration(seconds) for seconds in (0.4, 59, 61, 3725)] == ["0 s", "59 s", "1 min 01 s", "1 h 02 min"]
