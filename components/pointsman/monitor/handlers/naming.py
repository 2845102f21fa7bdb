"""The names that a run's files have, and the events that end a run."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from pointsman.monitor.events import EventKind
from pointsman.runs.model import Run

ENDINGS: Final = frozenset({EventKind.COMPLETED, EventKind.FAILED, EventKind.CANCELLED})
"""The kinds of events after which nothing more is to come of a run's attempt."""

# What every file system and every shell takes as it is. No tilde: it marks the names that are made.
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
_FOREIGN = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
# File names end at 255 bytes; what is added to a name in folders of this package stays below 100.
_LONGEST = 120
_DIGITS = 20


def safe_name(run: Run) -> str:
    """A file name of at most 150 characters for this attempt of a run, different from that of any other.

    It is the run's id where that is a plain name, of the first attempt, from the store. Any other name has a readable
    beginning, `~`, and digits of a hash of source, id and attempt.
    """
    if run.source == "store" and run.attempt == 1 and len(run.id) <= _LONGEST and _PLAIN.fullmatch(run.id):
        return run.id
    key = "\0".join(map(str, run.key)).encode("utf-8", "surrogatepass")
    beginning = _FOREIGN.sub("_", run.id).lstrip(".-")[:_LONGEST].rstrip(".") or "run"
    return f"{beginning}~{hashlib.sha256(key).hexdigest()[:_DIGITS]}"


def text_of(given: str) -> str:
    """Text that UTF-8 can hold: a source may hand out halves of characters."""
    return given.encode("utf-8", "replace").decode()
