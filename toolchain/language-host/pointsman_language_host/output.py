"""Where a child's output goes: a program's lines to the engine, as diagnostics; a plugin's chunks to the caller.

The official host lets a program write to the host's own streams, and the engine makes every line a diagnostic: stdout
`info`, stderr `info#err`, never an error, since warnings and loggers write to stderr too (what fails a run is the exit
code; exceptions are reported as errors by `pulumi-language-python-exec` itself). Here the lines are sent with
`Engine.Log`, which has been answered for the last line before `Run` is: nothing is lost when the engine closes the
host. `Log` has no `info#err`, so both are `info`.
"""

import os
import queue
import random
import threading
from collections.abc import Callable, Iterator
from typing import IO, Literal

import grpc

from pointsman_language_host.children import Child
from pointsman_language_host.options import HostError
from pointsman_language_host.protocol import engine_pb2, engine_pb2_grpc

CHUNK_BYTES = 64 * 1024
BURST_LINES = 20
"""More lines than this in one read are sent as one message: a call a line would slow the program down."""
DRAIN_SECONDS = 10.0
"""How long output is still read after a child ended: a daemon that it left behind may hold the pipe open for ever."""

Name = Literal["stdout", "stderr"]


def chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """What the stream holds, as it comes."""
    while data := os.read(stream.fileno(), CHUNK_BYTES):
        yield data


def messages(data: Iterator[bytes], burst: int = BURST_LINES) -> Iterator[str]:
    """Whole lines, empty ones left out; many at once make one message. Invalid UTF-8 is replaced.

    Each ends with a newline, since the engine joins the messages of a stream as they are.
    """
    rest = b""
    for chunk in data:
        *lines, rest = (rest + chunk).split(b"\n")
        texts = [line.decode(errors="replace") + "\n" for line in lines if line.strip()]
        yield from texts if len(texts) <= burst else ["".join(texts)]
    if rest.strip():
        yield rest.decode(errors="replace") + "\n"


class Engine:
    """The engine, as a place for messages. Raises HostError when no engine has said where it is."""

    def __init__(self, address: str) -> None:
        if not address:
            raise HostError("no engine: give its address as the last argument, or call Handshake first")
        self._channel = grpc.insecure_channel(address)
        self._stub = engine_pb2_grpc.EngineStub(self._channel)

    def log(self, message: str, severity: str = "INFO", stream: int = 0) -> None:
        """One diagnostic of the stack. `severity` is DEBUG, INFO, WARNING or ERROR. A lost engine is not an error."""
        level = engine_pb2.LogSeverity.Value(severity)
        request = engine_pb2.LogRequest(severity=level, message=message, streamId=stream)
        try:
            self._stub.Log(request)
        except (grpc.RpcError, ValueError):  # ValueError: the channel was closed, the host is stopping
            return

    def close(self) -> None:
        """Ends the connection, and every message still under way."""
        self._channel.close()


def forward_lines(child: Child, engine: Engine) -> int:
    """Sends a program's output to the engine until it ends; gives its exit code."""

    def pump(stream: IO[bytes]) -> None:
        # Messages of one stream are shown as one text. The number only has to differ from those of other streams.
        number = random.randint(1 << 16, (1 << 31) - 1)
        for message in messages(chunks(stream)):
            engine.log(message, stream=number)

    pumps = [_thread(pump, stream) for stream in (child.stdout, child.stderr)]
    code = child.wait()
    for thread in pumps:
        thread.join(DRAIN_SECONDS)
    return code


def forward_chunks(child: Child) -> Iterator[tuple[Name, bytes] | int]:
    """A plugin's output as it comes, and its exit code last."""
    items: queue.SimpleQueue[tuple[Name, bytes] | int] = queue.SimpleQueue()

    def pump(stream: IO[bytes], name: Name) -> None:
        for data in chunks(stream):
            items.put((name, data))

    def finish() -> None:
        code = child.wait()
        for thread in pumps:
            thread.join(DRAIN_SECONDS)
        items.put(code)

    pumps = [_thread(pump, child.stdout, "stdout"), _thread(pump, child.stderr, "stderr")]
    _thread(finish)
    while not isinstance(item := items.get(), int):
        yield item
    yield item


def _thread(target: Callable[..., None], *args: object) -> threading.Thread:
    thread = threading.Thread(target=target, args=args, daemon=True)
    thread.start()
    return thread
