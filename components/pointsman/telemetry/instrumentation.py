"""Switches on what measures HTTP, the database, the process and the event loop, by the stable conventions."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opentelemetry.metrics import Meter

from pointsman.telemetry import loop_lag, names
from pointsman.telemetry.instruments import histogram
from pointsman.telemetry.providers import Providers

Undo = Callable[[], None]
STABLE = "OTEL_SEMCONV_STABILITY_OPT_IN"
_log = logging.getLogger("pointsman.telemetry")


@dataclass(frozen=True)
class Wanted:
    """What to switch on."""

    http: bool
    database: bool
    process: bool
    loop: asyncio.AbstractEventLoop | None


def instrument(providers: Providers, meter: Meter, wanted: Wanted) -> Undo:
    """Switches it on; returns what switches it off."""
    # Read once by the instrumentations, when the first of them starts.
    os.environ.setdefault(STABLE, "http,database")
    switches: list[tuple[str, Callable[[], Undo | None]]] = []
    if wanted.http:
        switches += [("httpx", lambda: _httpx(providers)), ("requests", lambda: _requests(providers))]
    if wanted.database:
        switches.append(("SQLAlchemy", lambda: _sqlalchemy(providers, meter)))
    if wanted.process:
        switches.append(("process", lambda: _process(providers)))
    switches.append(("event loop", lambda: _loop(wanted.loop, meter)))
    undos = [undo for name, switch in switches if (undo := _tried(name, switch))]

    def undo_all() -> None:
        for undo in undos:
            undo()

    return undo_all


def _tried(name: str, switch: Callable[[], Undo | None]) -> Undo | None:
    try:
        return switch()
    except ImportError as error:
        _log.info("%s is not measured: %s is not installed", name, error.name)
    except Exception:
        _log.warning("%s is not measured", name, exc_info=True)
    return None


def _httpx(providers: Providers) -> Undo:
    import httpx  # noqa: F401  # the instrumentation is silent where it is missing
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

    return _switched(HTTPXClientInstrumentor(), providers)


def _requests(providers: Providers) -> Undo:
    from opentelemetry.instrumentation.requests import RequestsInstrumentor

    return _switched(RequestsInstrumentor(), providers)


def _process(providers: Providers) -> Undo:
    from opentelemetry.instrumentation.system_metrics import SystemMetricsInstrumentor

    read: dict[str, list[str] | None] = {names.MEMORY.name: None, names.CPU.name: None}
    return _switched(SystemMetricsInstrumentor(config=read), providers)


def _switched(instrumentor: Any, providers: Providers) -> Undo:
    instrumentor.instrument(tracer_provider=providers.spans, meter_provider=providers.metrics)
    undo: Undo = instrumentor.uninstrument
    return undo


def _sqlalchemy(providers: Providers, meter: Meter) -> Undo:
    from pointsman.telemetry import database

    return database.watch(providers.spans.get_tracer(names.NAMESPACE), meter)


def _loop(loop: asyncio.AbstractEventLoop | None, meter: Meter) -> Undo | None:
    if loop is None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return None
    return loop_lag.watch(loop, histogram(meter, names.LOOP_LAG))
