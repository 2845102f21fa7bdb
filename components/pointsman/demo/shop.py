"""A small server with a database, and one round of requests to it: what System Health is about.

Inside one process and without a socket, so that it runs anywhere and every request arrives.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import httpx
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from sqlalchemy import create_engine, text
from sqlalchemy.pool import StaticPool

from pointsman.demo.plan import REQUESTS
from pointsman.telemetry import Telemetry

BASE = "http://shop.demo"
# The report is made in the event loop, as it should not be: that is where the loop's lag comes from.
BLOCKING_SECONDS = 0.03
_log = logging.getLogger("pointsman.demo")
_ROUTES = {request.path: request.route for request in REQUESTS}
_STATUSES = {(request.method, request.route): request.status for request in REQUESTS}
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Shop:
    """The server and its client. Made inside the event loop that it is to run in."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        with self._engine.begin() as connection:
            connection.execute(text("CREATE TABLE orders (number INTEGER)"))
        app = telemetry.instrument(self._serve, route=_route)
        # A five hundred is an answer here: the application's exceptions are not the client's.
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=BASE)
        HTTPXClientInstrumentor.instrument_client(self._client, telemetry.providers.spans, telemetry.providers.metrics)

    async def visit(self, number: int) -> None:
        """One round of all requests."""
        for request in REQUESTS:
            await self._client.request(request.method, request.path.format(number=number))

    async def close(self) -> None:
        """Ends client and database."""
        await self._client.aclose()
        self._engine.dispose()

    async def _serve(self, scope: Message, _receive: Receive, send: Send) -> None:
        method, route = scope["method"], _route(scope)
        with self._engine.begin() as connection:
            statement = "INSERT INTO orders VALUES (1)" if method == "POST" else "SELECT count(*) FROM orders"
            connection.execute(text(statement))
        if route == "/report":
            time.sleep(BLOCKING_SECONDS)
        status = _STATUSES[method, route]
        if status >= 500:
            _log.error("%s %s answered %d", method, route, status)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def _route(scope: Mapping[str, Any]) -> str:
    path = str(scope["path"])
    return _ROUTES.get(path, "/orders/{id}")
