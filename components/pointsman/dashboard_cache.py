"""Texts of dashboards, kept in the cache directory.

Grafana's SDK alone takes 0.1 to 0.3 s to import, which every command that applies or proves an environment would wait
for.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path

from pointsman import signals
from pointsman.paths import cache_dir
from pointsman.signals.dashboards.files import drawn
from pointsman.signals.dashboards.model import Board

SDK = "grafana-foundation-sdk"
# Eight for each set of limits, such as an environment's; some 20 kB each.
KEPT = 128
# A change of any of these may change what is drawn or refused.
_MADE_BY = (
    *(f"dashboards/{name}.py" for name in ("render", "lint", "subset", "queries")),
    "known.py",
    "promql.py",
)


def kept(board: Board) -> str:
    """The text of a dashboard, from the cache when the same was drawn before.

    Raises UsageError for a dashboard that the lint refuses; such a one is not kept.
    """
    place = cache_dir() / "dashboards" / f"{_key(board)}.json"
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        text = place.read_text(encoding="utf-8")
        if json.loads(text)["uid"] == board.uid:
            return text
    text = drawn(board)
    # Without a cache that can be written everything works all the same, a little later.
    with contextlib.suppress(OSError):
        _keep(place, text)
    return text


def _key(board: Board) -> str:
    folder = Path(signals.__file__).parent
    parts = [version(SDK).encode(), repr(board).encode(), *((folder / file).read_bytes() for file in _MADE_BY)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]


def _keep(place: Path, text: str) -> None:
    """Written aside and moved, so that nobody reads half of it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_suffix(f".{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    part.replace(place)
    for old in sorted(place.parent.glob("*.json"), key=lambda each: each.stat().st_mtime)[:-KEPT]:
        old.unlink(missing_ok=True)
