"""The board over a real connection: read-only, bounded, and open to many at once."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from pointsman.board.serving import CONNECTIONS, LARGEST_BODY, server
from tests.unit.board.stores import Stores
from tests.unit.board.world import site

QUERY = {"queries": [{"refId": "A", "datasource": {"uid": "prometheus"}, "expr": "up"}], "from": "now-1h", "to": "now"}


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    """A board on loopback."""
    serving = server(site(), "127.0.0.1", 0)
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield "127.0.0.1", serving.port
    serving.shutdown()
    serving.server_close()
    thread.join()


def asked(
    address: tuple[str, int], method: str, path: str, body: bytes | None = None
) -> tuple[int, Any, dict[str, str]]:
    """Status, document and headers; the path goes out as it is."""
    connection = http.client.HTTPConnection(*address, timeout=10)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        content = answer.read()
        kind = answer.getheader("Content-Type", "")
        return answer.status, json.loads(content) if "json" in kind else content, dict(answer.getheaders())
    finally:
        connection.close()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/api/dashboards/uid/workflow-overview", "/api/ds/query", "/nothing"])
def test_nothing_can_be_changed(address: tuple[str, int], method: str, path: str) -> None:
    """Whatever is asked: 405, in JSON."""
    status, found, _ = asked(address, method, path)
    assert status == 405
    assert "read-only" in found["message"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/dashboards/db", 404),
        ("/api/datasources", 405),
        ("/api/annotations", 405),
        ("/api/folders", 405),
        ("/api/admin/users", 404),
    ],
)
def test_only_queries_are_posted(address: tuple[str, int], path: str, status: int) -> None:
    """What Grafana would make of a post there is not made."""
    assert asked(address, "POST", path, b"{}")[0] == status


def test_queries_are_answered_on_their_way(address: tuple[str, int]) -> None:
    """With the range that they were asked for; a GET of the same path is refused."""
    status, found, headers = asked(address, "POST", "/api/ds/query", json.dumps(QUERY).encode())
    assert (status, found["results"]["A"]["status"]) == (200, 200)
    start, end = map(int, headers["X-Board-Range"].split(","))
    assert end - start == 3_600_000
    assert asked(address, "GET", "/api/ds/query")[0] == 405


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b'{"queries": []}',
        b'{"queries": [1]}',
        b'{"queries": {}}',
        b"[" * 100_000,
        b"\xff",
        json.dumps({**QUERY, "from": "soon"}).encode(),
        json.dumps({"queries": [{}] * 31}).encode(),
    ],
)
def test_a_body_that_is_no_query_is_refused(address: tuple[str, int], body: bytes) -> None:
    """400 with a message, never a fault of the board."""
    status, found, _ = asked(address, "POST", "/api/ds/query", body)
    assert status == 400
    assert found["message"]


def test_a_body_that_is_too_long_is_not_read(address: tuple[str, int]) -> None:
    """Its length is enough to refuse it; without a length it is refused as well."""
    with socket.create_connection(address, timeout=5) as raw:
        raw.sendall(f"POST /api/ds/query HTTP/1.1\r\nHost: x\r\nContent-Length: {LARGEST_BODY + 1}\r\n\r\n".encode())
        assert b" 413 " in raw.recv(1000)
    with socket.create_connection(address, timeout=5) as raw:
        raw.sendall(b"POST /api/ds/query HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 411 " in raw.recv(1000)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../__init__.py",
        "/static/..%2f__init__.py",
        "/static/%2e%2e/board.py",
        "/../../etc/passwd",
        "/static//etc/passwd",
        "/static/plotly.py",
        "/d/../../etc/passwd",
        "/api/dashboards/uid/..%2f..%2fetc",
        "/api/datasources/uid/loki%2f..",
        "//etc/passwd",
    ],
)
def test_no_path_leads_out(address: tuple[str, int], path: str) -> None:
    """Only what is listed is served; files are named by the board, never by the address."""
    status, found, _ = asked(address, "GET", path)
    assert status == 404
    assert isinstance(found, dict)


@pytest.mark.parametrize(
    ("name", "holds"), [("board.js", b"api/ds/query"), ("board.css", b".panel"), ("plotly.min.js", b"MIT")]
)
def test_scripts_come_from_the_board(address: tuple[str, int], name: str, holds: bytes) -> None:
    """The chart library too, packed: no address outside is asked by a page."""
    status, content, headers = asked(address, "GET", f"/static/{name}")
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert holds in gzip.decompress(content)


def test_headers_say_what_it_is_and_bound_the_page(address: tuple[str, int]) -> None:
    """Not Grafana; scripts of the board's own only, no frame around it."""
    _, _, headers = asked(address, "GET", "/d/workflow-overview")
    assert headers["X-Board"] == "Pointsman board - not Grafana"
    assert headers["Server"] == "pointsman-board-1.0.0"
    assert "script-src 'self';" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_head_has_no_body(address: tuple[str, int]) -> None:
    """Probes ask that way."""
    status, content, headers = asked(address, "HEAD", "/")
    assert (status, content) == (200, b"")
    assert int(headers["Content-Length"]) > 0


def test_a_slow_store_holds_up_nobody_else() -> None:
    """Health is answered while twenty queries wait; all of them are answered in the end."""

    def slow(request: httpx.Request) -> httpx.Response:
        time.sleep(0.5)
        return Stores().answer(request)

    at = site()
    at.client = httpx.Client(transport=httpx.MockTransport(slow))
    serving = server(at, "127.0.0.1", 0)
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    where = ("127.0.0.1", serving.port)
    body = json.dumps(QUERY).encode()
    assert CONNECTIONS > 20
    with ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(asked, where, "POST", "/api/ds/query", body) for _ in range(20)]
        began = time.monotonic()
        assert asked(where, "GET", "/api/health")[0] == 200
        assert time.monotonic() - began < 0.45
        assert [each.result()[0] for each in waiting] == [200] * 20
    serving.shutdown()
    serving.server_close()
    thread.join()


def test_a_fault_of_the_board_is_told_and_it_goes_on(
    address: tuple[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    """500 in JSON without its inside; its log names the path; the next request is answered."""
    at = site()
    serving = server(at, "127.0.0.1", 0)
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    where = ("127.0.0.1", serving.port)
    at.provisioned = None  # type: ignore[assignment]
    status, found, _ = asked(where, "GET", "/api/folders")
    assert (status, found) == (500, {"message": "Internal Server Error"})
    assert asked(where, "GET", "/api/health")[0] == 200
    assert "error: /api/folders: AttributeError" in capsys.readouterr().err
    serving.shutdown()
    serving.server_close()
    thread.join()
