"""Places where the monitor may be killed on purpose, so that tests prove that a kill -9 loses and doubles nothing.

`POINTSMAN_CRASH_AT=bus-after-handle` kills the process when it passes that point first, `bus-after-handle:3` when it
passes it for the third time. Without the variable a point costs a look at the environment.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

VARIABLE = "POINTSMAN_CRASH_AT"
# Those of the watching and delivering itself; handlers have more of their own.
POINTS = (
    "watch-after-read",
    "watch-before-commit",
    "watch-after-commit",
    "bus-before-claim-commit",
    "bus-after-claim",
    "bus-after-steps",
    "bus-after-handle",
    "bus-before-settle-commit",
    "bus-after-settle",
    "prune-before-commit",
)

_armed = ""
_passed: Counter[str] = Counter()


def arm(at: str) -> None:
    """Sets where to be killed, as the variable does; an empty text leaves it to the variable."""
    global _armed
    _armed = at
    _passed.clear()


def point(name: str) -> None:
    """Passes a point: the end of the process by SIGKILL where that was asked for."""
    at = _armed or os.environ.get(VARIABLE)
    if at:
        _pass(name, at)


def _pass(name: str, at: str) -> None:
    wanted, _, times = at.partition(":")
    _passed[name] += 1
    if name == wanted and _passed[name] == int(times or 1):
        os.kill(os.getpid(), signal.SIGKILL)
