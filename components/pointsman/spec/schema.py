"""The spec as JSON Schema: what editors complete and explain from, and where the reader takes its words from.

`python -m pointsman.spec.schema` prints the text of docs/reference/spec.schema.json.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from pointsman.spec.base import Location
from pointsman.spec.models import Environment

DIALECT = "https://json-schema.org/draft/2020-12/schema"
IDENTITY = "urn:pointsman:spec:1"
ITEM = "[]"
"""Stands for any position of a list in the locations of `known_keys`."""

Schema = dict[str, Any]


def json_schema() -> Schema:
    """The whole spec as JSON Schema, draft 2020-12. It says less than the reader knows: not which values fit together
    (ports taken twice), and not that 9090.0 is no whole number."""
    return copy.deepcopy(_schema())


def schema_text() -> str:
    """The text of docs/reference/spec.schema.json."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def schema_at(location: Location) -> Schema | None:
    """The schema of what stands at a location, references followed; None where nothing is known."""
    schema: Schema | None = resolved(_schema())
    for part in location:
        if schema is None:
            return None
        if isinstance(part, int) or part == ITEM:
            schema = schema.get("items")
        else:
            schema = schema.get("properties", {}).get(part) or schema.get("additionalProperties") or None
        schema = resolved(schema) if schema else None
    return schema


def resolved(schema: Schema) -> Schema:
    """A schema with its reference, if it is one, replaced by what it refers to; of one that may be left out, what it is
    when it is not."""
    branches = [branch for branch in schema.get("anyOf", []) if branch.get("type") != "null"]
    if len(branches) == 1 and "$ref" in branches[0]:
        schema = branches[0]
    if reference := schema.get("$ref"):
        target: Schema = _schema()["$defs"][reference.rpartition("/")[2]]
        return target
    return schema


@lru_cache(maxsize=1)
def known_keys() -> tuple[Location, ...]:
    """The location of every key that the spec knows, list positions as `[]`."""
    return tuple(_keys_below(resolved(_schema()), ()))


def _keys_below(schema: Schema, at: Location) -> Iterator[Location]:
    for key, child in schema.get("properties", {}).items():
        yield (*at, key)
        yield from _keys_below(resolved(child), (*at, key))
    if "items" in schema:
        yield from _keys_below(resolved(schema["items"]), (*at, ITEM))


@lru_cache(maxsize=1)
def _schema() -> Schema:
    generated = Environment.model_json_schema()
    head = {"$schema": DIALECT, "$id": IDENTITY, "title": "Pointsman environment"}
    tidied: Schema = _tidied(generated)
    return {**head, **tidied}


def _tidied(schema: Any) -> Any:
    """Without the titles that repeat the keys, and with closed mappings: `patternProperties` alone lets other keys
    pass."""
    if isinstance(schema, list):
        return [_tidied(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tidied = {
        key: {name: _tidied(child) for name, child in value.items()}
        if key in ("properties", "$defs")
        else _tidied(value)
        for key, value in schema.items()
        if key not in ("title", "default")
    }
    if "default" in schema:
        tidied["default"] = schema["default"]
    if patterns := tidied.pop("patternProperties", None):
        ((pattern, values),) = patterns.items()
        tidied["additionalProperties"] = values
        tidied["propertyNames"] = {"pattern": pattern, **tidied.get("propertyNames", {})}
    return tidied


if __name__ == "__main__":
    print(schema_text(), end="")
