"""Panels asked as a browser asks: through the board, with all of each variable chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pointsman.board.layout import filled_in
from pointsman.board.variables import Value
from pointsman.signals.dashboards.expectations import GOOD_AT_ZERO
from tests.deployed.estate import Estate

# A value stands at each step, which of a day is minutes where a panel is narrow: what is shown is on a wide screen.
NARROW, WIDE = 200, 1600

Values = list[float | str]
Frame = Mapping[str, Any]


def frames(
    estate: Estate, uid: str, title: str, shown: Mapping[str, str] | None = None, points: int = NARROW
) -> list[Frame]:
    """What the board shows in a panel, in the range `shown` or in the one that the dashboard opens with."""
    model = estate.get("board", f"/api/dashboards/uid/{uid}").json()["dashboard"]
    panel = next(each for each in model["panels"] if each["title"] == title)
    # As Grafana's page does and its API does not.
    everything = {
        each["name"]: Value((), many=True, raw=each["allValue"], is_all=True)
        for each in model["templating"].get("list", [])
    }
    targets = filled_in(panel["targets"], everything)
    body = {**(shown or model["time"]), "queries": [{**each, "maxDataPoints": points} for each in targets]}
    answer = estate.http.post(f"{estate.url('grafana')}/api/ds/query", json=body)
    assert answer.status_code == 200, answer.text
    return [frame for result in answer.json()["results"].values() for frame in result["frames"]]


def shows_data(estate: Estate, uid: str, title: str) -> bool:
    """Values that are numbers, and not all of them nothing, but where nothing is what good looks like."""
    found = [value for frame in frames(estate, uid, title, points=WIDE) for value in values_of(frame)]
    assert not any(isinstance(value, float) and math.isnan(value) for value in found)
    return bool(found) and ((uid, title) in GOOD_AT_ZERO or any(value != 0 for value in found))


def values_of(frame: Frame) -> Values:
    """The values of a frame but its times; of a table, its first column."""
    fields, columns = frame["schema"]["fields"], frame["data"]["values"]
    kept = [column for field, column in zip(fields, columns, strict=True) if field["type"] != "time"]
    return [value for column in kept for value in column if value is not None]


def series_of(frame: Frame) -> str:
    """The label by which a frame's series is told from the others of its panel; "" without any."""
    field = next(each for each in frame["schema"]["fields"] if each["type"] != "time")
    return "".join(value for key, value in sorted((field.get("labels") or {}).items()) if key != "__name__")
