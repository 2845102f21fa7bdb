"""The spec as JSON Schema: what editors complete and explain from, and where the reader takes its words from.

`python -m pointsman.spec.schema` prints the text of docs/reference/spec.schema.json.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from pointsman.spec.base import Location
from pointsman.spec.models import Environment
from pointsman.spec.monitor import MonitorSpec
from pointsman.spec.run_alerts import RunAlerts

DIALECT = "https://json-schema.org/draft/2020-12/schema"
HEADS: dict[type[BaseModel], tuple[str, str]] = {
    Environment: ("urn:pointsman:spec:1", "Pointsman environment"),
    MonitorSpec: ("urn:pointsman:monitor:1", "Pointsman run monitor"),
    RunAlerts: ("urn:pointsman:run-alerts:1", "Pointsman alerts on runs"),
}
"""Identity and title of each file that people write."""
ITEM = "[]"
"""Stands for any position of a list in the locations of `known_keys`."""

Schema = dict[str, Any]

_MODEL: ContextVar[type[BaseModel]] = ContextVar("_MODEL", default=Environment)


@contextmanager
def schema_of(model: type[BaseModel]) -> Iterator[None]:
    """Inside, all that is asked here is of `model` and not of the environment's spec."""
    before = _MODEL.set(model)
    try:
        yield
    finally:
        _MODEL.reset(before)


def json_schema() -> Schema:
    """The whole spec as JSON Schema, draft 2020-12. It says less than the reader knows: not which values fit together
    (ports taken twice), and not that 9090.0 is no whole number."""
    return copy.deepcopy(_schema())


def schema_text(model: type[BaseModel] = Environment) -> str:
    """The text of docs/reference/spec.schema.json, or of that of another file that people write."""
    with schema_of(model):
        return _text()


def _text() -> str:
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def schema_at(location: Location) -> Schema | None:
    """The schema of what stands at a location, references followed; None where nothing is known.

    Where it may be of several kinds, the location may name one, as pydantic's do; else it is what they are together.
    """
    schema: Schema | None = _schema()
    for part in location:
        if schema is None:
            return None
        schema = _step(schema, part)
    return resolved(schema) if schema else None


def untagged(location: Location) -> Location:
    """A location as the document has it: pydantic's own names the kind of what may be of several."""
    bare: Location = ()
    schema: Schema | None = _schema()
    for part in location:
        if schema is None or part not in _kinds(schema):
            bare = (*bare, part)
        schema = _step(schema, part) if schema else None
    return bare


def resolved(schema: Schema) -> Schema:
    """A schema with its reference, if it is one, replaced by what it refers to; of one that may be left out, what it is
    when it is not; of one that may be of several kinds, what they are together."""
    branches = [branch for branch in schema.get("anyOf", []) if branch.get("type") != "null"]
    if len(branches) == 1 and "$ref" in branches[0]:
        schema = branches[0]
    if reference := schema.get("$ref"):
        target: Schema = _schema()["$defs"][reference.rpartition("/")[2]]
        return target
    if kinds := _kinds(schema):
        return _together(schema["discriminator"]["propertyName"], {tag: resolved(kinds[tag]) for tag in kinds})
    return schema


def _step(schema: Schema, part: str | int) -> Schema | None:
    """The schema one part further in."""
    if (kind := _kinds(schema).get(str(part))) is not None:
        return kind
    whole = resolved(schema)
    if isinstance(part, int) or part == ITEM:
        return whole.get("items")
    return whole.get("properties", {}).get(part) or whole.get("additionalProperties") or None


def _kinds(schema: Schema) -> dict[str, Schema]:
    """The schema of each kind, by its tag; none where there is only one."""
    mapping = schema.get("discriminator", {}).get("mapping", {})
    return {tag: {"$ref": reference} for tag, reference in mapping.items()}


def _together(tag: str, kinds: Mapping[str, Schema]) -> Schema:
    """All keys of all kinds, `tag` being the one that tells which. One that not all have says who has it; it is
    required where whoever has it requires it."""
    having = {key: [name for name, kind in kinds.items() if key in kind["properties"]] for key in _keys_of(kinds)}
    properties = {tag: _tag(tag, kinds)}
    for key, names in having.items():
        if key != tag:
            its = kinds[names[0]]["properties"][key]
            whose = "" if len(names) == len(kinds) else f"{', '.join(names)}: "
            properties[key] = {**its, "description": whose + its.get("description", "")}
    required = [key for key, names in having.items() if all(key in kinds[name]["required"] for name in names)]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _tag(tag: str, kinds: Mapping[str, Schema]) -> Schema:
    """The key that tells the kind, with the default that one of them gives it."""
    told = [kind["properties"][tag] for kind in kinds.values()]
    more = {name: value for each in told for name, value in each.items() if name in ("default", "description")}
    return {"type": "string", "enum": list(kinds), **more}


def _keys_of(kinds: Mapping[str, Schema]) -> list[str]:
    return list(dict.fromkeys(key for kind in kinds.values() for key in kind["properties"]))


def known_keys() -> tuple[Location, ...]:
    """The location of every key that the spec knows, list positions as `[]`."""
    return _known_keys(_MODEL.get())


@lru_cache(maxsize=4)
def _known_keys(model: type[BaseModel]) -> tuple[Location, ...]:
    return tuple(_keys_below(resolved(_schema_of(model)), ()))


def _keys_below(schema: Schema, at: Location) -> Iterator[Location]:
    for key, child in schema.get("properties", {}).items():
        yield (*at, key)
        yield from _keys_below(resolved(child), (*at, key))
    if "items" in schema:
        yield from _keys_below(resolved(schema["items"]), (*at, ITEM))


def _schema() -> Schema:
    return _schema_of(_MODEL.get())


@lru_cache(maxsize=4)
def _schema_of(model: type[BaseModel]) -> Schema:
    generated = model.model_json_schema()
    tidied: Schema = _tidied(generated)
    if model not in HEADS:
        return tidied
    identity, title = HEADS[model]
    return {"$schema": DIALECT, "$id": identity, "title": title, **tidied}


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
