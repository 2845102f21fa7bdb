"""The documentation as data: its pages, their fenced blocks and their links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://|mailto:)(?P<path>[^)#\s]*)(?:#(?P<anchor>[^)]*))?\)")
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block. `line` is that of its first line of text, counted from 1."""

    page: str
    line: int
    language: str
    text: str


@dataclass(frozen=True)
class Page:
    """One page; `name` is its path in the checkout."""

    name: str

    @property
    def text(self) -> str:
        """All of it."""
        return (CHECKOUT / self.name).read_text(encoding="utf-8")

    @property
    def blocks(self) -> list[Block]:
        """Its fenced blocks."""
        return [
            Block(self.name, self.text[: found.start()].count("\n") + 2, found["language"], found["text"])
            for found in _FENCE.finditer(self.text)
        ]

    @property
    def links(self) -> list[tuple[str, str]]:
        """Path and anchor of every link that leads into the checkout."""
        return [(found["path"], found["anchor"] or "") for found in _LINK.finditer(self._prose)]

    @property
    def codes(self) -> list[str]:
        """What stands between backticks in its prose."""
        return _CODE.findall(self._prose)

    @property
    def anchors(self) -> set[str]:
        """The anchors that its headings make."""
        titles = re.findall(r"^#+ (.*)$", self._prose, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}

    @property
    def _prose(self) -> str:
        return _FENCE.sub("", self.text)


def pages() -> Iterator[Page]:
    """Every page of the documentation."""
    names = [*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md")]
    yield from (Page(path.relative_to(CHECKOUT).as_posix()) for path in sorted(names))
