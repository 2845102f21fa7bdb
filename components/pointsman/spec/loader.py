"""YAML text read into a document, with what is wrong with it as YAML.

Stricter than YAML 1.1: keys are text and stand once, a number reads as it is written, no more than one document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import yaml

from pointsman.spec.base import Location
from pointsman.spec.document import Document, Entry, Mapping, Node, Place, Scalar, Sequence
from pointsman.spec.mistakes import Kind, Mistake, SpecError, shown
from pointsman.spec.syntax import explain

LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# The spec's own depth is six; a file of a page has some hundred values. Beyond these it is no spec, and YAML's aliases
# can make a short file explode.
MAX_DEPTH = 32
MAX_VALUES = 20_000
_LONGEST_NUMBER = 100  # characters

_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = {_TAG + name for name in ("null", "bool", "int", "float", "str", "timestamp")}
_NON_DECIMAL = re.compile(r"[-+]?0[0-7_]+|[-+]?[0-9_]+(:[0-9_.]+)+")
_UNPRINTABLE = yaml.reader.Reader.NON_PRINTABLE


def load(text: str, file: str, loader: type[Any] = LOADER) -> Document:
    """Read YAML text. Raises SpecError where the text is no YAML at all, so that nothing can be said of its keys."""
    document = Document(file, text.replace("\r\n", "\n").replace("\r", "\n"))
    if unprintable := list(_unprintable(document)):
        raise SpecError(tuple(unprintable))
    try:
        _check_events(document, loader)
        node = loader(document.text).get_single_node()
    except yaml.YAMLError as error:
        raise SpecError(tuple(_syntax_mistakes(document, error))) from None
    if node is not None and not (isinstance(node, yaml.ScalarNode) and _is_empty(node)):
        document.root = _Builder(document).build(node, (), 0)
    return document


def _unprintable(document: Document) -> Iterator[Mistake]:
    for match in _UNPRINTABLE.finditer(document.text):
        name = f"U+{ord(match.group()):04X}"
        yield document.mistake(
            "syntax", document.place(match.start()), (), f"a control character ({name})", "text and line ends only"
        )


def _check_events(document: Document, loader: type[Any]) -> None:
    """Refuse deep nesting before anything recursive meets it."""
    depth = 0
    for event in yaml.parse(document.text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH and event.start_mark is not None:
                raise _too_much(document, document.place(event.start_mark.index))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _too_much(document: Document, place: Place) -> SpecError:
    expected = f"at most {MAX_DEPTH} levels and {MAX_VALUES} values, aliases included, and no alias inside itself"
    return SpecError((document.mistake("syntax", place, (), "nested too deep, or too many values", expected),))


def _syntax_mistakes(document: Document, error: yaml.YAMLError) -> Iterator[Mistake]:
    marks = [getattr(error, name, None) for name in ("problem_mark", "context_mark")]
    index = next((mark.index for mark in marks if mark), 0)
    place = document.place(index)
    lines = document.text.split("\n")
    if "\t" in _indentation(lines[place.line - 1]):
        for number, line in enumerate(lines, start=1):
            if (column := _indentation(line).find("\t")) >= 0:
                yield document.mistake(
                    "syntax", Place(number, column + 1), (), "a tab in the indentation", "spaces", value="\\t"
                )
        return
    explanation = explain(str(getattr(error, "problem", None) or error))
    if explanation.where_it_began and marks[1]:
        place = document.place(marks[1].index)
    yield document.mistake("syntax", place, (), explanation.problem, explanation.expected, explanation.suggestion)


def _indentation(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _is_empty(node: yaml.ScalarNode) -> bool:
    return bool(node.value == "" and not node.style and node.tag == _TAG + "null")


class _Builder:
    """Makes the tree of one document from YAML's nodes."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._left = MAX_VALUES

    def build(self, node: yaml.Node, at: Location, depth: int) -> Node:
        """The tree below a node; `at` is where it stands, `depth` counts aliases and merges too."""
        place = self._place(node)
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            raise _too_much(self._document, place)
        if node.tag not in _PLAIN_TAGS | {_TAG + "map", _TAG + "seq", _TAG + "value", _TAG + "merge"}:
            self._unreadable(node, at, f"the tag {shown(node.tag.replace(_TAG, '!!'))}", "a value without a tag")
        if isinstance(node, yaml.MappingNode):
            return Mapping(place, self._entries(node, at, depth))
        if isinstance(node, yaml.SequenceNode):
            items = (self.build(item, (*at, index), depth + 1) for index, item in enumerate(node.value))
            return Sequence(place, tuple(items))
        assert isinstance(node, yaml.ScalarNode)  # YAML knows no fourth kind
        return self._scalar(node, at)

    def _entries(self, node: yaml.MappingNode, at: Location, depth: int) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        merged: dict[str, Entry] = {}
        for key, value in node.value:
            place = self._place(key)
            if not isinstance(key, yaml.ScalarNode):
                self._note("wrong value", place, at, "a key that is a mapping or a list", "a key that is text")
                continue
            name = key.value
            is_merge = key.tag == _TAG + "merge"
            if first := (merged if is_merge else entries).get(name):
                self._duplicate(place, (*at, name), first.place)
                continue
            if is_merge:
                merged = {**self._merged(value, at, depth), name: Entry(place, Mapping(place, {}))}
                continue
            if key.tag not in (_TAG + "str", _TAG + "value"):
                self._odd_key(key, (*at, name))
            built = self.build(value, (*at, name), depth + 1)
            if isinstance(built, Scalar) and built.plain and not built.written:
                built = replace(built, place=place)
            entries[name] = Entry(place, built)
        merged.pop("<<", None)
        return merged | entries

    def _merged(self, node: yaml.Node, at: Location, depth: int) -> dict[str, Entry]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        entries: dict[str, Entry] = {}
        for source in reversed(sources):  # of several, the first wins
            built = self.build(source, at, depth + 1)
            if isinstance(built, Mapping):
                entries |= built.entries
            else:
                self._note(
                    "wrong value", built.place, (*at, "<<"), f"{built.shown} cannot be merged", "an alias of a mapping"
                )
        return entries

    def _scalar(self, node: yaml.ScalarNode, at: Location) -> Scalar:
        is_plain = not node.style
        value: object = node.value
        if is_plain and node.tag != _TAG + "str" and len(node.value) > _LONGEST_NUMBER:
            self._unreadable(
                node, at, f"{shown(node.value)} is too long a number", "a shorter number, or quotes around text"
            )
        elif node.tag in _PLAIN_TAGS:
            try:
                value = yaml.constructor.SafeConstructor().construct_object(node)
            except (yaml.YAMLError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError):
                kind = node.tag.removeprefix(_TAG)
                words = {"timestamp": "date", "int": "number", "float": "number", "bool": "true or false"}.get(
                    kind, kind
                )
                self._unreadable(
                    node, at, f"{shown(node.value)} looks like a {words} but is none", "quotes around text"
                )
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_plain and is_number and _NON_DECIMAL.fullmatch(node.value) and node.value.strip("+-0_"):
            self._not_decimal(node, at, str(value))
        return Scalar(self._place(node), node.value, value, is_plain)

    def _not_decimal(self, node: yaml.ScalarNode, at: Location, value: str) -> None:
        base = "base 60" if ":" in node.value else "octal"
        self._document.doubts[at] = self._document.mistake(
            "wrong value",
            self._place(node),
            at,
            f"{node.value} reads as {value} ({base})",
            "a decimal number without leading zeros or colons",
            f"write {node.value.lstrip('+-0_')} or {value}" if base == "octal" else "",
            value=node.value,
        )

    def _odd_key(self, key: yaml.ScalarNode, at: Location) -> None:
        kind = {"bool": "true or false", "null": "nothing", "timestamp": "a date"}.get(
            key.tag.removeprefix(_TAG), "a number"
        )
        written = shown(key.value)
        self._document.doubts[at] = self._document.mistake(
            "wrong value",
            self._place(key),
            at,
            f"the key {written} reads as {kind}" if key.value else "an empty key",
            "a key that is text",
            f"write {shown(key.value, quoted=True)}" if key.value else "",
            value=written,
        )

    def _duplicate(self, place: Place, at: Location, first: Place) -> None:
        problem = f"the key stands twice, in line {first.line} and line {place.line}"
        self._note("duplicate key", place, at, problem, "each key once", "remove one of the two")

    def _unreadable(self, node: yaml.Node, at: Location, problem: str, expected: str) -> None:
        self._document.unreadable[at] = self._document.mistake("wrong value", self._place(node), at, problem, expected)

    def _note(self, kind: Kind, place: Place, at: Location, problem: str, expected: str, suggestion: str = "") -> None:
        self._document.mistakes.append(self._document.mistake(kind, place, at, problem, expected, suggestion))

    def _place(self, node: yaml.Node) -> Place:
        return self._document.place(node.start_mark.index)
