"""Another clock for the commands of a clone.

Containers share the machine's clock: a time namespace covers CLOCK_MONOTONIC and CLOCK_BOOTTIME alone, static programs
take no preloaded library, and turning the machine's clock hits all that runs on it. Clocks differ both ways alike: it
is the one who asks whose clock is turned.
"""

from __future__ import annotations

from pathlib import Path

# Python runs a module of that name before anything else, from wherever PYTHONPATH leads.
NAME = "sitecustomize.py"
_MODULE = """\
import datetime
import time

_time, _time_ns, _datetime = time.time, time.time_ns, datetime.datetime


class Turned(_datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)


time.time = lambda: _time() + {seconds}
time.time_ns = lambda: _time_ns() + int({seconds} * 10**9)
datetime.datetime = Turned
"""


def turn(library: Path, seconds: float) -> None:
    """Python programs that find their modules in the folder have a clock that many seconds ahead."""
    (library / NAME).write_text(_MODULE.format(seconds=seconds))


def turn_back(library: Path) -> None:
    """They have the machine's clock again."""
    (library / NAME).unlink(missing_ok=True)
