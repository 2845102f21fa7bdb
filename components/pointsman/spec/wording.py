"""What was expected, in words, and what was probably meant; all of it taken from the schema."""

from __future__ import annotations

import difflib
import re
from datetime import date

from pointsman.spec.base import Location
from pointsman.spec.document import Node, Scalar, Sequence
from pointsman.spec.mistakes import key_path, shown
from pointsman.spec.schema import ITEM, Schema, known_keys, resolved, schema_at

_LONGEST_GUESSED = 64  # characters: beyond it nothing in the spec is near, and comparing is quadratic
_SIZE_AS_OFTEN_WRITTEN = re.compile(r"([0-9]+) *([KMGT])i?B?", re.IGNORECASE)
_NUMBER_TYPES = {"integer": (int,), "number": (int, float)}


def expected(schema: Schema | None) -> str:
    """What may stand where this schema holds: `a whole number from 1 to 65535`."""
    if schema is None:
        return "a key that the spec knows"
    schema = resolved(schema)
    if words := schema.get("patternErrorMessage"):
        return str(words).removeprefix("expected ")
    if choices := _choices(schema):
        return ("one of " if len(choices) > 1 else "") + ", ".join(choices)
    if branches := schema.get("anyOf"):
        return " or ".join(expected(branch) for branch in branches)
    return _expected_type(schema)


def _choices(schema: Schema) -> list[str]:
    return [schema["const"]] if "const" in schema else schema.get("enum", [])


def _expected_type(schema: Schema) -> str:
    match schema.get("type"):
        case "integer" | "number" as kind:
            return ("a whole number" if kind == "integer" else "a number") + _range(schema)
        case "boolean":
            return "true or false"
        case "array":
            least = f"at least {schema['minItems']}, each " if "minItems" in schema else ""
            return f"a list: {least}{expected(schema['items'])}"
        case "object" if "properties" in schema:
            return "a mapping with the keys " + ", ".join(schema["properties"])
        case "object":
            return f"a mapping of names to {expected(schema['additionalProperties'])}"
        case "null":
            return "null"
    return "an IPv4 address, such as 127.0.0.1" if schema.get("format") == "ipv4" else "text"


def _range(schema: Schema) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f" from {schema['minimum']} to {schema['maximum']}"
    bounds = [
        f"{words} {schema[bound]}"
        for bound, words in (
            ("exclusiveMinimum", "above"),
            ("minimum", "at least"),
            ("exclusiveMaximum", "below"),
            ("maximum", "at most"),
        )
        if bound in schema
    ]
    return " " + " and ".join(bounds) if bounds else ""


def problem(node: Node, schema: Schema | None) -> str:
    """What is wrong with a value: its type, or else the value itself."""
    kinds = _types(schema or {})
    if not isinstance(node, Scalar):
        return "an empty list" if isinstance(node, Sequence) and not node.items else node.shown
    if node.value is None and not node.written:
        return "nothing is written"
    found, words = _found(node.value)
    if found in kinds or (found == "integer" and "number" in kinds):
        return f"{node.shown} is out of range" if found in _NUMBER_TYPES else f"{node.shown} does not fit"
    return f"{node.shown} {words}"


def _types(schema: Schema) -> set[str]:
    branches = [resolved(branch) for branch in schema.get("anyOf", [schema])]
    return {str(branch.get("type", "string")) for branch in branches}


def _found(value: object) -> tuple[str, str]:
    match value:
        case None:
            return "null", "is no value"
        case bool():
            return "boolean", f"reads as {str(value).lower()}"
        case int():
            return "integer", "is a number"
        case float():
            return "number", "is a number with a fraction"
        case date():
            return "date", "is a date"
    return "string", "is text"


