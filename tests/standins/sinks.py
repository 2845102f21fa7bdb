"""Receivers that keep what arrives: HTTP and SMTP servers on loopback, each in a thread of this process."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

PATIENCE = 20.0


def until(true: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Waits until something is true; fails with `what` when it never is."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.02)


@dataclass(frozen=True)
class Posted:
    """A request that arrived, and the status that it was answered with; 0 for none."""

    path: str
    body: Any
    status: int


class _Server(ThreadingHTTPServer):
    # Hundreds of notifications come in one moment; of the library's five that wait the sixth would be late by a second.
    request_queue_size = 1024
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of a sender that did not wait for its answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class HttpSink:
    """Answers every POST with `status`, or with the next of `first`; 0 stands for no answer until the sink closes."""

    def __init__(self, status: int = 200, first: tuple[int, ...] = ()) -> None:
        self.posted: list[Posted] = []
        self.status = status
        self._first = list(first)
        self._lock, self._closed = threading.Lock(), threading.Event()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status = sink._take(self.path, body)
                if status == 0:
                    sink._closed.wait()
                    return
                self.send_response(status)
                if status == 429:
                    self.send_header("Retry-After", "7")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, format: str, *arguments: Any) -> None:
                """Nothing: `posted` tells what arrived."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def at(self, path: str) -> list[Posted]:
        """What arrived at a path."""
        return [each for each in self.posted if each.path == path]

    def _take(self, path: str, body: bytes) -> int:
        with self._lock:
            status = self._first.pop(0) if self._first else self.status
            self.posted.append(Posted(path, json.loads(body), status))
        return status

    def __enter__(self) -> HttpSink:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()


@dataclass
class SmtpSink:
    """A mail server that keeps every mail and knows no encryption; the first `refusals` are told to come later."""

    refusals: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    address: str = ""

    def __enter__(self) -> SmtpSink:
        self._loop, ready = asyncio.new_event_loop(), threading.Event()

        async def listen() -> None:
            server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
            self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            ready.set()

        self._loop.create_task(listen())
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        assert ready.wait(PATIENCE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink ESMTP\r\n")
        while line := await reader.readline():
            verb = line[:4].upper().strip()
            if verb == b"EHLO":
                writer.write(b"250 sink\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                content = await reader.readuntil(b"\r\n.\r\n")
                writer.write(self._keep(content[:-3]))
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        writer.close()

    def _keep(self, content: bytes) -> bytes:
        if self.refusals:
            self.refusals -= 1
            return b"451 come later\r\n"
        self.mails.append(message_from_bytes(content, policy=policy.default))
        return b"250 kept\r\n"
