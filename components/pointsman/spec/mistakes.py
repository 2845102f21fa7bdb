"""What a reader of a spec tells its writer: every mistake with its place, and all of them at once."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pointsman.errors import UsageError
from pointsman.spec.base import Location

Kind = Literal["syntax", "unknown key", "duplicate key", "missing key", "wrong value"]

_LOGIN = re.compile(r"(?<=://)[^/\s]*@")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+|\[\]")
_LONGEST_SHOWN = 60  # characters: a value is shown to be recognised, not to be read


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong in a spec. `line` and `column` count from 1; `key` is the path (`extra_targets[0].job`),
    empty for the file as a whole; `value` is what was written, shortened, and empty for an unknown key, since what
    stands there may be a secret."""

    file: str
    line: int
    column: int
    key: str
    kind: Kind
    value: str
    problem: str
    expected: str
    suggestion: str = ""

    def __str__(self) -> str:
        """One line: place, key, problem, what was expected, what to write."""
        parts = [self.problem]
        if not (self.kind == "unknown key" and self.suggestion):
            parts.append(f"expected {self.expected}")
        if self.suggestion:
            parts.append(self.suggestion)
        place = f"{self.file}:{self.line}:{self.column}"
        return "  ".join(part for part in (place, self.key, "; ".join(parts)) if part)


class SpecError(UsageError):
    """A spec that cannot be used; `mistakes` holds all that is wrong with it, in the order of the file."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        count = f"{len(mistakes)} mistake{'' if len(mistakes) == 1 else 's'}"
        super().__init__(f"{count}; nothing was touched", detail="\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = mistakes

    def __str__(self) -> str:
        """The mistakes, one a line, and how many they are."""
        return f"{self.detail}\n{self.message}"

    def as_dict(self) -> dict[str, Any]:
        """For `--output json`."""
        return {"error": "spec", "message": self.message, "mistakes": [asdict(mistake) for mistake in self.mistakes]}


def key_path(location: Location) -> str:
    """A location as people write it: `prometheus.extra_targets[0].labels["odd key"]`."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part == "[]":
            path += part
        elif _BARE_KEY.fullmatch(part):
            path += f".{part}" if path else part
        else:
            path += f"[{shown(part, quoted=True)}]"
    return path


def shown(text: str, *, quoted: bool = False) -> str:
    """A value for a message: on one line, shortened, no password of an address, nothing that moves a terminal's
    cursor."""
    text = _LOGIN.sub("…@", text)
    short = text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
    if quoted or not short.isprintable():
        return json.dumps(short, ensure_ascii=not short.isprintable())
    return short
