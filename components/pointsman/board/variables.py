"""Variables in texts and queries: `$name`, `${name:format}`, `[[name]]`, and the globals that a time range gives."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from pointsman.board.timerange import TimeRange, duration, rate_interval

ALL: Final = "$__all"
# Grafana's variableRegex: $name, [[name:format]], ${name.field:format}.
_NAMED = re.compile(r"\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.[^:^}]+)?(?::([^}]+))?\}")
_SPECIAL = re.compile(r"[$^*{}\[\]'+?.()|]")


@dataclass(frozen=True)
class Value:
    """What a variable stands for now. `many`: it may stand for several, so that queries match it with =~.

    `raw` is what stands for all values, taken as it is: the variable's `allValue`.
    """

    values: tuple[str, ...]
    many: bool = False
    raw: str | None = None
    is_all: bool = False

    @property
    def text(self) -> str:
        """For people."""
        return "All" if self.is_all else " + ".join(self.values)


Values = Mapping[str, Value]
Format = Callable[[Value], str]


def in_query(value: Value) -> str:
    """In PromQL and LogQL: what may be many is a regular expression inside a quoted string, as Grafana writes it."""
    if not value.many or not value.values:
        return "".join(value.values).replace("\\", "\\\\").replace('"', '\\"')
    escaped = [_SPECIAL.sub(r"\\\\\g<0>", each.replace("\\", "\\\\\\\\")) for each in value.values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def in_text(value: Value) -> str:
    """In titles and texts."""
    return value.text


def _glob(value: Value) -> str:
    return value.values[0] if len(value.values) == 1 else "{" + ",".join(value.values) + "}"


def _regex(value: Value) -> str:
    escaped = [re.sub(r"[\\^$*+?.()|\[\]{}/]", r"\\\g<0>", each) for each in value.values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _quoted(mark: str) -> Format:
    return lambda value: ",".join(mark + each.replace(mark, "\\" + mark) + mark for each in value.values)


def _json(value: Value) -> str:
    return json.dumps(list(value.values) if value.many else "".join(value.values), ensure_ascii=False)


FORMATS: Final[Mapping[str, Format]] = {
    "raw": lambda value: ",".join(value.values),
    "csv": lambda value: ",".join(value.values),
    "pipe": lambda value: "|".join(value.values),
    "glob": _glob,
    "regex": _regex,
    "json": _json,
    "text": in_text,
    "singlequote": _quoted("'"),
    "doublequote": _quoted('"'),
    "sqlstring": lambda value: ",".join("'" + each.replace("'", "''") + "'" for each in value.values),
    "percentencode": lambda value: quote(_glob(value), safe=""),
}
"""The formats of `${name:format}` that the board knows; `queryparam` needs the name and is beside them."""


def substitute(text: str, values: Values, default: Format = in_query) -> str:
    """`text` with every variable of `values` filled in; what is not known stays as it is, as in Grafana.

    ValueError for a format that Grafana or the board does not know.
    """

    def filled(found: re.Match[str]) -> str:
        name, form = found[1] or found[2] or found[4], found[3] or found[5]
        value = values.get(name)
        if value is None:
            return found[0]
        if form == "queryparam":
            return as_query(name, value)
        if form and form not in FORMATS:
            raise ValueError(f"{found[0]}: no format {form}; there are {', '.join(FORMATS)}, queryparam")
        way = FORMATS[form] if form else default
        return value.raw if value.raw is not None and way is not in_text else way(value)

    return _NAMED.sub(filled, text)


def as_query(name: str, value: Value) -> str:
    """A variable as a page's address carries it."""
    chosen = ("All",) if value.is_all else value.values
    return "&".join(f"var-{quote(name)}={quote(ALL if value.is_all else each)}" for each in chosen)


def used(text: str) -> set[str]:
    """The names of all variables in a text, globals too."""
    return {found[1] or found[2] or found[4] for found in _NAMED.finditer(text)}


def globals_of(over: TimeRange, step: int, scrape: int) -> dict[str, Value]:
    """The variables that a query's time range and step give; `step` and `scrape` are in milliseconds."""
    seconds = round(over.milliseconds / 1000)
    rate = rate_interval(step, scrape)
    texts = {
        "__interval": duration(step),
        "__interval_ms": str(step),
        "__rate_interval": duration(rate),
        "__rate_interval_ms": str(rate),
        "__auto": duration(step),
        "__range": f"{seconds}s",
        "__range_s": str(seconds),
        "__range_ms": str(over.milliseconds),
        "__from": str(over.start),
        "__to": str(over.end),
    }
    return {name: Value((text,)) for name, text in texts.items()}


GLOBALS: Final = frozenset({*globals_of(TimeRange(0, 1000), 1000, 1000), "__all", "__tags"})
