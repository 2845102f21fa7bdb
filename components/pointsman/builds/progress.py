"""Shows builds at work: plain lines where nobody watches (CI), a live table on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from typing import IO, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pointsman.builds.estimate import Schedule, Task

PLAIN_INTERVAL_SECONDS = 30.0
_MARKS = {"waiting": "·", "running": "▸", "done": "✓", "failed": "✗"}
_STYLES = {"waiting": "dim", "running": "cyan", "done": "green", "failed": "red"}


class Progress(Protocol):
    """What a build tells while it works. Names are those of `plan`; calls may come from any thread."""

    def plan(self, tasks: Iterable[tuple[str, str, float]], history: Iterable[tuple[float, float]] = ()) -> None:
        """Announce work: (name, version, expected seconds on the reference machine) each, in order.

        `history`: (elapsed, expected) seconds of earlier builds on this machine.
        """

    def start(self, name: str) -> None:
        """A task begins."""

    def report(self, name: str, text: str = "", fraction: float | None = None) -> None:
        """A sign of life: what is being done, how much of the whole is done (0 to 1); empty keeps what was said."""

    def finish(self, name: str, text: str = "") -> None:
        """A task is done; `text` says more, such as that another run made it."""

    def fail(self, name: str) -> None:
        """A task failed. The error itself is raised, not shown here."""

    def say(self, text: str) -> None:
        """A line for people that belongs to no task."""

    def close(self) -> None:
        """Nothing more comes: leave the terminal as it should stay."""


def duration(seconds: float) -> str:
    """Seconds for people: "4 s", "3 min 05 s", "1 h 02 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


class _Scheduled:
    """Keeps the schedule; what is shown is left to the subclasses."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, cores: int | None = None) -> None:
        self.clock = clock
        self.schedule = Schedule(cores=cores)

    def plan(self, tasks: Iterable[tuple[str, str, float]], history: Iterable[tuple[float, float]] = ()) -> None:
        """Announce work."""
        self.schedule.history = list(history) or self.schedule.history
        for name, version, expected in tasks:
            self.schedule.tasks[name] = Task(name, version, expected)

    def start(self, name: str) -> None:
        """A task begins."""
        task = self._task(name)
        task.state, task.started = "running", self.clock()

    def report(self, name: str, text: str = "", fraction: float | None = None) -> None:
        """A sign of life."""
        task = self._task(name)
        task.text = text or task.text
        task.fraction = fraction if fraction is not None else task.fraction

    def finish(self, name: str, text: str = "") -> None:
        """A task is done."""
        task = self._task(name)
        task.state, task.ended, task.text = "done", self.clock(), text

    def fail(self, name: str) -> None:
        """A task failed."""
        task = self._task(name)
        task.state, task.ended = "failed", self.clock()

    def _task(self, name: str) -> Task:
        return self.schedule.tasks.setdefault(name, Task(name, "", 0.0))


class PlainProgress(_Scheduled):
    """One line when a task starts and ends, and one every 30 s in between."""

    def __init__(
        self, stream: IO[str] | None = None, clock: Callable[[], float] = time.monotonic, cores: int | None = None
    ) -> None:
        super().__init__(clock, cores)
        self.stream = stream or sys.stderr
        self._spoke = 0.0

    def plan(self, tasks: Iterable[tuple[str, str, float]], history: Iterable[tuple[float, float]] = ()) -> None:
        """Announce work, with what it is expected to take."""
        before = len(self.schedule.tasks)
        super().plan(tasks, history)
        if count := len(self.schedule.tasks) - before:
            left = duration(self.schedule.total_left(self.clock()))
            self.say(f"{count} to make, about {left}")

    def start(self, name: str) -> None:
        """Say what begins and how long it should take."""
        super().start(name)
        task, now = self._task(name), self.clock()
        expected = self.schedule.left(task, now)
        about = f", about {duration(expected)}" if expected >= 1 else ""
        self.say(f"{_label(task)}: started{about}")

    def report(self, name: str, text: str = "", fraction: float | None = None) -> None:
        """Say how it goes, when nothing was said for a while."""
        super().report(name, text, fraction)
        now = self.clock()
        if now - self._spoke < PLAIN_INTERVAL_SECONDS:
            return
        task = self._task(name)
        doing = f" ({task.text})" if task.text else ""
        self.say(
            f"{_label(task)}: {duration(task.elapsed(now))}{doing}, about {duration(self.schedule.left(task, now))} "
            f"left, {duration(self.schedule.total_left(now))} in all"
        )

    def finish(self, name: str, text: str = "") -> None:
        """Say how long it took."""
        super().finish(name, text)
        task, now = self._task(name), self.clock()
        more = f", {text}" if text else ""
        self.say(f"{_label(task)}: done in {duration(task.elapsed(now))}{more}{self._rest(now)}")

    def fail(self, name: str) -> None:
        """Say that it failed."""
        super().fail(name)
        task = self._task(name)
        self.say(f"{_label(task)}: failed after {duration(task.elapsed(self.clock()))}")

    def say(self, text: str) -> None:
        """One line, at once."""
        self._spoke = self.clock()
        print(text, file=self.stream, flush=True)

    def close(self) -> None:
        """Nothing stays open."""

    def _rest(self, now: float) -> str:
        left = self.schedule.total_left(now)
        return f"; about {duration(left)} left in all" if left >= 1 else ""


class LiveProgress(_Scheduled):
    """A table that is drawn anew four times a second: each task's state, what it does, elapsed and left; total left."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic, cores: int | None = None) -> None:
        super().__init__(clock, cores)
        self.console = console
        self._live: Live | None = None

    def plan(self, tasks: Iterable[tuple[str, str, float]], history: Iterable[tuple[float, float]] = ()) -> None:
        """Announce work; the table appears."""
        super().plan(tasks, history)
        if self._live is None and self.schedule.tasks:
            self._live = Live(get_renderable=self.render, console=self.console, refresh_per_second=4)
            self._live.start()

    def say(self, text: str) -> None:
        """A line above the table."""
        self.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        """The table stays as it is."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def render(self) -> Group:
        """The table as it is now."""
        now = self.clock()
        table = Table.grid(padding=(0, 2))
        for task in list(self.schedule.tasks.values()):
            elapsed = duration(task.elapsed(now)) if task.state != "waiting" else ""
            left = f"{duration(self.schedule.left(task, now))} left" if task.state in ("waiting", "running") else ""
            done = f"{task.fraction:.0%}" if task.fraction is not None and task.state == "running" else ""
            style = _STYLES[task.state]
            table.add_row(
                Text(_MARKS[task.state], style), Text(_label(task), style), elapsed, done, left, Text(task.text, "dim")
            )
        left_in_all = self.schedule.total_left(now)
        return Group(table, Text(f"about {duration(left_in_all)} left in all" if left_in_all >= 1 else "", "bold"))


def _label(task: Task) -> str:
    return f"{task.name} {task.version}".rstrip()


def progress_for(console: Console) -> PlainProgress | LiveProgress:
    """Live on a terminal, plain lines elsewhere."""
    return LiveProgress(console) if console.is_terminal else PlainProgress(console.file)
