"""Tells the engine what a resource is doing, so that people see it while they wait."""

from __future__ import annotations

import threading
from typing import Any

TELL_SECONDS = 5


class Engine:
    """The engine's log. Nothing is connected before the first word; an engine that does not listen is no fault."""

    def __init__(self, address: str) -> None:
        """`address` is HOST:PORT as the engine gives it to its plugins; empty for none."""
        self._address = address
        self._lock = threading.Lock()
        self._stub: Any = None

    def tell(self, urn: str, message: str) -> None:
        """What a resource is doing now: shown until the next word, and nowhere after."""
        self._log(urn, message, "INFO", passing=True)

    def warn(self, urn: str, message: str) -> None:
        """What people should know of a resource when all is done."""
        self._log(urn, message, "WARNING", passing=False)

    def _log(self, urn: str, message: str, severity: str, *, passing: bool) -> None:
        if not self._address:
            return
        import grpc

        # Through `protocol`, which sees to it that the stubs come without the rest of their package.
        from pointsman.resources.provider.protocol import engine_stubs

        messages, services = engine_stubs()
        request = messages.LogRequest(
            severity=messages.LogSeverity.Value(severity), message=message, urn=urn, ephemeral=passing
        )
        with self._lock:
            if self._stub is None:
                self._stub = services.EngineStub(grpc.insecure_channel(self._address))
        try:
            self._stub.Log(request, timeout=TELL_SECONDS)
        except grpc.RpcError:
            return
