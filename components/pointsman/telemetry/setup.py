"""One call sets telemetry up; what it returns makes runs, counts losses, and ends within a bound."""

from __future__ import annotations

import atexit
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

from opentelemetry.sdk.metrics.export import MetricReader

from pointsman.errors import UsageError
from pointsman.spec.telemetry import Prices
from pointsman.telemetry import names
from pointsman.telemetry.core import Core, Costs
from pointsman.telemetry.delivery import Deployment
from pointsman.telemetry.exporting import Exporters, Limits, Settings, endpoint, otlp
from pointsman.telemetry.instruments import Instruments
from pointsman.telemetry.models import ModelCall
from pointsman.telemetry.operation import Attributes
from pointsman.telemetry.providers import Providers, clock
from pointsman.telemetry.runs import Agent, Workflow

if TYPE_CHECKING:
    import asyncio

    from opentelemetry.instrumentation.logging.handler import LoggingHandler

    from pointsman.telemetry.serving import Route

App = TypeVar("App", bound=Callable[..., Any])
ENDING_SECONDS = 2.0
"""How long flushing may hold the caller or the end of the process."""
# Records about telemetry itself would feed the way that they complain of.
_NOT_SENT = ("opentelemetry", "pointsman.telemetry", "urllib3")
_log = logging.getLogger("pointsman.telemetry")


