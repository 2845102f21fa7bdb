"""Data frames, in the JSON of Grafana's /api/ds/query: a schema, and a list of values for each of its fields."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

TIME, NUMBER, STRING, OTHER = "time", "number", "string", "other"
_GO: Final = {TIME: "time.Time", NUMBER: "float64", STRING: "string", OTHER: "json.RawMessage"}


@dataclass(frozen=True)
class Field:
    """One column. Times are milliseconds since 1970."""

    name: str
    kind: str
    values: Sequence[Any]
    labels: Mapping[str, str] | None = None
    config: Mapping[str, Any] = field(default_factory=dict)

    def schema(self) -> dict[str, Any]:
        """Its entry in the schema."""
        entry: dict[str, Any] = {"name": self.name, "type": self.kind, "typeInfo": {"frame": _GO[self.kind]}}
        if self.labels is not None:
            entry["labels"] = dict(self.labels)
        return entry | ({"config": dict(self.config)} if self.config else {})


@dataclass(frozen=True)
class Frame:
    """One table of a result: of Prometheus one for each series."""

    fields: tuple[Field, ...]
    name: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)

    def document(self, ref: str) -> dict[str, Any]:
        """The frame as Grafana writes it. What JSON has no number for is null, and told in `entities`."""
        schema: dict[str, Any] = {
            "refId": ref,
            "meta": dict(self.meta),
            "fields": [each.schema() for each in self.fields],
        }
        if self.name:
            schema["name"] = self.name
        values, entities = [], []
        for each in self.fields:
            plain, odd = _plain(each)
            values.append(plain)
            entities.append(odd or None)
        data: dict[str, Any] = {"values": values}
        if any(entities):
            data["entities"] = entities
        return {"schema": schema, "data": data}


def _plain(column: Field) -> tuple[list[Any], dict[str, list[int]]]:
    if column.kind != NUMBER:
        return list(column.values), {}
    odd: dict[str, list[int]] = {}
    plain: list[Any] = []
    for place, value in enumerate(column.values):
        if value is None or math.isfinite(value):
            plain.append(value)
            continue
        plain.append(None)
        odd.setdefault("NaN" if math.isnan(value) else "Inf" if value > 0 else "NegInf", []).append(place)
    return plain, odd
