"""Whether an expression can have a value at all, from its syntax tree as Prometheus's own parser tells it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any

Tree = dict[str, Any]
# Functions that have a value without any series.
ALWAYS = frozenset({"absent", "absent_over_time", "vector", "time", "pi"})


def missing(tree: Tree, known: Collection[str]) -> tuple[str, ...]:
    """The metrics for want of which the expression never has a value; empty when it can have one."""
    return () if _possible(tree, known) else tuple(dict.fromkeys(_unknown(tree, known)))


def _possible(tree: Tree, known: Collection[str]) -> bool:
    judge = _JUDGES.get(tree["type"])
    return judge(tree, known) if judge else True


def _binary(tree: Tree, known: Collection[str]) -> bool:
    left = _possible(tree["lhs"], known)
    if tree["op"] == "unless":
        return left
    right = _possible(tree["rhs"], known)
    return (left or right) if tree["op"] == "or" else (left and right)


def _call(tree: Tree, known: Collection[str]) -> bool:
    return tree["func"]["name"] in ALWAYS or all(_possible(each, known) for each in tree["args"])


def _selector(tree: Tree, known: Collection[str]) -> bool:
    for matcher in tree["matchers"]:
        if matcher["name"] == "__name__":
            return any(_matches(matcher, name) for name in known)
    return True


def _matches(matcher: dict[str, str], name: str) -> bool:
    kind, value = matcher["type"], matcher["value"]
    is_same = re.fullmatch(value, name) is not None if kind.endswith("~") else value == name
    return is_same != kind.startswith("!")


def _inner(tree: Tree, known: Collection[str]) -> bool:
    return _possible(tree["expr"], known)


def _unknown(tree: Any, known: Collection[str]) -> Iterator[str]:
    """The names of all selectors that find nothing, wherever in the tree."""
    if isinstance(tree, list):
        for each in tree:
            yield from _unknown(each, known)
    elif isinstance(tree, dict):
        if tree.get("type") in ("vectorSelector", "matrixSelector") and not _selector(tree, known):
            yield next(each["value"] for each in tree["matchers"] if each["name"] == "__name__")
        for each in tree.values():
            yield from _unknown(each, known)


_JUDGES: dict[str, Callable[[Tree, Collection[str]], bool]] = {
    "binaryExpr": _binary,
    "call": _call,
    "vectorSelector": _selector,
    "matrixSelector": _selector,
    "aggregation": _inner,
    "parenExpr": _inner,
    "unaryExpr": _inner,
    "subquery": _inner,
    "stepInvariantExpr": _inner,
}
