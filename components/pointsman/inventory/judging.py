"""What is wrong with a value, in the words of the spec's reader: one that is written, or one that was resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pointsman.inventory.documents import is_template
from pointsman.inventory.layout import Written
from pointsman.inventory.variables import NAMES, OWN_PREFIXES, SECRETS, HostVariables, schema_at
from pointsman.spec.base import Location, Misfit, Misfits
from pointsman.spec.document import Document, Entry, Node, Place, Scalar, Sequence, find
from pointsman.spec.document import Mapping as MappingNode
from pointsman.spec.mistakes import Mistake, shown
from pointsman.spec.wording import expected, problem, suggestion

HIDDEN = "its value"
"""How a value is called that is not shown."""


def validated(values: Mapping[str, Any]) -> tuple[HostVariables | None, list[ErrorDetails], list[Misfit]]:
    """The model of some variables, or all that is wrong with it: values one by one, and those that do not fit together
    as far as they are right."""
    try:
        return HostVariables.model_validate(dict(values)), [], []
    except ValidationError as error:
        details = error.errors(include_url=False)
    wrong = [detail for detail in details if detail["loc"]]
    misfits = [each for detail in details if not detail["loc"] for each in _misfits(detail)]
    if wrong:
        names = {str(detail["loc"][0]) for detail in wrong}
        rest = {name: value for name, value in values.items() if name not in names}
        subjects = {_subject(name) for name in names}
        _, _, found = validated(rest)
        misfits += [each for each in found if not {_subject(str(key[0])) for key in each.keys} & subjects]
    return None, wrong, misfits


def wrong_value(written: Written, detail: ErrorDetails, value: Any, host: str) -> Mistake:
    """The mistake that one variable's value is; `host` is for whom it was resolved, where it was."""
    at: Location = detail["loc"]
    schema = schema_at(at)
    node, place = _part(written.node, at[1:], written.place)
    resolved, _ = _part(_as_node(value, place), at[1:], place)
    judged = node if node is not None and not is_template(written.node) else resolved or Scalar(place, "", None, True)
    own_problem, own_words = _own_words(detail)
    words = own_problem or problem(judged, schema)
    advice = suggestion(judged, schema)
    if judged is not node:
        source = node if isinstance(node, Scalar) else written.node
        words += f" (from {source.shown}, for {host})" if isinstance(source, Scalar) else f" (for {host})"
        advice = "append `| int` to the expression" if "without quotes" in advice else ""
    is_secret = str(at[0]) in SECRETS
    return written.document.mistake(
        "wrong value",
        node.place if node is not None else written.place,
        (*written.at, *at[1:]),
        words.replace(judged.shown, HIDDEN) if is_secret else words,
        own_words or expected(schema),
        "" if is_secret else advice,
        value="" if is_secret or not isinstance(node, Scalar) else node.shown,
    )


def misfit(written: Written, key: Location, found: Misfit, host: str) -> Mistake:
    """The mistake that values make together, where one of them is written."""
    node, place = _part(written.node, key[1:], written.place)
    words = f"{found.problem} (for {host})" if host else found.problem
    place = node.place if node is not None else place
    return written.document.mistake("wrong value", place, (*written.at, *key[1:]), words, found.expected)


def known_name(name: str) -> bool:
    """Whether a variable may be called so."""
    return name in NAMES or (name.startswith(OWN_PREFIXES) and name.isidentifier() and name.isascii())


@lru_cache(maxsize=1)
def expected_name() -> str:
    """What a variable may be called."""
    return f"one of {', '.join(NAMES)}, or a name of your own that begins with {' or '.join(OWN_PREFIXES)}"


def _misfits(detail: ErrorDetails) -> Iterator[Misfit]:
    error = detail.get("ctx", {}).get("error")
    if isinstance(error, Misfits):
        yield from error.misfits


def _subject(name: str) -> str:
    return name.partition("_")[0] if not name.startswith("runner_package") else "runner_package"


def _own_words(detail: ErrorDetails) -> tuple[str, str]:
    """Problem and expectation as a validator of ours says them."""
    if detail["type"] != "value_error":
        return "", ""
    own_problem, _, own_words = str(detail.get("ctx", {}).get("error")).rpartition("expected ")
    return own_problem.removesuffix("; "), own_words


def _part(node: Node, at: Location, place: Place) -> tuple[Node | None, Place]:
    document = Document("", "")
    document.root = node
    found, where = find(document, at)
    return found, (where if at else place)


def _as_node(value: Any, place: Place) -> Node:
    """Plain data as a tree that stands in one place."""
    match value:
        case dict():
            return MappingNode(place, {str(key): Entry(place, _as_node(each, place)) for key, each in value.items()})
        case list():
            return Sequence(place, tuple(_as_node(each, place) for each in value))
        case str():
            return Scalar(place, value, value, plain=False)
    return Scalar(place, shown(str(value).lower() if isinstance(value, bool) else str(value)), value, plain=True)
