"""The entry for applications: a signal is handed to the Collector, which counts it and passes it on to its store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from pointsman.declared import Declared
from pointsman.services import collector
from pointsman.verify.exposition import total
from pointsman.verify.signal_path import Sight, Step
from pointsman.verify.site import Lost, Site

Signal = Literal["metrics", "logs", "traces"]

HTTP, METRICS_PORT = "otlp-http", "metrics"
RECEIVER = "otlp"
SERVICE = "pointsman-verify"
"""The service that verify's own signals say they come from."""
# What the Collector calls an item of each signal in its own metrics.
_ITEMS: dict[Signal, str] = {"metrics": "metric_points", "logs": "log_records", "traces": "spans"}


@dataclass
class Counters:
    """What the Collector has counted of one signal. `before` is its exposition before the signal was sent."""

    site: Site
    signal: Signal
    exporter: str
    before: str = ""

    def mark(self) -> None:
        """Takes the counters as they are; without an answer they count from zero, and the next look says why."""
        try:
            self.before = self._now()
        except Lost:
            self.before = ""

    def risen(self) -> Sight:
        """Whether items were taken in and passed on since the mark.

        Others send as well, so that a rise proves nothing about one item; no rise proves that it is stuck.
        """
        now, items = self._now(), _ITEMS[self.signal]
        taken = self._rise(now, f"otelcol_receiver_accepted_{items}", receiver=RECEIVER)
        passed = self._sent(now)
        return Sight(taken > 0 and passed.arrived, f"{taken:.0f} taken in, {passed.seen}")

    def sent(self) -> Sight:
        """Whether items of any source were passed on since the mark."""
        return self._sent(self._now())

    def _sent(self, now: str) -> Sight:
        items = _ITEMS[self.signal]
        sent = self._rise(now, f"otelcol_exporter_sent_{items}", exporter=self.exporter)
        lost = self._rise(now, f"otelcol_exporter_send_failed_{items}", exporter=self.exporter)
        lost += self._rise(now, f"otelcol_exporter_enqueue_failed_{items}", exporter=self.exporter)
        queued = total(now, "otelcol_exporter_queue_size", exporter=self.exporter)
        return Sight(sent > 0, f"{sent:.0f} sent by {self.exporter}, {lost:.0f} given up, {queued:.0f} queued")

    def _now(self) -> str:
        return self.site.ask(collector.NAME, "/metrics", on=METRICS_PORT).text

    def _rise(self, now: str, name: str, **labels: str) -> float:
        before, after = total(self.before, name, **labels), total(now, name, **labels)
        # A Collector that was restarted counts from zero.
        return after - before if after >= before else after


def accepted(site: Site, signal: Signal, body: Callable[[], dict[str, Any]]) -> Step:
    """The first hop of every signal: the Collector takes it."""
    return Step("OTLP accepted", collector.NAME, "the Collector takes all of it", lambda: pushed(site, signal, body()))


def entered(site: Site, signal: Signal, body: Callable[[], dict[str, Any]], store: str) -> tuple[Step, Step]:
    """The first two hops: accepted by the Collector, passed on to the service called `store`."""
    counters = Counters(site, signal, exporter(site.declared, signal))

    def marked() -> dict[str, Any]:
        counters.mark()
        return body()

    return (
        accepted(site, signal, marked),
        Step(f"passed on to {store}", collector.NAME, f"{counters.exporter} sends it", counters.risen, needs=(store,)),
    )


def pushed(site: Site, signal: Signal, body: dict[str, Any]) -> Sight:
    """Hands a signal to the Collector; raises Lost when it does not take it."""
    response = site.send(collector.NAME, f"/v1/{signal}", body, on=HTTP)
    partial = _partial(response)
    rejected = sum(int(count) for name, count in partial.items() if name.startswith("rejected"))
    if rejected:
        return Sight(False, f"{rejected} rejected: {partial.get('errorMessage', '')}")
    return Sight(True, f"answered {response.status_code}")


def exporter(declared: Declared, signal: Signal) -> str:
    """The Collector's exporter for a signal, from its rendered config."""
    config = declared.service(collector.NAME).config
    assert config is not None
    (text,) = config.files.values()
    rendered = yaml.safe_load(text)
    return next(
        str(name) for name in rendered["service"]["pipelines"][signal]["exporters"] if name in rendered["exporters"]
    )


def resource(site: Site, service: str = SERVICE) -> dict[str, Any]:
    """The resource of verify's own signals: the same in every run, so that nothing grows with their number."""
    return {
        "attributes": attributes({"service.name": service, "deployment.environment.name": site.declared.environment})
    }


def attributes(values: dict[str, str]) -> list[dict[str, Any]]:
    """Attributes as OTLP's JSON has them."""
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]


def _partial(response: Any) -> dict[str, Any]:
    try:
        told = response.json()
    except ValueError:
        return {}
    found = told.get("partialSuccess") if isinstance(told, dict) else None
    return found if isinstance(found, dict) else {}