class Telemetry:
    """A process that tells of itself; made by `configure`."""

    def __init__(self, providers: Providers, prices: Prices, clock: Callable[[], int]) -> None:
        self.providers, self.prices = providers, prices
        self.tracer = providers.spans.get_tracer(names.NAMESPACE)
        self.meter = providers.metrics.get_meter(names.NAMESPACE)
        self.instruments = Instruments(self.meter)
        self._core = Core(self.tracer, self.instruments, clock, Costs(prices, self.instruments.cost))
        self._endings: list[Callable[[], None]] = []
        self._ended = self._is_instrumented = False
        atexit.register(self.shutdown)

    def workflow(
        self, name: str, *, trigger: str = "manual", run_id: str = "", attributes: Attributes | None = None
    ) -> Workflow:
        """A workflow run. `name` and `trigger` become labels; `run_id` and `attributes` stay on the span."""
        return Workflow(self._core, name, trigger, run_id, attributes)

    def agent(self, name: str, *, action: str = "run", run_id: str = "", attributes: Attributes | None = None) -> Agent:
        """An agent run. `name` and `action` become labels; `run_id` and `attributes` stay on the span."""
        return Agent(self._core, name, action, run_id, attributes)

    def model_call(self, model: str, *, provider: str, operation: str = "chat") -> ModelCall:
        """A call of a language model; all three become labels."""
        return ModelCall(self._core, model, provider, operation)

    def deployment(self, environment: str, service: str, *, commit: str = "") -> Deployment:
        """A deployment; `environment` and `service` become labels, the commit stays on the span."""
        return Deployment(self._core, environment, service, commit)

    @overload
    def instrument(
        self,
        app: App,
        *,
        route: Route | None = None,
        http: bool = True,
        database: bool = True,
        process: bool = True,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> App: ...

    @overload
    def instrument(
        self,
        app: None = None,
        *,
        http: bool = True,
        database: bool = True,
        process: bool = True,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None: ...

    def instrument(
        self,
        app: App | None = None,
        *,
        route: Route | None = None,
        http: bool = True,
        database: bool = True,
        process: bool = True,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> App | None:
        """Switches on what is there: HTTP clients (httpx, requests), SQLAlchemy, memory and CPU, lag of the event loop.

        Returns `app`, ASGI or WSGI, wrapped as an HTTP server that is measured; `route` tells the route of an ASGI
        scope, such as /orders/{id}, where the app is none of Starlette or FastAPI, which are asked. `loop` is the
        running one where there is one. What is not installed is left out, and said in the log.
        """
        from pointsman.telemetry.instrumentation import Wanted, instrument
        from pointsman.telemetry.serving import served

        # Switched on twice, all would be counted twice; a further app is served all the same.
        if not self._is_instrumented:
            self._is_instrumented = True
            self._endings.append(instrument(self.providers, self.meter, Wanted(http, database, process, loop)))
        return None if app is None else served(app, self.providers, route)

    @property
    def dropped(self) -> dict[str, int]:
        """Items that were lost so far, by signal: traces, metrics (points; their totals come later), logs."""
        return self.providers.losses.counts()

    def flush(self, seconds: float = ENDING_SECONDS) -> bool:
        """Sends what waits; False when that takes longer, and then it goes on in the background."""
        return self.providers.flush(seconds)

    def shutdown(self, seconds: float = ENDING_SECONDS) -> bool:
        """Sends what waits and ends, within so many seconds; also called when the process ends."""
        if self._ended:
            return True
        self._ended = True
        atexit.unregister(self.shutdown)
        for undo in self._endings:
            undo()
        return self.providers.shutdown(seconds)

    def send_logs(self, level: int) -> None:
        """Sends the records of the standard library's logging, each with the trace that it was written in."""
        try:
            from opentelemetry.instrumentation.logging.handler import LoggingHandler
        except ImportError as error:
            raise UsageError(
                f"logs cannot be sent: {error.name} is not installed", remedy="pip install 'pointsman[telemetry]'"
            ) from error
        handler: LoggingHandler = LoggingHandler(level, self.providers.logs)
        handler.addFilter(lambda record: not record.name.startswith(_NOT_SENT))
        logging.getLogger().addHandler(handler)
        self._endings.append(lambda: logging.getLogger().removeHandler(handler))


def configure(
    service_name: str,
    *,
    environment: str = "",
    version: str = "",
    attributes: Mapping[str, str] | None = None,
    to: str | None = None,
    pull_port: int | None = None,
    prices: Prices | None = None,
    log_level: int | None = logging.INFO,
    limits: Limits | None = None,
    exporters: Exporters | None = None,
    readers: tuple[MetricReader, ...] = (),
    is_global: bool = True,
    time_ns: Callable[[], int] | None = None,
) -> Telemetry:
    """Telemetry of this process, pushed by OTLP over HTTP to `to`, else $OTEL_EXPORTER_OTLP_ENDPOINT, else
    http://127.0.0.1:4318.

    `pull_port` opens a page for Prometheus besides, on 127.0.0.1 (`exporting.PULL_PORT` is the usual one). `log_level`
    is the least of the log records that are sent, None for none. `is_global` lets other libraries' telemetry go the
    same way. `exporters`, `readers` and `time_ns` are for tests and replays.

    Raises UsageError where the extra `telemetry` is not installed. Nothing that happens later, as a Collector that is
    down, raises or waits.
    """
    where = endpoint(to)
    settings = Settings(service_name, where, environment, version, dict(attributes or {}), limits or Limits())
    sending = exporters or otlp(where)
    providers = Providers(settings, sending, (*readers, *_page(pull_port)))
    if is_global:
        providers.make_global()
    telemetry = Telemetry(providers, prices or Prices(), time_ns or clock())
    if log_level is not None:
        telemetry.send_logs(log_level)
    return telemetry


def _page(port: int | None) -> tuple[MetricReader, ...]:
    """The page for Prometheus; a port that is taken is said, and left."""
    if port is None:
        return ()
    try:
        from opentelemetry.exporter.prometheus import PrometheusMetricReader
        from prometheus_client import CollectorRegistry, start_http_server
    except ImportError as error:
        raise UsageError(
            f"no page for Prometheus: {error.name} is not installed", remedy="pip install 'pointsman[telemetry]'"
        ) from error
    registry = CollectorRegistry()
    try:
        start_http_server(port, "127.0.0.1", registry)
    except OSError as error:
        _log.warning("no page for Prometheus on port %d: %s", port, error)
        return ()
    return (PrometheusMetricReader(registry=registry),)
