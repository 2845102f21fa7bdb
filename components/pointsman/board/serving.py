"""The board put together: which path answers what, to any number of slow or wrong clients."""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import httpx

from pointsman.board import ABOUT, VERSION, api, pages
from pointsman.board.provisioning import Provisioned
from pointsman.board.queries import BadRequestError, answer
from pointsman.board.timerange import time_range
from pointsman.board.upstream import new_client
from pointsman.metrics_page.serving import PageServer

PORT: Final = 3000
# The chart library is 4.6 MB; a query waits for its store up to upstream.SECONDS.
CONNECTION_SECONDS: Final = 30.0
CONNECTIONS: Final = 64
LARGEST_BODY: Final = 1 << 20
JSON, HTML = "application/json; charset=UTF-8", "text/html; charset=utf-8"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_STATIC: Final = {
    "board.js": ("pointsman.board", "static/board.js", "text/javascript; charset=utf-8"),
    "board.css": ("pointsman.board", "static/board.css", "text/css; charset=utf-8"),
    "plotly.min.js": ("plotly", "package_data/plotly.min.js", "text/javascript; charset=utf-8"),
}
_UID: Final = r"([a-zA-Z0-9_-]{1,40})"


class Reply:
    """An answer: status, document or text, its type and further headers."""

    def __init__(self, status: int, content: Any, kind: str = JSON, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.kind, self.headers = status, kind, dict(headers or {})
        self.content = content if isinstance(content, bytes) else _encoded(content)


class Site:
    """What is served: the provisioned files, and the stores that are asked. `now` is the clock."""

    def __init__(
        self,
        provisioned: Provisioned,
        client: httpx.Client | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.provisioned, self.client, self.now = provisioned, client or new_client(), now

    def get(self, path: str, query: Mapping[str, list[str]]) -> Reply:
        """The answer to a GET."""
        for pattern, found in _ROUTES.items():
            if match := re.fullmatch(pattern, path):
                return found(self, query, *(unquote(part or "") for part in match.groups()))
        headers = _allowed(path) if path == _QUERIES else {}
        return Reply(405 if path == _QUERIES else 404, _refused(path), headers=headers)

    def post(self, path: str, body: bytes) -> Reply:
        """The answer to a POST: queries are the only thing that is posted."""
        if path != _QUERIES:
            known = any(re.fullmatch(pattern, path) for pattern in _ROUTES)
            return Reply(405 if known else 404, _refused(path, known), headers=_allowed(path) if known else {})
        now = self.now()
        try:
            asked = json.loads(body)
            status, document = answer(self.client, self.provisioned, asked, now)
            over = time_range(asked.get("from", "now-1h"), asked.get("to", "now"), now)
        except BadRequestError as error:
            return Reply(
                400, {"message": str(error), "messageId": "query.badRequest", "statusCode": 400, "traceID": ""}
            )
        except (ValueError, RecursionError):
            return Reply(400, {"message": "bad request data"})
        return Reply(status, document, headers={"X-Board-Range": f"{over.start},{over.end}"})


class _Server(PageServer):
    connections = CONNECTIONS

    def __init__(self, site: Site, listen: str, port: int) -> None:
        self.handler = type("BoardHandler", (_Handler,), {"site": site})
        super().__init__(listen, port, {}, CONNECTION_SECONDS)


def server(site: Site, listen: str = "0.0.0.0", port: int = PORT) -> PageServer:
    """The board, ready to serve. Raises UnreachableError when the port can't be had."""
    return _Server(site, listen, port)


def _document(answered: api.Answer) -> Reply:
    return Reply(*answered)


def _page(site: Site, query: Mapping[str, list[str]], uid: str, *rest: str) -> Reply:
    board = site.provisioned.board(uid)
    if board is None:
        return Reply(404, {"message": "Dashboard not found"})
    return _shown(lambda: pages.dashboard(site.client, site.provisioned, board, query, site.now()))


def _shown(make: Callable[[], str]) -> Reply:
    try:
        return Reply(200, make(), HTML, {"Content-Security-Policy": POLICY})
    except ValueError as error:
        return Reply(400, {"message": str(error)})


def _static(site: Site, query: Mapping[str, list[str]], name: str) -> Reply:
    if name not in _STATIC:
        return Reply(*api.NOT_FOUND)
    packed, kind = _packed(name)
    return Reply(200, packed, kind, {"Content-Encoding": "gzip", "Cache-Control": "public, max-age=300"})


@cache
def _packed(name: str) -> tuple[bytes, str]:
    package, path, kind = _STATIC[name]
    # Found without importing it: of plotly only a file is wanted, and its import takes half a second.
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise RuntimeError(f"{package} is not installed")
    return gzip.compress((Path(found.submodule_search_locations[0]) / path).read_bytes(), 6, mtime=0), kind


_QUERIES: Final = "/api/ds/query"
_SOURCE: Final = f"/api/datasources/uid/{_UID}"
_ROUTES: Final[Mapping[str, Callable[..., Reply]]] = {
    "/api/health": lambda site, query: _document(api.health()),
    "/api/search": lambda site, query: _document(api.search(site.provisioned, query)),
    "/api/folders": lambda site, query: _document(api.folders(site.provisioned)),
    f"/api/dashboards/uid/{_UID}": lambda site, query, uid: _document(api.dashboard(site.provisioned, uid)),
    "/api/datasources": lambda site, query: _document(api.datasources(site.provisioned)),
    _SOURCE: lambda site, query, uid: _document(api.datasource(site.provisioned, uid)),
    f"{_SOURCE}/health": lambda site, query, uid: _document(api.source_health(site.client, site.provisioned, uid)),
    "/api/annotations": lambda site, query: _document(api.fired(site.client, site.provisioned, query, site.now())),
    "/": lambda site, query: Reply(200, pages.index(site.provisioned), HTML, {"Content-Security-Policy": POLICY}),
    f"/d/{_UID}(?:/([^/]*))?": _page,
    "/explore": lambda site, query: _shown(lambda: pages.explore(site.client, site.provisioned, query, site.now())),
    "/static/([a-z.]+)": _static,
}


class _Handler(BaseHTTPRequestHandler):
    site: Site
    timeout = CONNECTION_SECONDS

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = parse_qs(address.query, keep_blank_values=True, max_num_fields=200)
        self._send(self.site.get(address.path.rstrip("/") or "/", query))

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            self._send(Reply(411, {"message": "a length is required"}))
        elif int(length) > LARGEST_BODY:
            self._send(Reply(413, {"message": f"the body is larger than {LARGEST_BODY >> 20} MiB"}))
        else:
            self._send(self.site.post(urlsplit(self.path).path, self.rfile.read(int(length))))

    def do_HEAD(self) -> None:
        self.do_GET()

    def _refuse(self) -> None:
        self._send(Reply(405, _refused(urlsplit(self.path).path, known=True), headers={"Allow": "GET, HEAD"}))

    do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = _refuse

    def handle_one_request(self) -> None:
        """Answers; a fault of the board itself is a line in its log and 500, as in Grafana."""
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception as error:
            print(f"error: {self.path}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            self._send(Reply(500, {"message": "Internal Server Error"}))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        headers = {"Content-Type": reply.kind, "Content-Length": str(len(reply.content)), "X-Board": _PLAIN_ABOUT}
        safe = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store"}
        for name, value in (headers | safe | reply.headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.content)

    def version_string(self) -> str:
        return f"pointsman-{VERSION}"

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: a line a request would drown what is said of faults."""


# A header holds no dash of that kind.
_PLAIN_ABOUT: Final = ABOUT.replace("–", "-")


def _encoded(content: Any) -> bytes:
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, allow_nan=False)
    return text.encode()


def _refused(path: str, known: bool = False) -> dict[str, Any]:
    if known or path == _QUERIES:
        return {"message": f"Method not allowed: {ABOUT}, and read-only"}
    return dict(api.NOT_FOUND[1])


def _allowed(path: str) -> dict[str, str]:
    return {"Allow": "POST"} if path == _QUERIES else {"Allow": "GET, HEAD"}
