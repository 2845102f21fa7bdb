"""Whether an expression can have a value is read from the syntax tree that Prometheus 3.15 gives of it."""

from __future__ import annotations

from typing import Any

import pytest

from pointsman.alerts.promql import missing

Tree = dict[str, Any]


def selector(name: str, kind: str = "vectorSelector", how: str = "=") -> Tree:
    """`name`, `name[5m]`, or `{__name__=~"name"}`."""
    matchers = [{"name": "job", "type": "=", "value": "a"}, {"name": "__name__", "type": how, "value": name}]
    return {"type": kind, "name": name if how == "=" else "", "matchers": matchers}


def call(function: str, *arguments: Tree) -> Tree:
    """`function(arguments)`."""
    return {"type": "call", "func": {"name": function}, "args": list(arguments)}


def binary(left: Tree, op: str, right: Tree) -> Tree:
    """`left op right`."""
    return {"type": "binaryExpr", "op": op, "lhs": left, "rhs": right}


def total(inner: Tree) -> Tree:
    """`sum(inner)`."""
    return {"type": "aggregation", "op": "sum", "expr": inner, "param": None}


ZERO: Tree = {"type": "numberLiteral", "val": "0"}
HERE, GONE = selector("here"), selector("gone")
KNOWN = {"here", "here_too"}


@pytest.mark.parametrize(
    ("tree", "found"),
    [
        (binary(HERE, ">", ZERO), ()),
        (binary(GONE, ">", ZERO), ("gone",)),
        (total(call("rate", selector("gone", "matrixSelector"))), ("gone",)),
        # Both must be there, but for `or`; what `unless` takes away need not.
        (binary(HERE, "/", GONE), ("gone",)),
        (binary(HERE, "and", GONE), ("gone",)),
        (binary(GONE, "or", HERE), ()),
        (binary(GONE, "or", selector("lost")), ("gone", "lost")),
        (binary(HERE, "unless", GONE), ()),
        (binary(GONE, "unless", HERE), ("gone",)),
        # What has a value without any series.
        (call("absent", GONE), ()),
        (binary(total(GONE), "or", call("vector", ZERO)), ()),
        (call("vector", ZERO), ()),
        (binary(GONE, "-", call("time")), ("gone",)),
        (selector("here.*|x", how="=~"), ()),
        (selector("x|y", how="=~"), ("x|y",)),
        ({"type": "parenExpr", "expr": {"type": "unaryExpr", "op": "-", "expr": GONE}}, ("gone",)),
        ({"type": "subquery", "expr": HERE}, ()),
        ({"type": "vectorSelector", "name": "", "matchers": [{"name": "job", "type": "=", "value": "a"}]}, ()),
    ],
)
def test_what_an_expression_lacks(tree: Tree, found: tuple[str, ...]) -> None:
    """The metrics that keep it from ever having a value, and none when it can have one."""
    assert missing(tree, KNOWN) == found