def suggestion(node: Node, schema: Schema | None) -> str:
    """What to write instead, where that can be told."""
    if schema is None:
        return ""
    kinds = _types(schema)
    if not isinstance(node, Scalar):
        return ""
    if node.value is None and not node.written:
        return "leave the key out to have its default" if "null" not in kinds else ""
    text = node.written
    if isinstance(node.value, str):
        if (unquoted := _as_number(text, kinds)) and unquoted != (text if node.plain else ""):
            return f"write {unquoted}" + ("" if node.plain else " without quotes")
        if "boolean" in kinds and text.lower() in ("true", "false"):
            return f"write {text.lower()} without quotes"
        return _nearest(text, schema)
    if "string" in kinds and _accepts(text, schema):
        return f"write {shown(text, quoted=True)} in quotes"
    return ""


def _as_number(text: str, kinds: set[str]) -> str:
    if "integer" in kinds and re.fullmatch(r"[0-9]{1,15}", text):
        return str(int(text))
    if "number" in kinds and re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,15})?(e[0-9])?", text, re.IGNORECASE):
        return repr(float(text))
    return ""


def _nearest(text: str, schema: Schema) -> str:
    if len(text) > _LONGEST_GUESSED:
        return ""
    if choices := _choices(schema):
        near = difflib.get_close_matches(text.lower(), choices, n=1)
        return f"did you mean {near[0]}?" if near else ""
    guesses = ["".join(text.split()).lower()]
    if size := _SIZE_AS_OFTEN_WRITTEN.fullmatch(text):
        guesses.append(f"{size[1]}{size[2].upper()}iB")
    for guess in guesses:
        if guess != text and "pattern" in schema and _accepts(guess, schema):
            return f"did you mean {guess}?"
    return ""


def _accepts(text: str, schema: Schema) -> bool:
    if branches := schema.get("anyOf"):
        return any(_accepts(text, branch) for branch in branches if branch.get("type") == "string")
    if choices := _choices(schema):
        return text in choices
    if "format" in schema:
        return False
    return "pattern" not in schema or re.search(schema["pattern"], text) is not None


def meant_key(location: Location) -> str:
    """The known keys that an unknown one was probably meant to be: a misspelling of a key of the same section, a key of
    another section, or its section and name the wrong way round (`prometheus.port`)."""
    *above, key = (ITEM if isinstance(part, int) else part for part in location)
    name = _snake(key)
    if len(name) > _LONGEST_GUESSED:
        return ""
    here = {path[-1]: path for path in known_keys() if path[:-1] == tuple(above)}
    candidates = [here[name]] if name in here else _elsewhere(name, above)
    if not candidates:
        candidates = [here[near] for near in difflib.get_close_matches(name, [str(part) for part in here], n=1)]
    if not candidates:
        names = {str(path[-1]) for path in known_keys()}
        near_names = difflib.get_close_matches(name, sorted(names), n=1, cutoff=0.8)
        candidates = [path for path in known_keys() if path[-1] in near_names]
    # A key that another kind has in the same place would be told as its own correction.
    paths = [key_path(_positions(path, location)) for path in candidates if path != (*above, key)]
    return "did you mean " + " or ".join(paths) + "?" if paths else ""


def _elsewhere(name: str, above: list[str]) -> list[Location]:
    if above:
        turned = [
            path for path in known_keys() if path[-1] == above[-1] and len(path) > 1 and path[-2] in (name, name + "s")
        ]
        if turned:
            return turned
    return [path for path in known_keys() if path[-1] == name]


def _positions(path: Location, location: Location) -> Location:
    """A known key's location with the list positions of the place where it was looked for."""
    same = 0
    while same < min(len(path) - 1, len(location)):
        if path[same] != (ITEM if isinstance(location[same], int) else location[same]):
            break
        same += 1
    return (*location[:same], *path[same:])


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower().replace("-", "_").replace(" ", "_")


def expected_key(at: Location) -> str:
    """The keys that may stand in a section."""
    schema = schema_at(at) or {}
    return "one of " + ", ".join(schema["properties"]) if "properties" in schema else expected(schema)
