"""Injects faults and undoes them, whatever becomes of the process."""

from __future__ import annotations

import atexit
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from docker.errors import DockerException

from pointsman.errors import PointsmanError
from pointsman.targets.docker.engine import connect
from tests.faults.harness import journal
from tests.faults.harness.faults import Fault, described
from tests.faults.harness.injecting import prepare
from tests.faults.harness.journal import Entry, Journal
from tests.faults.harness.place import Place

if TYPE_CHECKING:
    from docker import APIClient


class Harness:
    """The faults of this process. What is injected is undone when the block ends, on SIGTERM, and at exit; after a
    kill -9 by `recover`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._journal = Journal(folder or journal.folder())
        atexit.register(self.close)
        # Only the main thread may take a signal; elsewhere the journal is what remains.
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, self._terminated)

    @contextmanager
    def inject(self, fault: Fault, place: Place) -> Iterator[None]:
        """The fault is there within the block. Raises NotVerifiable where it cannot be injected."""
        prepared = prepare(fault, place)
        entry = self._journal.began(described(fault), prepared.undo)
        try:
            prepared.act()
            yield
        finally:
            self._undo(entry)

    def close(self) -> None:
        """Undoes what is open, the last first."""
        try:
            if self._journal.path.exists():
                for entry in self._journal.open_entries():
                    self._undo(entry)
        finally:
            self._journal.close()

    def _undo(self, entry: Entry) -> None:
        # A client of its own: the process may have been interrupted in the midst of a request of another one.
        with connect() as engine:
            undo(engine, entry)
        self._journal.undone(entry)

    def _terminated(self, number: int, frame: FrameType | None) -> None:
        self.close()
        signal.signal(number, self._before or signal.SIG_DFL)
        os.kill(os.getpid(), number)


def undo(engine: APIClient, entry: Entry) -> None:
    """Applies every step; what fails keeps none of the others from being done, and is raised at the end."""
    failures: list[Exception] = []
    for step in entry.undo:
        try:
            step.apply(engine)
        except (DockerException, PointsmanError, OSError, AssertionError) as failure:
            failures.append(failure)
    if failures:
        raise ExceptionGroup(f"not undone: {entry.fault}", failures)


def recover(folder: Path | None = None) -> list[str]:
    """Undoes what dead processes left injected; returns the faults, in the order in which they were undone."""
    done: list[str] = []
    where = folder or journal.folder()
    for path in sorted(where.glob("*.jsonl")):
        with journal.abandoned(path) as entries:
            if not entries:
                continue
            with connect() as engine:
                for entry in entries:
                    undo(engine, entry)
                    done.append(entry.fault)
    return done
