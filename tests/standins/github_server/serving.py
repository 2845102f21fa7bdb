"""The stand-in on a port: the standard library's server, a thread a connection."""

from __future__ import annotations

import json
import secrets
import threading
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .app import App
from .messages import Asked, Reply

SLICE = Path(__file__).parent.parent / "openapi" / "github.json"


class Server(ThreadingHTTPServer):
    """Answers with `app`, at addresses that begin with `base`, or with what the client wrote as Host."""

    daemon_threads = True
    # Hundreds of runners may connect at once.
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], app: App) -> None:
        super().__init__(address, Handler)
        self.app = app


class Handler(BaseHTTPRequestHandler):
    """One connection, kept open."""

    protocol_version = "HTTP/1.1"
    server: Server
    timeout = 120
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def _answer(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        split = urlsplit(self.path)
        asked = Asked(
            method=self.command,
            path=split.path,
            query=dict(parse_qsl(split.query)),
            headers={name.lower(): value for name, value in self.headers.items()},
            base=f"http://{self.headers.get('Host', 'localhost')}",
        )
        try:
            reply = self.server.app.handle(replace(asked, body=json.loads(raw) if raw else None))
        except json.JSONDecodeError:
            reply = Reply(400, {"message": "Problems parsing JSON"})
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        if reply.dropped:
            self.close_connection = True
            return
        payload = reply.payload
        try:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if payload:
                self.send_header("Content-Type", reply.kind)
            if reply.status not in (204, 304):
                self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: `/_control/requests` tells what was asked."""


class Standin:
    """A stand-in in this process, for tests: `with Standin() as standin: ... standin.url`."""

    def __init__(
        self,
        holders: Iterable[str] = ("acme/app", "acme"),
        tokens: Iterable[str] = (),
        public_key: str = "",
        port: int = 0,
        host: str = "127.0.0.1",
        slice_file: Path = SLICE,
        packages: Path | None = None,
    ) -> None:
        # Any 32 bytes are a public key; nobody has the private one, as with the real GitHub.
        key = public_key or b64encode(secrets.token_bytes(32)).decode()
        self.app = App(slice_file, holders, tokens, key, packages)
        self._server = Server((host, port), self.app)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its address, as one writes https://github.com."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Standin:
        """Serves from another thread."""
        self._thread.start()
        return self

    def serve(self) -> None:
        """Serves from this thread until it is interrupted."""
        self._server.serve_forever()

    def stop(self) -> None:
        """Stops serving, and lets waiting runners go."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Standin:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
