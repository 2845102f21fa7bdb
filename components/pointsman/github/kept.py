"""Answers that are kept with their ETag: GitHub counts no request whose answer is that nothing changed.

Source: "Use conditional requests if appropriate", best practices of the REST API.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

NOT_MODIFIED = 304
MOST = 512
"""A page of a list is some hundred kilobytes at most; those that were not asked for longest go first."""
READING = ("get_", "list_")
"""How githubkit calls operations that only read."""

Key = tuple[object, ...]


class Kept:
    """The last answer to each question. Nothing is kept unless it is `on`."""

    def __init__(self, on: bool) -> None:
        self._on = on
        self._answers: OrderedDict[Key, tuple[str, Any]] = OrderedDict()

    def key(self, operation: str, path: tuple[str | int, ...], arguments: Mapping[str, Any]) -> Key | None:
        """What tells a question from every other; None for one whose answer is not kept."""
        if not self._on or not operation.partition(".")[2].startswith(READING):
            return None
        return operation, path, tuple(sorted(arguments.items()))

    def header(self, key: Key | None) -> dict[str, str]:
        """The header that asks for an answer only if it is another than the one kept."""
        return {"If-None-Match": self._answers[key][0]} if key is not None and key in self._answers else {}

    def answer(self, key: Key | None, status: int, headers: Mapping[str, str], payload: Any) -> Any:
        """The JSON of an answer: as it came, or as it was kept."""
        if key is None:
            return payload
        if status == NOT_MODIFIED:
            self._answers.move_to_end(key)
            return self._answers[key][1]
        if tag := headers.get("etag", ""):
            self._answers[key] = tag, payload
            self._answers.move_to_end(key)
            if len(self._answers) > MOST:
                self._answers.popitem(last=False)
        return payload
