"""A play on several hosts at once: what each does is seen while it lasts; a failure keeps no other from its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pointsman.errors import PointsmanError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from pointsman.declared import Declared
    from pointsman.hosts import HostPlan
    from pointsman.plays import Outcome, Play, Task

# As long as the provider's play of a host may take.
PLAY_SECONDS = 1200.0
SITE = "site"
"""The playbook of the host as a whole; others deal with its registration."""
REFRESH_PER_SECOND = 8
# A log that nobody watches gets what a host is at this often, in seconds.
TELL_SECONDS = 15.0


@dataclass(frozen=True)
class Run:
    """What became of a play on a host: `outcome` where it ended well, else `error`."""

    host: str
    outcome: Outcome | None
    error: PointsmanError | None
    seconds: float


@dataclass
class Board:
    """What each host is at. `cancelled` ends the plays at their next look."""

    console: Console
    doing: dict[str, str] = field(default_factory=dict)
    told: dict[str, float] = field(default_factory=dict)
    cancelled: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def task(self, task: Task) -> None:
        """A task begins."""
        with self.lock:
            self.doing[task.host] = f"{task.title} ({task.number})"
            last = self.told.setdefault(task.host, time.monotonic())
            if not self.console.is_terminal and time.monotonic() - last >= TELL_SECONDS:
                self.told[task.host] = time.monotonic()
                self.console.print(f"… {task.host}: {self.doing[task.host]}", markup=False)

    def ended(self, host: str) -> None:
        """A host's play is over."""
        with self.lock:
            self.doing.pop(host, None)

    def picture(self) -> Text:
        """A line for each host whose play runs."""
        from rich.text import Text

        with self.lock:
            return Text("\n".join(f"… {host:<20} {task}" for host, task in self.doing.items()), style="cyan")


def played(
    estate: Declared, plans: Sequence[HostPlan], playbook: str, console: Console, *, is_check: bool = False
) -> list[Run]:
    """Plays on each host as the provider does; Ctrl-C ends every play after its present task."""
    board = Board(console, {plan.name: "waits for its turn" for plan in plans})
    with _drawn(board), ThreadPoolExecutor(max(len(plans), 1)) as pool:
        plays = [play_of(estate, plan, playbook, is_check=is_check) for plan in plans]
        futures: list[Future[Run]] = [pool.submit(_run, play, board) for play in plays]
        try:
            wait(futures)
        except KeyboardInterrupt:
            board.cancelled = True
        return [future.result() for future in futures]


def play_of(estate: Declared, plan: HostPlan, playbook: str, *, is_check: bool = False) -> Play:
    """The play of a host with all that it is told; a container is named, so that the controller's key opens it."""
    from pointsman.plays import Play
    from pointsman.targets.docker import names

    machine = names.container(estate.environment, plan.name) if plan.container else ""
    own = plan.registration.variables if plan.registration and playbook != SITE else {}
    variables = {**plan.variables, **own}
    return Play(estate.environment, playbook, plan.name, variables, check=is_check, diff=is_check, machine=machine)


def _run(play: Play, board: Board) -> Run:
    from pointsman.plays import run_play

    began = time.monotonic()
    outcome, error = None, None
    try:
        outcome = run_play(play, on_task=board.task, cancellation=board, timeout=PLAY_SECONDS)
    except PointsmanError as fault:
        error = fault
    board.ended(play.host)
    return Run(play.host, outcome, error, time.monotonic() - began)


@contextmanager
def _drawn(board: Board) -> Iterator[None]:
    if not board.console.is_terminal:
        yield
        return
    from rich.live import Live

    # What was drawn goes: the results stand in its place.
    with Live(
        get_renderable=board.picture, console=board.console, refresh_per_second=REFRESH_PER_SECOND, transient=True
    ):
        yield
