"""A service on a local port that answers a reload as it is told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SUCCEEDED = "config_last_reload_successful"
AT = "config_last_reload_success_timestamp_seconds"
MTIME = "sd_file_mtime_seconds"


@dataclass
class Service:
    """What it answers: `status` and `body` to a reload; `successful` is its metric after one, `files` the times of the
    files that it has read. `requests` tells what it was asked."""

    url: str = ""
    status: int = 200
    body: str = ""
    successful: int = 1
    reloaded: float = 0.0
    files: dict[str, int] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    @property
    def metrics(self) -> str:
        """Its exposition."""
        lines = [f"# TYPE {SUCCEEDED} gauge", f"{SUCCEEDED} {self.successful}", f"{AT} {self.reloaded!r}"]
        lines += [f'{MTIME}{{filename="{path}"}} {mtime!r}' for path, mtime in self.files.items()]
        return "\n".join(lines) + "\n"

    def reload(self) -> None:
        """Takes its config, or keeps the old one."""
        if self.status == 200 and self.successful:
            self.reloaded = time.time()


@contextmanager
def serving(service: Service) -> Iterator[Service]:
    """The service on a free loopback port, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(200, service.metrics)

        def do_POST(self) -> None:
            service.reload()
            self.answer(service.status, service.body)

        def answer(self, status: int, text: str) -> None:
            service.requests.append(f"{self.command} {self.path}")
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the test asks `requests`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
