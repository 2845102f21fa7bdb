"""Which series a PromQL expression names, and which labels it asks of each: enough to find what nobody sends."""

from __future__ import annotations

import re
from dataclasses import dataclass

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_RANGE = re.compile(r"\[[^\]]*\]")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
# A name, perhaps with matchers, or matchers alone; what is followed by a parenthesis is a function.
_SELECTOR = re.compile(r"(?<![\w.:$])([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?(?!\s*\(|[\w:])|(\{[^}]*\})")
_MATCHER = re.compile(r"([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)")
_WORDS = frozenset({"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "inf", "nan"})


@dataclass(frozen=True)
class Selected:
    """A series that is asked for, with the labels that it is chosen by; `name` is empty where none is given."""

    name: str
    labels: frozenset[str]


def selected(expr: str) -> list[Selected]:
    """Every selector of an expression."""
    plain = _plain(_GROUPING.sub(" ", expr))
    return [
        Selected(name, frozenset(_MATCHER.findall(matchers or bare)))
        for name, matchers, bare in _SELECTOR.findall(plain)
        if name.lower() not in _WORDS
    ]


def grouped(expr: str) -> frozenset[str]:
    """The labels that its aggregations keep or drop, and that its joins match on."""
    listed = (each.strip() for found in _GROUPING.findall(expr) for each in found.split(","))
    return frozenset(each for each in listed if each)


def _plain(expr: str) -> str:
    """Without strings and ranges, in which anything may stand."""
    return _RANGE.sub(" ", _STRING.sub('""', expr))
