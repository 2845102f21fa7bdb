"""The pages of an exporter over HTTP, for clients of any speed: the whole of a connection has a deadline."""

from __future__ import annotations

import contextlib
import signal
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pointsman.errors import UnreachableError
from pointsman.metrics_page.families import CONTENT_TYPE

# A page is a few kilobytes: whoever takes longer to ask for it and to read it is cut off.
CONNECTION_SECONDS = 5.0
# Prometheus needs one, a person another; the rest is refused at once, so that threads and memory stay bounded.
CONNECTIONS = 16

# A page: its HTTP status and its text.
Page = Callable[[], tuple[int, str]]


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: PageServer
    timeout = CONNECTION_SECONDS

    def do_GET(self) -> None:
        """The page of the path."""
        path = self.path.partition("?")[0]
        page = self.server.pages.get(path)
        try:
            status, text = page() if page else (404, f"look at {' or '.join(self.server.pages)}\n")
        except Exception as error:
            print(f"error: {path}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            status, text = 500, f"{type(error).__name__}\n"
        self.answer(status, text, CONTENT_TYPE if path == "/metrics" else "text/plain; charset=utf-8")

    def answer(self, status: int, text: str, kind: str = "text/plain; charset=utf-8") -> None:
        """Sends a whole answer."""
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def version_string(self) -> str:
        """Names the program, and not its version."""
        return "pointsman"

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: a line a scrape would fill the journal."""


class PageServer(ThreadingHTTPServer):
    """Answers GET of each path of `pages`, or what `handler` makes of a request.

    Raises UnreachableError when the port can't be had.
    """

    daemon_threads = True
    # A full queue costs a client seconds: the standard library's 5 is full at once.
    request_queue_size = 64

    handler: type[BaseHTTPRequestHandler] = Handler
    connections = CONNECTIONS

    def __init__(self, listen: str, port: int, pages: Mapping[str, Page], seconds: float = CONNECTION_SECONDS) -> None:
        self.pages = pages
        self.address_family = socket.AF_INET6 if ":" in listen else socket.AF_INET
        self._seconds = seconds
        self._free = threading.BoundedSemaphore(self.connections)
        try:
            super().__init__((listen, port), self.handler)
        except OSError as error:
            raise UnreachableError(
                f"can't listen on {listen or '0.0.0.0'} port {port}: {error.strerror}",
                remedy=f"ss -ltnp 'sport = :{port}' names what holds it; or set another port",
            ) from None

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    def server_bind(self) -> None:
        """Binds without asking DNS for this machine's name, as the standard library's server would."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "", self.port

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answers in a thread while there are few of them."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answers; a client that lets the deadline pass loses its connection, however busily it trickles."""
        cut = threading.Timer(self._seconds, _cut, (request,))
        cut.daemon = True
        cut.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            cut.cancel()
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: what goes wrong with a connection is the client's affair."""

    def serve_until_stopped(self) -> None:
        """Serves until SIGTERM or SIGINT comes: the first process of a container gets no default for them."""

        def stop(number: int, frame: object) -> None:
            threading.Thread(target=self.shutdown, daemon=True).start()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        with self:
            self.serve_forever()


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
