"""The query templates of docs/reference/queries.md, and how each is asked of its store."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.deployed.estate import Estate
from tests.docs.markdown import Page

PAGE = Page("docs/reference/queries.md")
_EXAMPLE = re.compile(r"^\| `\$(?P<name>\w+)` \|.*\| `(?P<value>[^`]+)` \|$", re.M)
_PLACEHOLDER = re.compile(r"\$(\w+)")
BACK_SECONDS = 3600
EXEMPLARS = "/api/v1/query_exemplars"


@dataclass(frozen=True)
class Template:
    """One entry of the page. `about` is what the page says of it."""

    title: str
    about: str
    language: str
    text: str

    @property
    def may_be_empty(self) -> bool:
        """Whether the page says so."""
        return "*May be empty*: " in self.about

    @property
    def placeholders(self) -> set[str]:
        """What is to be replaced in it."""
        return set(_PLACEHOLDER.findall(self.text))

    def filled(self, values: Mapping[str, str]) -> str:
        """The query with its placeholders replaced."""
        return _PLACEHOLDER.sub(lambda found: values[found[1]], self.text)

    def asked(self, estate: Estate, values: Mapping[str, str]) -> list[Any]:
        """What its store finds within the last hour; fails unless the store answers with success."""
        query, now = self.filled(values), int(time.time())
        between = {"start": str(now - BACK_SECONDS), "end": str(now)}
        if self.language == "traceql":
            found: list[Any] = estate.get("tempo", "/api/search", q=query, **between).json()["traces"]
        elif self.language == "logql":
            found = estate.data("loki", "/loki/api/v1/query_range", query=query, **between)["result"]
        elif f"`{EXEMPLARS}`" in self.about:
            found = estate.data("prometheus", EXEMPLARS, query=query, **between)
        else:
            found = estate.data("prometheus", "/api/v1/query", query=query)["result"]
        return found


def templates() -> list[Template]:
    """All entries, in the order of the page: a heading, what is said of it, and one block."""
    entries = [entry.partition("\n") for entry in PAGE.text.split("\n### ")[1:]]
    return [
        Template(title, rest.partition("```")[0], block.language, block.text)
        for (title, _, rest), block in zip(entries, PAGE.blocks, strict=True)
    ]


def examples() -> dict[str, str]:
    """Placeholder → the value that the page gives for an example."""
    return {found["name"]: found["value"] for found in _EXAMPLE.finditer(PAGE.text)}
