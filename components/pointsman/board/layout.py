"""The panels of a dashboard where they stand on Grafana's grid of 24 columns, rows opened, variables filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pointsman.board.variables import FORMATS, Format, Values, in_query, in_text, substitute

COLUMNS: Final = 24
ROW_PIXELS, GAP_PIXELS = 30, 8
"""Grafana's height of one grid row, and the gap between two."""
_QUERIES: Final = frozenset({"expr", "query"})


def laid_out(model: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All panels from top to bottom, those of closed rows too; what stands below a closed row moves down for them."""
    moved, found = 0, []
    for panel in sorted(model.get("panels") or [], key=_place):
        inside = panel.get("panels") or []
        found.append(_at(panel, moved))
        if panel.get("type") == "row" and inside:
            top = _grid(panel)["y"] + 1
            first = min(_grid(each)["y"] for each in inside)
            found += [_at(each, moved + top - first) for each in sorted(inside, key=_place)]
            moved += max(_grid(each)["y"] + _grid(each)["h"] for each in inside) - first
    return [{key: value for key, value in panel.items() if key != "panels"} for panel in found]


def filled_in(value: Any, values: Values, key: str = "") -> Any:
    """A part of a panel with its variables filled in: queries, addresses and what people read, each in its own way."""
    if isinstance(value, str):
        if key == "uid":
            return substitute(value, values, FORMATS["raw"])
        return substitute(value, values, _way(key)) if "$" in value or "[[" in value else value
    if isinstance(value, Mapping):
        return {name: filled_in(child, values, name) for name, child in value.items()}
    return [filled_in(child, values, key) for child in value] if isinstance(value, list) else value


def height(model: Mapping[str, Any]) -> int:
    """How high a dashboard's grid is, in pixels."""
    rows = max((_grid(each)["y"] + _grid(each)["h"] for each in laid_out(model)), default=0)
    return rows * (ROW_PIXELS + GAP_PIXELS)


def targets(model: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Every query of a dashboard, with its panel; its data source is the panel's where it names none."""
    for panel in laid_out(model):
        for target in panel.get("targets") or []:
            yield panel, {"datasource": panel.get("datasource"), **target}


def _way(key: str) -> Format:
    if key in _QUERIES:
        return in_query
    return FORMATS["percentencode"] if key == "url" else in_text


def _grid(panel: Mapping[str, Any]) -> dict[str, int]:
    given = panel.get("gridPos") or {}
    grid = {key: int(given.get(key, usual)) for key, usual in (("x", 0), ("y", 0), ("w", COLUMNS), ("h", 8))}
    return grid | ({"h": 1, "w": COLUMNS, "x": 0} if panel.get("type") == "row" else {})


def _at(panel: Mapping[str, Any], moved: int) -> dict[str, Any]:
    grid = _grid(panel)
    return {**panel, "gridPos": grid | {"y": grid["y"] + moved}}


def _place(panel: Mapping[str, Any]) -> tuple[int, int]:
    grid = _grid(panel)
    return grid["y"], grid["x"]
