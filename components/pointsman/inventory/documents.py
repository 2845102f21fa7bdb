"""The files of an inventory read as YAML: each a document that knows where everything stands, and what is wrong."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pointsman.inventory.files import HOSTS, VAULTED, Files
from pointsman.spec.base import Location
from pointsman.spec.document import Document, Node, Scalar, Sequence
from pointsman.spec.document import Mapping as MappingNode
from pointsman.spec.loader import load
from pointsman.spec.mistakes import Kind, Mistake, SpecError

# How the loader words a tag, which Ansible knows and the spec does not.
_VAULT_TAG, _UNSAFE_TAG = "the tag !vault", "the tag !unsafe"
_SIGNS = ("{{", "{%", "{#")


@dataclass(frozen=True)
class Parsed:
    """The documents of an inventory by their path in the folder. `encrypted` are the files that nobody can read without
    a password; `is_whole` is false where a file is no YAML, or YAML that Ansible need not read as we do."""

    files: Files
    documents: Mapping[str, Document]
    encrypted: frozenset[str]
    mistakes: tuple[Mistake, ...]
    is_whole: bool

    @property
    def hosts(self) -> Document:
        """hosts.yml."""
        return self.documents[HOSTS]


def parse(files: Files) -> Parsed:
    """Read every file; nothing is raised, what is wrong is in `mistakes`."""
    documents: dict[str, Document] = {}
    encrypted: set[str] = set()
    mistakes: list[Mistake] = []
    is_whole = True
    for name, content in files.contents.items():
        shown = f"{files.shown}/{name}"
        documents[name] = Document(shown, "")
        if content.startswith(VAULTED):
            encrypted.add(name)
            continue
        try:
            documents[name] = load(_text(content, shown), shown)
        except SpecError as error:
            is_whole = False
            mistakes += error.mistakes
        else:
            found = tuple(_of(documents[name]))
            mistakes += (*found, *documents[name].doubts.values())
            is_whole &= all(each.kind == "duplicate key" for each in found)
    return Parsed(files, documents, frozenset(encrypted), tuple(mistakes), is_whole)


def _text(content: bytes, shown: str) -> str:
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        readable = Document(shown, content[: error.start].decode("utf-8") + "?")
        place = readable.place(len(readable.text) - 1)
        fault = f"the byte 0x{content[error.start]:02x} is not UTF-8"
        raise SpecError((readable.mistake("syntax", place, (), fault, "a file saved as UTF-8"),)) from None


def _of(document: Document) -> Iterator[Mistake]:
    yield from document.mistakes
    yield from (each for each in document.unreadable.values() if each.problem not in (_VAULT_TAG, _UNSAFE_TAG))


def tagged_secret(document: Document) -> dict[Location, Mistake]:
    """The values that are encrypted one by one, with their places."""
    return {at: each for at, each in document.unreadable.items() if each.problem == _VAULT_TAG}


def scalars(node: Node, at: Location = ()) -> Iterator[tuple[Location, Scalar]]:
    """Every single value below a node, with its location."""
    match node:
        case Scalar():
            yield at, node
        case MappingNode():
            for key, entry in node.entries.items():
                yield from scalars(entry.node, (*at, key))
        case Sequence():
            for index, item in enumerate(node.items):
                yield from scalars(item, (*at, index))


def is_template(node: Node) -> bool:
    """Whether Jinja has a say in a value."""
    return any(sign in each.written for _, each in scalars(node) for sign in _SIGNS)


def whole_file(shown: str, problem: str, expected: str, suggestion: str = "", kind: Kind = "wrong value") -> Mistake:
    """A mistake of a file as a whole."""
    return Mistake(shown, 1, 1, "", kind, "", problem, expected, suggestion)
