"""What exporters share: the text for Prometheus, settings files, and a server that slow clients can't take."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from pointsman.errors import UnreachableError, UsageError
from pointsman.metrics_page.families import COUNTER, Family, Sample, one, text, which
from pointsman.metrics_page.serving import CONNECTIONS, PageServer
from pointsman.metrics_page.settings import FOLDER, PORT, Key, listed, number, read

SECONDS = 0.5


def broken() -> tuple[int, str]:
    """A page that fails."""
    raise RuntimeError("no such luck")


@pytest.fixture
def server() -> Iterator[PageServer]:
    """A server with a page that is good and one that is not, and half a second for each connection."""
    pages = {"/metrics": lambda: (200, "up 1\n"), "/broken": broken}
    with PageServer("127.0.0.1", 0, pages, SECONDS) as started:
        thread = threading.Thread(target=started.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield started
        started.shutdown()


def get(server: PageServer, path: str = "/metrics") -> tuple[int, str]:
    """Status and text of a page."""
    try:
        with urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as answer:
            return int(answer.status), answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_text() -> None:
    """Names, types, escaped labels, whole numbers without a point; a family without samples is not there."""
    families = [
        one("a", "With \\ and\nmore.", 1.0),
        one("b_total", "B.", 0.25, COUNTER, name='say "hi"\n\\'),
        Family("none", "Nothing.", ()),
        which("c", "C.", "state", ("on", "off"), "off"),
        Family("d", "D.", (Sample(1e20), Sample(float("nan"), {"x": ""}))),
    ]
    assert text(families).splitlines() == [
        "# HELP a With \\\\ and\\nmore.",
        "# TYPE a gauge",
        "a 1",
        "# HELP b_total B.",
        "# TYPE b_total counter",
        'b_total{name="say \\"hi\\"\\n\\\\"} 0.25',
        "# HELP c C.",
        "# TYPE c gauge",
        'c{state="on"} 0',
        'c{state="off"} 1',
        "# HELP d D.",
        "# TYPE d gauge",
        "d 1e+20",
        'd{x=""} nan',
    ]


def test_pages(server: PageServer) -> None:
    """A page is answered with or without a query; another path says which there are; a fault is 500, not silence."""
    assert get(server) == get(server, "/metrics?x=1") == (200, "up 1\n")
    assert get(server, "/") == (404, "look at /metrics or /broken\n")
    assert get(server, "/broken") == (500, "RuntimeError\n")


def test_a_client_that_trickles_is_cut_off(server: PageServer) -> None:
    """A byte now and then keeps no connection: the deadline is that of the whole."""
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(b"GET /metrics HTTP/1.0\r\nX: ")
        slow.settimeout(0.05)
        while time.monotonic() - begun < 10 * SECONDS:
            try:
                slow.sendall(b"x")
                if slow.recv(100) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
    assert SECONDS * 0.8 < time.monotonic() - begun < 3 * SECONDS


def test_many_silent_clients_hold_the_server_for_a_moment_only(server: PageServer) -> None:
    """Threads are bounded while they are there; when their time is over everything is as before."""
    before = threading.active_count()
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(3 * CONNECTIONS)]
    time.sleep(SECONDS / 2)
    # A thread and its timer each.
    assert threading.active_count() - before <= 2 * CONNECTIONS
    time.sleep(SECONDS)
    assert get(server) == (200, "up 1\n")
    for connection in silent:
        connection.close()


def test_a_port_that_is_taken(server: PageServer) -> None:
    """Is told with the port and what to do."""
    with pytest.raises(UnreachableError, match=f"port {server.port}: Address already in use") as caught:
        PageServer("127.0.0.1", server.port, {})
    assert "ss -ltnp" in caught.value.remedy


KEYS = {
    "port": Key(PORT),
    "folder": Key(FOLDER),
    "every": Key(number(1, 60), 30),
    "names": Key(listed("names", bool), []),
}


def test_settings_with_defaults(tmp_path: Path) -> None:
    """What is left out is filled in."""
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"port": 9101, "folder": "/srv"}))
    assert read(path, KEYS) == {"port": 9101, "folder": "/srv", "every": 30, "names": []}


def test_settings_tell_every_mistake(tmp_path: Path) -> None:
    """At once, each with file, key, value and what was expected."""
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"port": "9101", "every": True, "names": ["a", 1], "colour": "red"}))
    with pytest.raises(UsageError) as caught:
        read(path, KEYS)
    assert caught.value.message.splitlines() == [
        f"{path}: colour: no such setting; there are every, folder, names, port",
        f'{path}: port: "9101" is not a whole number from 1 to 65535',
        f"{path}: folder: it is missing; expected an absolute path",
        f"{path}: every: true is not a number from 1 to 60",
        f'{path}: names: ["a", 1] is not names',
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no JSON"),
        (b"{", "is no JSON"),
        (b"\xff\xfe\x00", "is no JSON"),
        (b"[" * 100_000, "is nested too deeply"),
        (b"[1]", "holds no JSON object"),
        (b'{"port": NaN, "folder": "/"}', "NaN is not a whole number"),
    ],
    ids=["empty", "cut off", "no text", "deep", "a list", "no number"],
)
def test_settings_that_are_garbage(content: bytes, said: str, tmp_path: Path) -> None:
    """One clear message, no traceback."""
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        read(path, KEYS)


def test_settings_that_are_not_there(tmp_path: Path) -> None:
    """Are named."""
    with pytest.raises(UsageError, match=r"none.json can't be read: No such file"):
        read(tmp_path / "none.json", KEYS)
