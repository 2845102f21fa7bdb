"""A block that is a span: current inside, sync or async, as a context manager or as a decorator."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Mapping
from contextvars import Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, cast

from opentelemetry import context as current
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, set_span_in_context
from opentelemetry.util.types import AttributeValue

from pointsman.telemetry import names
from pointsman.telemetry.names import Status
from pointsman.telemetry.quiet import quiet

if TYPE_CHECKING:
    from pointsman.telemetry.core import Core

P = ParamSpec("P")
R = TypeVar("R")
Attributes = Mapping[str, AttributeValue]


def status_of(error: BaseException | None) -> Status:
    """How a block ended that was left with `error`."""
    if error is None:
        return Status.SUCCESS
    if isinstance(error, TimeoutError):
        return Status.TIMEOUT
    if isinstance(error, asyncio.CancelledError | KeyboardInterrupt | GeneratorExit):
        return Status.CANCELLATION
    if isinstance(error, SystemExit) and error.code in (None, 0):
        return Status.SUCCESS
    return Status.FAILURE


class Operation:
    """A span that is current inside its block. Used once; as a decorator, once for each call."""

    span_name = ""
    kind = SpanKind.INTERNAL

    def __init__(self, core: Core, attributes: Attributes | None) -> None:
        self._core = core
        self._attributes = attributes or {}
        self._span: Span | None = None
        self._token: Token[Context] | None = None
        self._began = 0

    @property
    def span(self) -> Span | None:
        """The span, for what else is to stand on it; None outside the block."""
        return self._span

    @property
    def trace_id(self) -> str:
        """The trace's id in hex: the key to its spans and logs."""
        return f"{self._span.get_span_context().trace_id:032x}" if self._span else ""

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._end(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Each call of the function, sync or async, is such an operation."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
                async with self._again():
                    return await function(*args, **kwargs)

            return cast("Callable[P, R]", awaited)

        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            with self._again():
                return function(*args, **kwargs)

        return called

    def _again(self) -> Operation:
        raise NotImplementedError

    @quiet
    def _begin(self) -> None:
        self._began = self._core.clock()
        span = self._core.tracer.start_span(self.span_name, kind=self.kind, start_time=self._began)
        self._span = span
        self._token = current.attach(self._inside(set_span_in_context(span)))
        if self._attributes:
            span.set_attributes(self._attributes)
        self._started(span)

    @quiet
    def _end(self, error: BaseException | None) -> None:
        span, token = self._span, self._token
        if span is None or token is None:
            return
        ended = self._core.clock()
        try:
            if error is not None and status_of(error) in names.FAULTS:
                span.record_exception(error, timestamp=ended)
            # Still inside: points that are recorded now carry this span as their exemplar.
            self._finished(span, (ended - self._began) / 1e9, error)
        finally:
            current.detach(token)
            span.end(ended)

    def _inside(self, context: Context) -> Context:
        return context

    def _started(self, span: Span) -> None:
        pass

    def _finished(self, span: Span, seconds: float, error: BaseException | None) -> None:
        pass
