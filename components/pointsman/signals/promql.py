"""Which series a PromQL expression names, and which labels it asks of each: enough to find what nobody sends."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_RANGE = re.compile(r"\[[^\]]*\]")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
# A name, perhaps with matchers, or matchers alone; what is followed by a parenthesis is a function.
_SELECTOR = re.compile(r"(?<![\w.:$])([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?(?!\s*\(|[\w:])|(\{[^}]*\})")
_MATCHER = re.compile(r"([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)")
# Several metrics at once, as far as they are listed.
_ANY_OF = re.compile(r'\{\s*__name__\s*=~\s*"([\w:|]+)"\s*\}')
_WORDS = frozenset({"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "inf", "nan"})


@dataclass(frozen=True)
class Selected:
    """A series that is asked for, with the labels that it is chosen by; `name` is empty where none is given."""

    name: str
    labels: frozenset[str]


@lru_cache(maxsize=1024)
def selected(expr: str) -> tuple[Selected, ...]:
    """Every selector of an expression."""
    plain = _plain(_GROUPING.sub(" ", _ANY_OF.sub(lambda found: found[1].replace("|", " or "), expr)))
    return tuple(
        Selected(name, frozenset(_MATCHER.findall(matchers or bare)))
        for name, matchers, bare in _SELECTOR.findall(plain)
        if name.lower() not in _WORDS
    )


def grouped(expr: str) -> frozenset[str]:
    """The labels that its aggregations keep or drop, and that its joins match on."""
    listed = (each.strip() for found in _GROUPING.findall(expr) for each in found.split(","))
    return frozenset(each for each in listed if each)


def strangers(expr: str, known: Mapping[str, Collection[str]]) -> Iterator[str]:
    """What an expression asks for that nobody sends, in words; `known` are the series that are sent, with their labels.

    Where all that it names is unknown, nothing is said of the labels that it groups by.
    """
    had: set[str] = set()
    for each in selected(expr):
        if not each.name:
            yield "a selector without a metric's name"
        elif each.name not in known:
            yield f"the metric {each.name} is unknown"
        else:
            labels = set(known[each.name])
            had |= labels
            yield from (f"the metric {each.name} has no label {label}" for label in sorted(each.labels - labels))
    if had:
        yield from (f"no metric in it has the label {label}" for label in sorted(grouped(expr) - had))


def _plain(expr: str) -> str:
    """Without strings and ranges, in which anything may stand."""
    return _RANGE.sub(" ", _STRING.sub('""', expr))
