"""HTTP servers that are measured: an app behind the middleware of its kind, told by routes and never by paths."""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from opentelemetry.trace import Span

from pointsman.telemetry.instrumentation import STABLE
from pointsman.telemetry.providers import Providers

App = TypeVar("App", bound=Callable[..., Any])
Scope = Mapping[str, Any]
Route = Callable[[Scope], str]
_METHODS = frozenset(["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"])
# Starlette's Match.FULL.
_FULL = 2
_log = logging.getLogger("pointsman.telemetry")


def served(app: App, providers: Providers, route: Route | None) -> App:
    """The app to serve instead; the same one where the middleware is not installed."""
    os.environ.setdefault(STABLE, "http,database")
    is_asgi = inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(type(app).__call__)
    try:
        return cast("App", _asgi(app, providers, route) if is_asgi else _wsgi(app, providers))
    except ImportError as error:
        _log.info("the HTTP server is not measured: %s is not installed", error.name)
    return app


def _asgi(app: Callable[..., Any], providers: Providers, route: Route | None) -> object:
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

    def details(scope: Scope) -> tuple[str, dict[str, str]]:
        found = (route or _route_in(app))(scope)
        name = f"{_method(scope.get('method', ''))} {found}".rstrip()
        return name, {"http.route": found} if found else {}

    return OpenTelemetryMiddleware(
        app,
        default_span_details=details,
        tracer_provider=providers.spans,
        meter_provider=providers.metrics,
        exclude_spans=["receive", "send"],
    )


def _wsgi(app: Callable[..., Any], providers: Providers) -> object:
    """WSGI knows of no routes: spans are named by method alone."""
    from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

    def name(span: Span, environ: Scope) -> None:
        span.update_name(_method(environ.get("REQUEST_METHOD", "")))

    return OpenTelemetryMiddleware(
        cast("Any", app), request_hook=name, tracer_provider=providers.spans, meter_provider=providers.metrics
    )


def _route_in(app: object) -> Route:
    """Asks the routes of a Starlette or FastAPI app; of any other nothing is known."""

    def route(scope: Scope) -> str:
        for each in getattr(app, "routes", ()):
            match, _ = each.matches(scope)
            if match.value == _FULL:
                return str(each.path)
        return ""

    return route


def _method(text: str) -> str:
    return text if text in _METHODS else "HTTP"
