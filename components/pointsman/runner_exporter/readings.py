"""Readings that may hang or fail, and a scrape that does neither: each is made in a thread of its own."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pointsman.metrics_page.families import Family, each, one

# Prometheus waits 10 s by default; a reading that takes longer than this is broken.
SCRAPE_SECONDS = 1.8
# A rare reading that failed is made again sooner.
RETRY_SECONDS = 30.0


@dataclass(frozen=True)
class Source:
    """A named reading. Its answer serves for `keep` seconds; a scrape waits for it only when it is `awaited`."""

    name: str
    read: Callable[[], list[Family]]
    keep: float = 0.5
    awaited: bool = True


class Reading:
    """A source with its last answer. At most one thread reads it, however often and however many ask."""

    def __init__(self, source: Source, complain: Callable[[str], None]) -> None:
        self.source = source
        self.families: list[Family] = []
        self.failed = False
        self.seconds = 0.0
        self._complain = complain
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._done.set()
        self._until = 0.0

    def start(self) -> None:
        """Begins to read unless that is under way or the answer still serves."""
        with self._lock:
            if not self._done.is_set() or time.monotonic() < self._until:
                return
            self._done.clear()
        threading.Thread(target=self._read, name=self.source.name, daemon=True).start()

    def known(self, until: float) -> bool:
        """Waits for the answer if it is awaited, till `until` on the monotonic clock; whether there is one."""
        if not self.source.awaited:
            return not self.failed
        return self._done.wait(max(until - time.monotonic(), 0.0)) and not self.failed

    def _read(self) -> None:
        begun = time.monotonic()
        try:
            self.families, failed = self.source.read(), ""
        except Exception as error:
            failed = f"{type(error).__name__}: {error}"
        if failed and not self.failed:
            self._complain(f"{self.source.name}: {failed}")
        self.failed = bool(failed)
        self.seconds = time.monotonic() - begun
        self._until = time.monotonic() + (min(self.source.keep, RETRY_SECONDS) if failed else self.source.keep)
        self._done.set()


class Readings:
    """All readings as one page of metrics."""

    def __init__(self, sources: Iterable[Source], seconds: float = SCRAPE_SECONDS, hint: str = "") -> None:
        """`seconds` bounds a scrape; `hint` goes with what may not be read."""
        self._seconds = seconds
        self._hint = hint
        self._all = [Reading(source, self._complain) for source in sources]

    def start(self) -> None:
        """Begins those that take long, so that the first scrape finds something."""
        for reading in self._all:
            reading.start()

    def families(self) -> list[Family]:
        """What could be read in time, and what could not."""
        begun = time.monotonic()
        self.start()
        known = [reading for reading in self._all if reading.known(begun + self._seconds)]
        families = [family for reading in known for family in reading.families]
        failed = {reading.source.name: float(reading not in known) for reading in self._all}
        return [
            *families,
            each(
                "pointsman_runner_exporter_reading_failed",
                "1 for what could not be read, or not in time; its metrics are missing then.",
                "reading",
                failed,
            ),
            each(
                "pointsman_runner_exporter_reading_seconds",
                "How long the last reading took.",
                "reading",
                {reading.source.name: round(reading.seconds, 6) for reading in self._all},
            ),
            one(
                "pointsman_runner_exporter_scrape_seconds",
                "How long this scrape took.",
                round(time.monotonic() - begun, 6),
            ),
        ]

    def _complain(self, text: str) -> None:
        hint = self._hint if "PermissionError" in text else ""
        print(f"reading failed: {text}{hint}", file=sys.stderr, flush=True)
