"""The handler `log`: one line of JSON an event, for the system's journal, or for a file."""

from __future__ import annotations

import json
import os
import re
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pointsman.monitor import crashing
from pointsman.monitor.events import Event, EventKind, Stall
from pointsman.monitor.handlers.durable import folder_at_hand
from pointsman.monitor.handlers.naming import text_of
from pointsman.monitor.handlers.summary import elapsed
from pointsman.monitor.handling import Occurrence

POINTS: Final = ("before-log", "after-log")
"""The injection points that the handler passes, in their order."""

# A second delivery follows the first within minutes: what is looked through for it.
_LOOKED_BACK: Final = 1 << 20
_REMEMBERED: Final = 4096
_EVENT_ID: Final = re.compile(rb'"event_id": "([0-9a-f]{32})"')
_ERRORS: Final = frozenset({EventKind.FAILED, EventKind.UNHEALTHY})
_WARNINGS: Final = frozenset({EventKind.STALLED, EventKind.CANCELLED, EventKind.DELETED})


@dataclass(frozen=True)
class LogSettings:
    """`file` is what lines are appended to, opened for each so that it may be rotated; None is standard output."""

    file: Path | None = None


class Log:
    """Logs every event: to a file exactly once, to standard output again after a crash, with the same `event_id`.

    Raises NotNow for a file that cannot be written.
    """

    name = "log"

    def __init__(self, settings: LogSettings) -> None:
        self._settings = settings
        self._told: deque[str] = deque(maxlen=_REMEMBERED)
        # The file that was looked through last, and how far.
        self._known = (0, 0)

    def wants(self, kind: EventKind) -> bool:
        """All of them."""
        return True

    def handle(self, occurrence: Occurrence) -> str:
        """Logs; a second call finds the line."""
        event, file = occurrence.event, self._settings.file
        is_new, text = event.id not in self._told, line(event)
        crashing.point("before-log")
        if is_new and file is None:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
        elif is_new and file is not None:
            with folder_at_hand("the log folder", file.parent):
                is_new = self._append(file, text, event.id)
        crashing.point("after-log")
        self._told.append(event.id)
        return "logged" if is_new else "is logged already"

    def _append(self, file: Path, text: str, event_id: str) -> bool:
        """Appends the line, unless it is there; whether it did. What others wrote since the last time is looked at."""
        with file.open("a+b") as out:
            number, end = os.fstat(out.fileno()).st_ino, out.seek(0, os.SEEK_END)
            known = self._known[1] if self._known[0] == number and self._known[1] <= end else 0
            out.seek(max(known, end - _LOOKED_BACK))
            whole, _, cut = out.read().rpartition(b"\n")
            found = [each.decode() for each in _EVENT_ID.findall(whole)]
            self._told.extend(found)
            if event_id in found:
                self._known = (number, end - len(cut))
                return False
            # After a power cut the last line may be half of one: it stays, on a line of its own.
            out.write((b"\n" if cut else b"") + text.encode() + b"\n")
            out.flush()
            os.fsync(out.fileno())
            self._known = (number, out.tell())
        return True


def line(event: Event) -> str:
    """The line, without its end."""
    run = event.run
    told: dict[str, Any] = {
        "at": event.at.isoformat(),
        "level": level(event),
        "event": event.kind.value,
        "event_id": event.id,
        "reason": text_of(event.reason),
        "run_id": text_of(run.id),
        "attempt": run.attempt,
        "source": run.source,
        "name": text_of(run.name),
        "kind": text_of(run.kind),
        "state": run.state.value,
        "stall": event.stall.value if event.stall else None,
        "seconds": elapsed(run.started_at, run.finished_at),
        "error": text_of(run.error) or None,
        "trace_id": run.trace_id or None,
    }
    return json.dumps({key: value for key, value in told.items() if value is not None}, ensure_ascii=False)


def level(event: Event) -> str:
    """`error`, `warning` or `info`; a wait for an approval is no warning."""
    if event.kind in _ERRORS:
        return "error"
    return "warning" if event.kind in _WARNINGS and event.stall is not Stall.APPROVAL else "info"
