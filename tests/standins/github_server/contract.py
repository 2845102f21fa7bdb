"""The published description, as a judge: is this request, is this answer, one that GitHub's REST API knows?

Stricter than JSON Schema: a property that the description does not name is a fault too, unless it says that there may
be more. So nothing is made up here that a client could come to rely on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

BASE = "urn:github"
CLOSED = "closed"
ERROR_SCHEMA = f"{BASE}#/components/schemas/basic-error"
JSON_TYPES = ("application/json", "application/scim+json", "application/json+scim")
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class Operation:
    """One operation of the description. `path` is its template, `pattern` matches it with the parameters by name."""

    id: str
    method: str
    path: str
    pattern: re.Pattern[str]
    described: Mapping[str, Any]

    @property
    def pointer(self) -> str:
        """Where the description holds it."""
        return f"{BASE}#/paths/{_escaped(self.path)}/{self.method.lower()}"


@cache
def contract(slice_file: Path) -> Contract:
    """The contract of a slice, read once."""
    return Contract(slice_file)


class Contract:
    """The operations of a slice, and what is wrong with requests and answers."""

    def __init__(self, slice_file: Path) -> None:
        self._document: dict[str, Any] = json.loads(slice_file.read_text("utf-8"))
        self.version: str = self._document["info"]["version"]
        resource: Any = DRAFT202012.create_resource(self._document)
        self._registry: Registry[Any] = Registry().with_resource(BASE, resource)
        self._validators: dict[str, Any] = {}
        self.operations = tuple(self._operations())
        # GitHub prefers the path with more fixed parts: `public-key` is no name of a secret.
        self._ordered = sorted(self.operations, key=lambda operation: operation.path.count("{"))

    def match(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation that a request is for, with the parameters of its path."""
        for operation in self._ordered:
            if operation.method == method and (found := operation.pattern.fullmatch(path)):
                return operation, {name: unquote(value) for name, value in found.groupdict().items()}
        return None

    def request_faults(
        self, operation: Operation, path: Mapping[str, str], query: Mapping[str, str], body: Any
    ) -> list[str]:
        """What the description says against a request; `body` is None where there is none."""
        known: dict[tuple[str, str], tuple[str, Mapping[str, Any]]] = {}
        for place, parameter in enumerate(operation.described.get("parameters", ())):
            pointer, found = self._resolved(f"{operation.pointer}/parameters/{place}", parameter)
            known[found["in"], found["name"]] = f"{pointer}/schema", found["schema"]
        faults = [f"query parameter {name} is not known" for name in query if ("query", name) not in known]
        for where, given in (("path", path), ("query", query)):
            for name, text in given.items():
                if (where, name) in known:
                    pointer, schema = known[where, name]
                    faults += self._faults(pointer, _typed(text, schema), f"{where} parameter {name}")
        return faults + self._body_faults(operation, body)

    def answer_faults(self, operation: Operation, status: int, body: Any) -> list[str]:
        """What the description says against an answer; `body` is None where there is none."""
        response = operation.described["responses"].get(str(status))
        if response is None:
            if status < 400:
                return [f"{operation.id} never answers {status}"]
            # Most operations do not list what any of them may answer: 401, 403, 404, 429, 5xx.
            return self._faults(ERROR_SCHEMA, body, f"the answer {status}")
        pointer, found = self._resolved(f"{operation.pointer}/responses/{status}", response)
        return self._content_faults(pointer, found, body, f"the answer {status}")

    def _operations(self) -> Iterator[Operation]:
        for path, item in self._document["paths"].items():
            pattern = re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path)))
            for method, described in item.items():
                yield Operation(described["operationId"], method.upper(), path, pattern, described)

    def _body_faults(self, operation: Operation, body: Any) -> list[str]:
        described = operation.described.get("requestBody")
        if described is None:
            return ["a body where none is known"] if body not in (None, {}) else []
        if body is None:
            return ["no body where one is required"] if described.get("required") else []
        return self._content_faults(f"{operation.pointer}/requestBody", described, body, "the body")

    def _content_faults(self, pointer: str, described: Mapping[str, Any], body: Any, name: str) -> list[str]:
        content = described.get("content", {})
        kind = next((each for each in JSON_TYPES if each in content), None)
        if kind is None:
            return [] if body is None else [f"{name} has a body where none is known"]
        return self._faults(f"{pointer}/content/{_escaped(kind)}/schema", body, name)

    def _resolved(self, pointer: str, thing: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        reference = thing.get("$ref")
        if reference is None:
            return pointer, thing
        found: Mapping[str, Any] = self._document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        return f"{BASE}{reference}", found

    def _faults(self, pointer: str, instance: Any, name: str) -> list[str]:
        if pointer not in self._validators:
            self._validators[pointer] = VALIDATOR({"$ref": pointer}, registry=self._registry, format_checker=FORMATS)
        return [
            f"{name}{''.join(f'[{part!r}]' for part in error.absolute_path)}: {error.message[:300]}"
            for error in self._validators[pointer].iter_errors(instance)
        ]


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")


def _typed(text: str, schema: Mapping[str, Any]) -> Any:
    """A parameter's text as the type that its schema wants; text that is none stays text, and is found wrong."""
    kinds = {schema.get("type"), *(each.get("type") for each in schema.get("oneOf", ()))}
    if "integer" in kinds and re.fullmatch(r"-?\d+", text):
        return int(text)
    if "boolean" in kinds and text in ("true", "false"):
        return text == "true"
    return text


def _nullable(keyword: str) -> Any:
    """`keyword` as OpenAPI 3.0 has it: None passes where the schema says `nullable`."""
    judge = Draft202012Validator.VALIDATORS[keyword]

    def judged(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
        if not (instance is None and schema.get("nullable")):
            yield from judge(validator, value, instance, schema) or ()

    return judged


def _closed(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    """`properties`, where those that are not named are a fault."""
    yield from Draft202012Validator.VALIDATORS["properties"](validator, value, instance, schema) or ()
    if isinstance(instance, dict) and "additionalProperties" not in schema:
        for name in instance.keys() - value.keys():
            message = f"{name!r} is no property that the description names"
            yield ValidationError(message, validator=CLOSED, validator_value=name)


def _all_of(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    """`allOf`, where a property that one of the schemas names is known to all."""
    found = [list(validator.descend(instance, each, schema_path=place)) for place, each in enumerate(value)]
    unknown = [{error.validator_value for error in errors if _is_closed(error)} for errors in found]
    known_to_none = set.intersection(*unknown)
    for error in (error for errors in found for error in errors):
        if not _is_closed(error) or error.validator_value in known_to_none:
            yield error


def _is_closed(error: ValidationError) -> bool:
    return error.validator == CLOSED and not error.path


KEYWORDS = {keyword: _nullable(keyword) for keyword in ("type", "enum", "oneOf", "anyOf")}
EXTEND: Any = extend
VALIDATOR = EXTEND(Draft202012Validator, {**KEYWORDS, "properties": _closed, "allOf": _all_of})
FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def _date_time(value: object) -> bool:
    if isinstance(value, str):
        datetime.fromisoformat(value)
        return DATE_TIME.fullmatch(value) is not None
    return True


@FORMATS.checks("uri")
def _uri(value: object) -> bool:
    return not isinstance(value, str) or re.fullmatch(r"[a-z][a-z0-9+.-]*:\S+", value) is not None
