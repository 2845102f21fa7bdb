"""Calls of language models, by the conventions for generative AI: tokens, seconds, cost."""

from __future__ import annotations

from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace import Status as SpanStatus

from pointsman.telemetry import names
from pointsman.telemetry.core import Core
from pointsman.telemetry.operation import Operation, status_of
from pointsman.telemetry.quiet import quiet
from pointsman.telemetry.runs import of_whom


class ModelCall(Operation):
    """One call of a model: span `<operation> <model>`."""

    kind = SpanKind.CLIENT

    def __init__(self, core: Core, model: str, provider: str, operation: str) -> None:
        super().__init__(core, None)
        self._model, self._provider, self._operation = model, provider, operation
        self.span_name = f"{operation} {model}"
        self._named = {names.OPERATION: operation, names.PROVIDER: provider, names.MODEL: model}

    @quiet
    def tokens(self, *, input: int = 0, output: int = 0) -> None:
        """What the model read and wrote, as its answer tells it."""
        for kind, count in (("input", input), ("output", output)):
            if count > 0:
                self._core.instruments.tokens.record(count, {**self._named, names.TOKEN_TYPE: kind})
        self._core.costs.tokens(self._model, input, output, of_whom())
        if self._span is not None:
            self._span.set_attributes({"gen_ai.usage.input_tokens": input, "gen_ai.usage.output_tokens": output})

    def _again(self) -> ModelCall:
        return ModelCall(self._core, self._model, self._provider, self._operation)

    def _started(self, span: Span) -> None:
        span.set_attributes(self._named)

    def _finished(self, span: Span, seconds: float, error: BaseException | None) -> None:
        failed = error is not None and status_of(error) in names.FAULTS
        found = {names.ERROR_TYPE: type(error).__qualname__} if failed else {}
        self._core.instruments.model_seconds.record(seconds, {**self._named, **found})
        if failed:
            span.set_attributes(found)
            span.set_status(SpanStatus(StatusCode.ERROR, str(error)))
