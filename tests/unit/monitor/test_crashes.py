"""kill -9 at every point of watching and delivering: all is told and done, and once, whenever the process dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pointsman.monitor import crashing
from pointsman.monitor.bus import Bus, audience
from pointsman.monitor.events import EventKind
from pointsman.monitor.handling import Occurrence
from pointsman.monitor.journal import Journal
from pointsman.monitor.letters import Letters
from pointsman.monitor.limits import Limits
from pointsman.monitor.watching import Watcher
from pointsman.runs.model import RunState
from tests.unit.monitor.world import ManualClock, MemorySource, a_run, after, moved

R, W, COMPLETED, FAILED = RunState.RUNNING, RunState.WAITING_FOR_APPROVAL, RunState.COMPLETED, RunState.FAILED
A, B, C, D = (a_run(R, id=each) for each in "abcd")
HANDLERS = ("archive", "alerts")
OF_A_HANDLER = ("fake-before-effect", "fake-after-effect")

# What the writers do: when, in seconds after the beginning, and how they change the rows.
Story = list[tuple[float, Callable[[MemorySource], None]]]
STORY: Story = [
    (1, lambda rows: rows.write(A, B, C, D)),
    (10, lambda rows: rows.write(moved(A, COMPLETED, 10), moved(B, FAILED, 10), replace(C, heartbeat_at=after(10)))),
    (1900, lambda rows: rows.write(replace(D, heartbeat_at=after(1900)))),
    (1910, lambda rows: rows.write(replace(C, heartbeat_at=after(1910)))),
    (1920, lambda rows: rows.delete("d")),
    (1930, lambda rows: rows.write(moved(C, W, 1930), moved(A, R, 1930, started_at=after(1930)))),
    (1940, lambda rows: rows.write(moved(C, COMPLETED, 1940), moved(A, FAILED, 1940, started_at=after(1930)))),
    *((2000 + 61 * each, lambda rows: None) for each in range(6)),
]


@dataclass
class Once:
    """A handler whose effect is a file named for the event, which is made whole or not at all."""

    name: str
    folder: Path

    def wants(self, kind: EventKind) -> bool:
        return kind is not EventKind.STARTED or self.name == "archive"

    def handle(self, occurrence: Occurrence) -> str:
        crashing.point("fake-before-effect")
        effect = self.folder / f"{self.name}-{occurrence.event.id}"
        with (self.folder / "calls").open("a") as calls:
            calls.write(f"{effect.name}\n")
        if effect.exists():
            return "done before"
        effect.touch()
        crashing.point("fake-after-effect")
        return "done"


def lived(folder: Path, story: Story = STORY) -> None:
    """A process's life: it goes on where the story was when the last one died, to the story's end."""
    clock, source, chapters = ManualClock(), MemorySource(), folder / "chapters"
    past = chapters.stat().st_size if chapters.exists() else 0
    for at, write in story[:past]:
        write(source)
        clock.at = clock.steady = at
    journal = Journal(folder / "journal.db")
    handlers = [Once(name, folder) for name in HANDLERS]
    watcher = Watcher(source, journal, Limits(), clock, audience(handlers))
    bus = Bus(journal, handlers, clock, steps=lambda run: source.steps(run.id))

    def look() -> None:
        watcher.step()
        watcher.due()
        for name in HANDLERS:
            while bus.turn(name):
                pass

    look()
    for at, write in story[past:]:
        with chapters.open("a") as told:
            told.write(".")
        write(source)
        clock.pass_(at - clock.at)
        look()
    journal.close()


def forked(folder: Path, crash_at: str, life: Callable[[Path], None] = lived) -> int:
    """A life in a process of its own, killed where it is told; its exit code, negative for a signal."""
    child = os.fork()
    if not child:
        code = 70
        try:
            crashing.arm(crash_at)
            life(folder)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def outcome(folder: Path) -> tuple[list[str], list[str]]:
    """The ids of what was told, and the effects."""
    journal = Journal(folder / "journal.db")
    assert Letters(journal).pending() == Letters(journal).dead_counts() == {}
    told = [row[0] for row in journal.rows("SELECT id FROM events")]
    journal.close()
    assert len(set(told)) == len(told)
    return sorted(told), sorted(each.name for each in folder.iterdir() if each.name.startswith(HANDLERS))


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[str]]:
    """What a process that nobody kills tells and does."""
    folder = tmp_path_factory.mktemp("unbroken")
    assert forked(folder, "") == 0
    told, effects = outcome(folder)
    # a: started, completed, started, failed; b: started, failed; c: started, silent, recovered, waiting, completed;
    # d: started, deleted. The first handler wants all of them, the second none of the five starts.
    assert (len(told), len(effects)) == (13, 13 + 8)
    return told, effects


@pytest.mark.parametrize("times", [1, 2, 4])
@pytest.mark.parametrize("at", [*crashing.POINTS, *OF_A_HANDLER])
def test_a_kill_loses_nothing_and_doubles_nothing(
    tmp_path: Path, unbroken: tuple[list[str], list[str]], at: str, times: int
) -> None:
    """Killed the first, second or fourth time that it passes the point, and started again: all is done, and once."""
    assert forked(tmp_path, f"{at}:{times}") == -signal.SIGKILL
    assert forked(tmp_path, "") == 0
    assert outcome(tmp_path) == unbroken


@pytest.mark.parametrize("at", [*crashing.POINTS, *OF_A_HANDLER])
def test_kills_upon_kills_lose_nothing(tmp_path: Path, unbroken: tuple[list[str], list[str]], at: str) -> None:
    """Killed at the same point life after life, and let live in the end."""
    codes = [forked(tmp_path, f"{at}:2") for _ in range(5)]
    assert codes[0] == -signal.SIGKILL
    assert forked(tmp_path, "") == 0
    assert outcome(tmp_path) == unbroken


def test_an_event_that_kills_each_time_is_given_up_and_others_are_delivered(tmp_path: Path) -> None:
    """A delivery counts as tried before it is: one at which the process dies comes to the dead letters."""

    def life(folder: Path) -> None:
        clock = ManualClock(10_000.0 * len(list(folder.glob("life-*"))))
        (folder / f"life-{clock.at}").touch()
        source, journal = MemorySource(), Journal(folder / "journal.db")
        source.write(moved(A, COMPLETED, 10), moved(B, COMPLETED, 10))

        class Poisoned(Once):
            def handle(self, occurrence: Occurrence) -> str:
                if occurrence.event.run.id == "a":
                    os.kill(os.getpid(), signal.SIGKILL)
                return super().handle(occurrence)

        handler = Poisoned("archive", folder)
        Watcher(source, journal, Limits(), clock, audience([handler])).step()
        bus = Bus(journal, [handler], clock)
        while bus.turn("archive"):
            pass

    codes = [forked(tmp_path, "", life) for _ in range(17)]
    assert codes[0] == -signal.SIGKILL
    assert codes[-1] == 0
    letters = Letters(Journal(tmp_path / "journal.db"))
    assert [(each.event.run.id, each.handler) for each in letters.dead_letters()] == [("a", "archive")]
    assert letters.pending() == {}
    assert len([each for each in tmp_path.iterdir() if each.name.startswith("archive-")]) == 1


def test_the_variable_arms_a_process(tmp_path: Path) -> None:
    """What the points are for is asked by the environment alone; another point's name kills nobody."""
    code = "from pointsman.monitor import crashing; crashing.point('here'); crashing.point('here')"
    for at, expected in (("here:2", -signal.SIGKILL), ("there", 0), ("", 0)):
        environment = {**os.environ, crashing.VARIABLE: at, "PYTHONPATH": os.pathsep.join(sys.path)}
        assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == expected
