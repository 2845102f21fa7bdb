"""The queries of a dashboard with its variables filled in. Nothing but the standard library."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pointsman.signals.dashboards import subset

Values = Mapping[str, str | Sequence[str]]
"""Variable or macro → its value, or the values that are chosen. `$__rate_interval` is called `__rate_interval`."""

_NAMED = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
# As Grafana escapes what stands in a string of a query: for the regular expression, and that again for the string.
_SPECIAL = re.compile(r"[\\^$*+?.()|\[\]{}/]")


class Asked(NamedTuple):
    """One query as it is sent: title of its panel, its letter there, uid of the data source, text."""

    panel: str
    ref: str
    datasource: str
    expr: str


def queries(dashboard: Mapping[str, Any], variables: Values | None = None) -> list[Asked]:
    """Every query of a dashboard, in order; a variable that is not in `variables` stands for all of its values.

    `dashboard` is the JSON that Grafana loads. Raises ValueError for a variable that the dashboard does not have.
    """
    values = {**subset.MACROS, **_defaults(dashboard), **(variables or {})}
    return [
        Asked(panel["title"], target["refId"], target["datasource"]["uid"], filled(text(target), values))
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]


def text(target: Mapping[str, Any]) -> str:
    """The query of a target, which Tempo's call by another name."""
    return str(target.get("expr") or target.get("query") or "")


def filled(expr: str, values: Values) -> str:
    """A query with its variables in it. Raises ValueError for one that has no value."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name not in values:
            raise ValueError(f"${name} has no value in {expr}")
        chosen = values[name]
        if isinstance(chosen, str):
            return chosen
        escaped = [_SPECIAL.sub(r"\\\\\g<0>", each) for each in chosen]
        return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"

    return _NAMED.sub(value, expr)


def variables_in(expr: str) -> set[str]:
    """The variables and macros that a query names."""
    return {found[1] or found[2] for found in _NAMED.finditer(expr)}


def _defaults(dashboard: Mapping[str, Any]) -> dict[str, str]:
    listed = dashboard.get("templating", {}).get("list", [])
    return {each["name"]: each.get("allValue") or subset.EVERYTHING for each in listed}
