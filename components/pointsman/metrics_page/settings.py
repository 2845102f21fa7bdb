"""Settings files of exporters: one JSON object, checked as a whole, every mistake told at once."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pointsman.errors import UsageError

REQUIRED = object()
LARGEST = 1 << 20


class Kind(NamedTuple):
    """What a value must be: `expected` in words, and the test of it."""

    expected: str
    good: Callable[[Any], bool]


@dataclass(frozen=True)
class Key:
    """A key of a settings file; `default` is REQUIRED where it can't be left out."""

    kind: Kind
    default: object = REQUIRED


def number(low: float, high: float) -> Kind:
    """A number from `low` to `high`."""
    return Kind(f"a number from {low:g} to {high:g}", lambda got: _is_number(got) and low <= got <= high)


def whole(low: int, high: int) -> Kind:
    """A whole number from `low` to `high`."""
    return Kind(
        f"a whole number from {low} to {high}",
        lambda got: isinstance(got, int) and not isinstance(got, bool) and low <= got <= high,
    )


def words(expected: str, good: Callable[[str], object]) -> Kind:
    """A text for which `good` is true."""
    return Kind(expected, lambda got: isinstance(got, str) and bool(good(got)))


def listed(expected: str, good: Callable[[str], object]) -> Kind:
    """A list of texts for each of which `good` is true."""
    return Kind(
        expected, lambda got: isinstance(got, list) and all(isinstance(text, str) and good(text) for text in got)
    )


def _is_number(got: Any) -> bool:
    return isinstance(got, (int, float)) and not isinstance(got, bool)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return text == ""
    return True


PORT = whole(1, 65535)
LISTEN = words("an IP address to listen on, such as 0.0.0.0", _is_address)
FOLDER = words("an absolute path", lambda text: text.startswith("/") and "\0" not in text)


def read(path: Path, keys: Mapping[str, Key]) -> dict[str, Any]:
    """The settings in `path` with defaults filled in. Raises UsageError that tells every mistake."""
    got = _loaded(path)
    mistakes = [
        f"{path}: {name}: no such setting; there are {', '.join(sorted(keys))}" for name in sorted(set(got) - set(keys))
    ]
    for name, key in keys.items():
        if name not in got:
            if key.default is REQUIRED:
                mistakes.append(f"{path}: {name}: it is missing; expected {key.kind.expected}")
        elif not key.kind.good(got[name]):
            mistakes.append(f"{path}: {name}: {_shown(got[name])} is not {key.kind.expected}")
    if mistakes:
        raise UsageError("\n".join(mistakes), remedy=f"correct {path} and start again")
    return {name: got.get(name, key.default) for name, key in keys.items()}


def _loaded(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            got = json.loads(file.read(LARGEST))
    except OSError as error:
        raise UsageError(f"the settings {path} can't be read: {error.strerror}", remedy=f"ls -l {path}") from None
    except RecursionError:
        raise UsageError(f"{path} is nested too deeply", remedy="write one JSON object") from None
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}", remedy=f"python3 -m json.tool {path}") from None
    if not isinstance(got, dict):
        raise UsageError(f"{path} holds no JSON object", remedy='write {"key": "value", …}')
    return got


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:80]}…"
