"""What one call measures: HTTP servers and clients, the database, the process, the event loop."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import httpx
import pytest
import requests
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from pointsman.telemetry.names import CPU, MEMORY
from tests.unit.telemetry.told import Told, sink

Message = MutableMapping[str, Any]


async def asgi(scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Any]) -> None:
    """Answers 204."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answers 200."""
    start_response("200 OK", [("content-length", "0")])
    return [b""]


def test_an_asgi_server_is_told_by_routes(told: Told) -> None:
    """By the stable conventions; a path stands in no name and no label."""
    app = told.telemetry.instrument(asgi, route=lambda scope: "/orders/{id}", http=False, process=False)

    async def ask() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
            await client.get("/orders/of-someone")

    asyncio.run(ask())
    (labels,) = told.points()["http.server.request.duration"]
    assert dict(labels).items() >= {
        ("http.route", "/orders/{id}"),
        ("http.request.method", "GET"),
        ("http.response.status_code", 204),
    }
    assert "of-someone" not in str(told.points())
    assert told.span("GET /orders/{id}").kind.name == "SERVER"


def test_routes_of_starlette_and_fastapi_are_found(told: Told) -> None:
    """Apps that know their routes are asked."""

    class Match:
        value = 2

    class Route:
        path = "/items/{id}"

        def matches(self, scope: Message) -> tuple[Match, Message]:
            return Match(), scope

    class App:
        routes = (Route(),)

        async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
            await asgi(scope, receive, send)

    app = told.telemetry.instrument(App(), http=False, process=False)

    async def ask() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
            await client.get("/items/3")

    asyncio.run(ask())
    assert told.span("GET /items/{id}").kind.name == "SERVER"


def test_a_wsgi_server(told: Told) -> None:
    """Measured by method and status; its spans have no path in their names."""
    app = told.telemetry.instrument(wsgi, http=False, process=False)
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/orders/of-someone",
        "SERVER_NAME": "api",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
    }
    for _ in app(environ, lambda *args, **kwargs: lambda _: None):
        pass
    (labels,) = told.points()["http.server.request.duration"]
    assert dict(labels)["http.response.status_code"] == 200
    assert told.span("GET").kind.name == "SERVER"


def test_http_clients(told: Told) -> None:
    """httpx and requests, until telemetry ends."""
    told.telemetry.instrument(database=False, process=False)
    session = requests.Session()
    session.trust_env = False
    with sink() as server, sink() as other, httpx.Client(trust_env=False) as client:
        client.post(server.url, content=b"x")
        session.post(other.url, data=b"x")
        points = told.points()["http.client.request.duration"]
        told.telemetry.shutdown(5)
        with httpx.Client(trust_env=False) as after:
            after.post(server.url, content=b"x")
    assert sum(point.count for point in points.values()) == 2
    assert {dict(labels)["http.response.status_code"] for labels in points} == {200}


def test_statements(told: Told) -> None:
    """Each once, by its verb and system, failed ones too; what is asked for stands in no span."""
    for _ in range(2):
        told.telemetry.instrument(http=False, process=False)
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (secret TEXT)"))
        connection.execute(text("INSERT INTO t VALUES ('s3cret')"))
        connection.execute(text("EXPLAIN SELECT 1"))
    with pytest.raises(OperationalError), engine.connect() as connection:
        connection.execute(text("SELECT * FROM nowhere"))
    points = {
        dict(labels)["db.operation.name"]: dict(labels) for labels in told.points()["db.client.operation.duration"]
    }
    assert sum(point.count for point in told.points()["db.client.operation.duration"].values()) == 4
    assert set(points) == {"CREATE", "INSERT", "OTHER", "SELECT"}
    assert points["SELECT"] == {
        "db.operation.name": "SELECT",
        "db.system.name": "sqlite",
        "error.type": "OperationalError",
    }
    assert "s3cret" not in "".join(span.to_json() for span in told.spans())


def test_the_process(told: Told) -> None:
    """Memory and CPU, and no more than those two."""
    told.telemetry.instrument(http=False, database=False)
    told.points()
    time.sleep(0.05)
    points = told.points()
    assert told.value(MEMORY.name) > 2**20
    assert 0 <= told.value(CPU.name) < 64
    assert {name for name in points if name.startswith(("process.", "system.", "cpython."))} == {MEMORY.name, CPU.name}


def test_a_loop_that_is_blocked_lags(told: Told) -> None:
    """What blocks the loop delays what is due, by as much."""

    async def main() -> None:
        told.telemetry.instrument(http=False, database=False, process=False)
        await asyncio.sleep(0.1)
        time.sleep(0.6)
        await asyncio.sleep(0.3)

    asyncio.run(main())
    (point,) = told.points()["event_loop_lag"].values()
    assert point.max >= 0.4
    assert point.count >= 2


def test_a_loop_of_another_thread(told: Told) -> None:
    """The loop may be given, and may end before telemetry does."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    told.telemetry.instrument(http=False, database=False, process=False, loop=loop)
    until = time.monotonic() + 20
    while "event_loop_lag" not in told.points() and time.monotonic() < until:
        time.sleep(0.05)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()
    assert "event_loop_lag" in told.points()
