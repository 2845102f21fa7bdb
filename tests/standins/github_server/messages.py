"""A request and its answer, apart from any socket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DOCUMENTATION = "https://docs.github.com/rest"


@dataclass(frozen=True)
class Asked:
    """A request. `headers` are by lower-case name; `body` is the JSON, None where there is none."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    # What URLs in answers begin with: where the client reached this server.
    base: str = "http://localhost"
    # The parameters in the path, once the operation is known.
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def holder(self) -> str:
        """The repository (`owner/name`) or organisation that the path names."""
        params = self.params
        return params["org"] if "org" in params else f"{params['owner']}/{params['repo']}"

    @property
    def token(self) -> str:
        """The token of the `Authorization` header, "" where there is none."""
        kind, _, value = self.headers.get("authorization", "").partition(" ")
        return value.strip() if kind.lower() in ("bearer", "token") else ""

    def page_of(self, items: list[Any]) -> tuple[list[Any], dict[str, str]]:
        """The page of `items` that is asked for, and the `Link` header to the others."""
        size = max(1, min(int(self.query.get("per_page", "30")), 100))
        page, last = max(1, int(self.query.get("page", "1"))), max(1, -(-len(items) // size))
        links: dict[str, int] = {}
        if page > 1:
            links |= {"prev": page - 1, "first": 1}
        if page < last:
            links |= {"next": page + 1, "last": last}
        kept = "".join(f"&{name}={value}" for name, value in self.query.items() if name not in ("page", "per_page"))
        address = f"{self.base}{self.path}"
        link = ", ".join(
            f'<{address}?per_page={size}&page={number}{kept}>; rel="{name}"' for name, number in links.items()
        )
        return items[(page - 1) * size : page * size], {"Link": link} if link else {}


@dataclass(frozen=True)
class Reply:
    """An answer. `body` is sent as JSON, text and bytes as they are; `dropped`: the connection closes without one."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    dropped: bool = False

    @property
    def payload(self) -> bytes:
        """The bytes of the body."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()

    @property
    def kind(self) -> str:
        """The body's content type."""
        if isinstance(self.body, bytes):
            return "application/octet-stream"
        return "text/html; charset=utf-8" if isinstance(self.body, str) else "application/json; charset=utf-8"


def refusal(status: int, message: str, **headers: str) -> Reply:
    """An error as GitHub words its own; a header's name is given with underscores."""
    body = {"message": message, "documentation_url": DOCUMENTATION}
    if status != 422:  # the only one whose published schema has no `status`
        body["status"] = str(status)
    return Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


NOT_FOUND = refusal(404, "Not Found")
EMPTY = Reply(204)
