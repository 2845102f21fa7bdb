"""The monitor over HTTP: health, metrics, a read-only API and pages."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from pointsman.metrics_page.families import CONTENT_TYPE
from pointsman.metrics_page.serving import Handler, PageServer
from pointsman.monitor import pages
from pointsman.monitor.journal import JournalDown
from pointsman.monitor.views import MOST_RUNS, Views
from pointsman.runs.model import RunState
from pointsman.runs.source import Page, SourceDown

CONNECTIONS: Final = 64
CONNECTION_SECONDS: Final = 15.0
_SHOWN: Final = 100
_JSON, _HTML, _PLAIN = "application/json", "text/html; charset=utf-8", "text/plain; charset=utf-8"
_STATIC: Final = {pages.SCRIPT: "text/javascript; charset=utf-8", pages.STYLE: "text/css; charset=utf-8"}
# Nothing here may be framed, guessed at or kept: runs are nobody else's business.
_HEADERS: Final = {
    "Content-Security-Policy": pages.POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
Query = Mapping[str, list[str]]


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    content: bytes
    kind: str = _JSON


class BadQueryError(ValueError):
    """A parameter that cannot be."""


@dataclass(frozen=True)
class Site:
    """What is served. `healthy` and `ready` say what is wrong, if anything; `metrics` is the text of its page."""

    views: Views
    healthy: Callable[[], list[str]]
    ready: Callable[[], list[str]]
    metrics: Callable[[], str]
    status: Callable[[], Mapping[str, Any]] = field(default=dict)

    def get(self, target: str) -> Reply:
        """The answer to a GET."""
        parts = urlsplit(target)
        path, query = parts.path, parse_qs(parts.query)
        plain = {"/healthz": self.healthy, "/readyz": self.ready}
        if path in plain:
            wrong = plain[path]()
            return Reply(503 if wrong else 200, ("\n".join(wrong) or "ok").encode() + b"\n", _PLAIN)
        if path == "/metrics":
            return Reply(200, self.metrics().encode(), CONTENT_TYPE)
        if path in _STATIC:
            return Reply(200, _static(path), _STATIC[path])
        api = path.startswith("/api/")
        try:
            return self._api(path, query) if api else self._page(path, query)
        except BadQueryError as error:
            return _problem(api, 400, str(error))
        except (SourceDown, JournalDown) as error:
            return _problem(api, 503, str(error))

    def _api(self, path: str, query: Query) -> Reply:
        if path == "/api/status":
            return _document(dict(self.status()))
        if path == "/api/runs":
            runs = self.views.runs(_wanted(query), _one(query, "source"))
            return _document({"runs": runs})
        if path == "/api/dead-letters":
            return _document({"dead_letters": self.views.dead_letters(_one(query, "handler"))})
        if path.startswith("/api/runs/"):
            run = self.views.run(unquote(path.removeprefix("/api/runs/")), _one(query, "source"))
            return _document(run) if run else _problem(True, 404, "there is no such run")
        return _problem(True, 404, "look at /api/runs, /api/runs/<id>, /api/dead-letters or /api/status")

    def _page(self, path: str, query: Query) -> Reply:
        if path == "/":
            wanted = _wanted(query)
            runs = self.views.runs(wanted, _one(query, "source"))
            more = ""
            if len(runs) == wanted.limit and len(self.views.sources) == 1:
                more = "/?" + urlencode({**{key: each[0] for key, each in query.items()}, "before": runs[-1]["id"]})
            return Reply(200, pages.run_list(runs, _one(query, "state"), wanted.kind, more), _HTML)
        if path == "/dead-letters":
            return Reply(200, pages.dead_letters(self.views.dead_letters()), _HTML)
        if path.startswith("/runs/"):
            run = self.views.run(unquote(path.removeprefix("/runs/")), _one(query, "source"))
            return Reply(200, pages.one_run(run), _HTML) if run else _problem(False, 404, "There is no such run.")
        return _problem(False, 404, "There is no such page.")


class MonitorHandler(Handler):
    """One request."""

    server: MonitorServer

    def do_GET(self) -> None:
        """The answer of the site; a fault of the program is logged, and not shown."""
        try:
            reply = self.server.site.get(self.path)
        except Exception as error:
            print(f"error: {self.path!r}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            reply = Reply(500, f"{type(error).__name__}\n".encode(), _PLAIN)
        self.send_response(reply.status)
        headers = {"Content-Type": reply.kind, "Content-Length": str(len(reply.content)), **_HEADERS}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.content)

    do_HEAD = do_GET


class MonitorServer(PageServer):
    """Serves a site. Raises UnreachableError when the port can't be had."""

    handler = MonitorHandler
    connections = CONNECTIONS

    def __init__(self, listen: str, port: int, site: Site) -> None:
        self.site = site
        super().__init__(listen, port, {}, CONNECTION_SECONDS)


def _wanted(query: Query) -> Page:
    states = [state for each in query.get("state", []) for state in each.split(",") if state]
    limit = _one(query, "limit") or str(_SHOWN)
    if not limit.isdecimal() or not 0 < int(limit) <= MOST_RUNS:
        raise BadQueryError(f"limit is {limit!r}; expected a number from 1 to {MOST_RUNS}")
    try:
        chosen = frozenset(RunState(each) for each in states)
    except ValueError:
        raise BadQueryError(f"state is {','.join(states)!r}; expected of {', '.join(RunState)}") from None
    return Page(chosen, _one(query, "kind"), int(limit), _one(query, "before"))


def _one(query: Query, name: str) -> str:
    return query.get(name, [""])[0]


def _document(content: object) -> Reply:
    return Reply(200, json.dumps(content).encode())


def _problem(api: bool, status: int, said: str) -> Reply:
    if api:
        return Reply(status, json.dumps({"error": said}).encode())
    return Reply(status, pages.problem(status, said), _HTML)


@cache
def _static(path: str) -> bytes:
    return (Path(__file__).parent / "static" / path.rpartition("/")[2]).read_bytes()
