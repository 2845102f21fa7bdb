"""A spec's file as a tree that knows where everything stands."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any

from pointsman.spec.base import Location
from pointsman.spec.mistakes import Kind, Mistake, key_path, shown


@dataclass(frozen=True)
class Place:
    """A place in the file, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Scalar:
    """A single value. `plain` when it stands without quotes."""

    place: Place
    written: str
    value: object
    plain: bool

    @property
    def shown(self) -> str:
        """The value for a message."""
        return shown(self.written, quoted=not self.plain)


@dataclass(frozen=True)
class Entry:
    """A key's place, and what stands there."""

    place: Place
    node: Node


@dataclass(frozen=True)
class Mapping:
    """Keys and values; merged keys (`<<`) are among them."""

    place: Place
    entries: dict[str, Entry]
    shown: str = "a mapping"


@dataclass(frozen=True)
class Sequence:
    """A list."""

    place: Place
    items: tuple[Node, ...]
    shown: str = "a list"


Node = Scalar | Mapping | Sequence


@dataclass
class Document:
    """A spec's file as read: its tree (None for an empty file) and its mistakes.

    `mistakes` are certain. `doubts` are keys and values that read otherwise than they look: each counts only where the
    spec itself finds nothing wrong at that location. `unreadable` are values that mean nothing: they count unless no
    such key is known, and nothing else is said of them.
    """

    file: str
    text: str
    root: Node | None = None
    mistakes: list[Mistake] = field(default_factory=list)
    doubts: dict[Location, Mistake] = field(default_factory=dict)
    unreadable: dict[Location, Mistake] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._starts = [0, *(place + 1 for place, character in enumerate(self.text) if character == "\n")]
        self._end = len(self.text.rstrip("\n"))

    def place(self, index: int) -> Place:
        """The place of a character; what lies beyond the last line counts as its end."""
        index = max(0, min(index, self._end))
        line = bisect_right(self._starts, index)
        return Place(line, index - self._starts[line - 1] + 1)

    def mistake(
        self, kind: Kind, place: Place, at: Location, problem: str, expected: str, suggestion: str = "", value: str = ""
    ) -> Mistake:
        """A mistake of this file."""
        return Mistake(self.file, place.line, place.column, key_path(at), kind, value, problem, expected, suggestion)


def find(document: Document, at: Location) -> tuple[Node | None, Place]:
    """What stands at a location (None where nothing does), and the place of its key or, where that is not written, of
    the innermost section around it."""
    node, place = document.root, document.place(0)
    for part in at:
        if isinstance(node, Mapping) and part in node.entries:
            entry = node.entries[str(part)]
            node, place = entry.node, entry.place
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            place = node.place
        else:
            return None, place
    return node, place


class Rest:
    """A tree as plain data, without what stands at some locations."""

    def __init__(self, root: Node | None, removed: Set[Location]) -> None:
        self._removed = removed
        self._kept: dict[Location, list[int]] = {}
        self.data: Any = {} if root is None else self._plain(root, ())

    def original(self, location: Location) -> Location:
        """A location in the data as a location in the tree: list positions move where an item was removed."""
        at: Location = ()
        for part in location:
            at = (*at, self._kept[at][part] if isinstance(part, int) else part)
        return at

    def _plain(self, node: Node, at: Location) -> Any:
        match node:
            case Mapping():
                entries = ((key, entry.node) for key, entry in node.entries.items())
                return {
                    key: self._plain(child, (*at, key)) for key, child in entries if (*at, key) not in self._removed
                }
            case Sequence():
                self._kept[at] = [index for index in range(len(node.items)) if (*at, index) not in self._removed]
                return [self._plain(node.items[index], (*at, index)) for index in self._kept[at]]
        return node.value
