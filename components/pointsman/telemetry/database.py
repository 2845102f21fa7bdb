"""SQLAlchemy's statements as spans and `db.client.operation.duration`, for every engine of the process.

Not by OpenTelemetry's own instrumentation for SQLAlchemy: it has no metric of durations, and its newest release fits
neither SQLAlchemy 2.1 nor the rest of its family.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from opentelemetry.metrics import Histogram, Meter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, ExceptionContext

from pointsman.telemetry import names
from pointsman.telemetry.instruments import histogram
from pointsman.telemetry.quiet import quiet

# The conventions' names where they differ from SQLAlchemy's.
_SYSTEMS = {"mssql": "microsoft.sql_server", "oracle": "oracle.db"}
# What else a statement may begin with is not told: a label must be known in number.
_OPERATIONS = frozenset(
    ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "ALTER", "DROP", "TRUNCATE", "WITH", "PRAGMA")
)
_OPEN = "pointsman.statements"


class Statements:
    """Listens to all engines between `begin` and `end`."""

    def __init__(self, tracer: Tracer, seconds: Histogram) -> None:
        self._tracer, self._seconds = tracer, seconds
        self._listeners: tuple[tuple[str, Callable[..., None]], ...] = (
            ("before_cursor_execute", self._before),
            ("after_cursor_execute", self._after),
            ("handle_error", self._failed),
        )

    def begin(self) -> None:
        """Begins to listen."""
        for name, listener in self._listeners:
            event.listen(Engine, name, listener)

    def end(self) -> None:
        """Listens no more."""
        for name, listener in self._listeners:
            event.remove(Engine, name, listener)

    @quiet
    def _before(self, connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        operation = (statement.lstrip("( \n\t").split(None, 1) or [""])[0].upper()
        named = {
            "db.operation.name": operation if operation in _OPERATIONS else "OTHER",
            "db.system.name": _SYSTEMS.get(connection.dialect.name, connection.dialect.name),
        }
        span = self._tracer.start_span(named["db.operation.name"], kind=SpanKind.CLIENT, attributes=named)
        connection.info.setdefault(_OPEN, []).append((span, time.perf_counter(), named))

    @quiet
    def _after(self, connection: Connection, *_rest: Any) -> None:
        self._close(connection, None)

    @quiet
    def _failed(self, context: ExceptionContext) -> None:
        if context.connection is not None:
            self._close(context.connection, context.original_exception)

    def _close(self, connection: Connection, error: BaseException | None) -> None:
        running: list[tuple[Span, float, dict[str, str]]] = connection.info.get(_OPEN, [])
        if not running:
            return
        span, began, named = running.pop()
        if error is not None:
            named = named | {names.ERROR_TYPE: type(error).__qualname__}
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, type(error).__qualname__))
        self._seconds.record(time.perf_counter() - began, named)
        span.end()


def watch(tracer: Tracer, meter: Meter) -> Callable[[], None]:
    """Measures every statement; returns what ends it."""
    statements = Statements(tracer, histogram(meter, names.DB_SECONDS))
    statements.begin()
    return statements.end
