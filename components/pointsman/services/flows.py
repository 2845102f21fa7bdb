"""How signals flow: from what makes them, through the services, to what keeps, shows or is told of them.

Derived from an estate and its spec. A flow goes the way of the signal, whichever end opens the connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from pointsman.services import (
    alert_sink,
    alertmanager,
    blackbox,
    board,
    collector,
    github_exporter,
    github_standin,
    grafana,
    log_agent,
    loki,
    node_exporter,
    notifier,
    prometheus,
    pushgateway,
    run_monitor,
    socket_proxy,
    tempo,
)
from pointsman.services.estate import Estate
from pointsman.services.model import Service
from pointsman.spec.models import Environment
from pointsman.spec.receivers import Receiver


class Signal(StrEnum):
    """What flows; queries are what a dashboard reads back."""

    TRACES = "traces"
    METRICS = "metrics"
    LOGS = "logs"
    ALERTS = "alerts"
    QUERIES = "queries"


class Stage(StrEnum):
    """Where on the way of signals a place is, in their order."""

    SOURCE = "sources"
    EXPORTER = "exporters"
    COLLECTION = "collection"
    STORE = "stores"
    ALERTING = "alerting"
    READER = "receivers, dashboards"


@dataclass(frozen=True)
class Place:
    """One end of flows: a service of the estate, or something outside it, of which `note` tells.

    `title` is for people, where it is not the name.
    """

    name: str
    stage: Stage
    service: Service | None = None
    note: str = ""
    title: str = ""


@dataclass(frozen=True)
class Flow:
    """One signal from place to place. `own`: it is about the place it comes from, and about nothing else."""

    source: str
    to: str
    signal: Signal
    how: str
    own: bool = False


@dataclass(frozen=True)
class Topology:
    """All places and flows of one environment, in a fixed order."""

    environment: str
    places: tuple[Place, ...]
    flows: tuple[Flow, ...]


APPLICATIONS, CONTAINERS, MACHINE, ADDRESSES, JOBS, TARGETS, HOSTS, RUNS = (
    "applications",
    "containers",
    "machine",
    "addresses",
    "batch jobs",
    "scrape targets",
    "runner hosts",
    "runs",
)
RECEIVER, STORE = "receiver ", "store "
_STAGES = {
    socket_proxy.NAME: Stage.EXPORTER,
    node_exporter.NAME: Stage.EXPORTER,
    blackbox.NAME: Stage.EXPORTER,
    pushgateway.NAME: Stage.EXPORTER,
    github_standin.NAME: Stage.SOURCE,
    github_exporter.NAME: Stage.EXPORTER,
    run_monitor.NAME: Stage.EXPORTER,
    collector.NAME: Stage.COLLECTION,
    log_agent.NAME: Stage.COLLECTION,
    tempo.NAME: Stage.STORE,
    prometheus.NAME: Stage.STORE,
    loki.NAME: Stage.STORE,
    alertmanager.NAME: Stage.ALERTING,
    alert_sink.NAME: Stage.READER,
    notifier.NAME: Stage.READER,
    grafana.NAME: Stage.READER,
    board.NAME: Stage.READER,
}
# What these scrape jobs bring is about others.
_FOR_OTHERS = (node_exporter.NAME, blackbox.NAME, pushgateway.NAME, github_exporter.NAME, run_monitor.NAME)


def topology(estate: Estate, spec: Environment) -> Topology:
    """The places and flows of `estate`, which `spec` declares; what it leaves out takes its flows along."""
    places = (*_outside(spec), *(Place(each.name, _STAGES[each.name], each) for each in estate.services))
    every = (*_in(spec), *_collected(spec), *_scraped(estate, spec), *_alerts(spec), *_read())
    there = {place.name for place in places}
    flows = tuple(flow for flow in every if flow.source in there and flow.to in there)
    ends = {name for flow in flows for name in (flow.source, flow.to)}
    return Topology(estate.environment, tuple(place for place in places if place.name in ends), flows)


def _outside(spec: Environment) -> Iterator[Place]:
    yield Place(APPLICATIONS, Stage.SOURCE, note="instrumented with OpenTelemetry")
    yield Place(CONTAINERS, Stage.SOURCE, note="of this environment, by the Docker engine")
    yield Place(MACHINE, Stage.SOURCE, note="CPU, memory, disks, network")
    probed = ", ".join(["the stack itself", *(each.job for each in spec.exporters.blackbox.probes)])
    yield Place(ADDRESSES, Stage.SOURCE, note=f"probed: {probed}")
    yield Place(JOBS, Stage.SOURCE, note="that end before a scrape")
    if spec.prometheus.extra_targets:
        yield Place(TARGETS, Stage.SOURCE, note=", ".join(each.job for each in spec.prometheus.extra_targets))
    if spec.runners.hosts != "none":
        yield Place(HOSTS, Stage.SOURCE, note=f"{spec.runners.hosts} of inventory/")
        if url := spec.runners.github.url:
            yield Place(github_standin.NAME, Stage.SOURCE, note=url, title="GitHub")
    if spec.monitor.enabled:
        watched = [spec.monitor.store.url, *([spec.monitor.github.repository] if spec.monitor.github else [])]
        yield Place(RUNS, Stage.SOURCE, note=", ".join(watched))
    for receiver in spec.alertmanager.receivers:
        note = f"receiver: {_gets(spec, receiver)}"
        yield Place(_receiver(receiver.name), Stage.READER, note=note, title=receiver.name)
    for name in _remote(spec):
        yield Place(name, Stage.ALERTING, note=name.removeprefix(STORE), title="remote store")


def _receiver(name: str) -> str:
    """The place of a declared receiver, which may be named like a service."""
    return f"{RECEIVER}{name}"


def _gets(spec: Environment, receiver: Receiver) -> str:
    """Which alerts a declared receiver gets."""
    routed = any(route.receiver == receiver.name for route in spec.alertmanager.routes)
    return "by routes" if routed else ", ".join(receiver.severities)


def _remote(spec: Environment) -> list[str]:
    """The places that samples are written to as well, each once."""
    return list(dict.fromkeys(f"{STORE}{urlsplit(each.url).netloc}" for each in spec.prometheus.remote_write))


def _in(spec: Environment) -> Iterator[Flow]:
    """From what makes a signal to the service that takes it in first."""
    for signal in (Signal.TRACES, Signal.METRICS, Signal.LOGS):
        yield Flow(APPLICATIONS, collector.NAME, signal, "OTLP, gRPC or HTTP")
    if spec.collector.enabled:
        yield Flow(CONTAINERS, socket_proxy.NAME, Signal.METRICS, "Docker API, GET only")
    yield Flow(CONTAINERS, socket_proxy.NAME, Signal.LOGS, "Docker API, GET only")
    yield Flow(MACHINE, node_exporter.NAME, Signal.METRICS, "its file systems, read-only")
    yield Flow(ADDRESSES, blackbox.NAME, Signal.METRICS, "asked on each scrape")
    yield Flow(JOBS, pushgateway.NAME, Signal.METRICS, "pushed over HTTP")
    yield Flow(TARGETS, prometheus.NAME, Signal.METRICS, f"scraped every {spec.prometheus.scrape_interval}")
    yield Flow(HOSTS, prometheus.NAME, Signal.METRICS, f"scraped every {spec.prometheus.scrape_interval}")
    yield Flow(HOSTS, loki.NAME, Signal.LOGS, "pushed over HTTP by their own agents")
    yield Flow(RUNS, run_monitor.NAME, Signal.TRACES, "rows, read as they change")
    asked = f"asked every {spec.runners.exporter.interval}"
    yield Flow(github_standin.NAME, github_exporter.NAME, Signal.METRICS, asked)


def _collected(spec: Environment) -> Iterator[Flow]:
    """From agents and the Collector to the stores."""
    interval = spec.collector.container_metrics_interval
    yield Flow(socket_proxy.NAME, collector.NAME, Signal.METRICS, f"container statistics every {interval}")
    yield Flow(socket_proxy.NAME, log_agent.NAME, Signal.LOGS, "lines, followed")
    yield Flow(collector.NAME, tempo.NAME, Signal.TRACES, "OTLP over gRPC")
    yield Flow(collector.NAME, prometheus.NAME, Signal.METRICS, "OTLP over HTTP; with those made from spans")
    yield Flow(collector.NAME, loki.NAME, Signal.LOGS, "OTLP over HTTP")
    yield Flow(log_agent.NAME, loki.NAME, Signal.LOGS, "pushed over HTTP")
    yield Flow(run_monitor.NAME, collector.NAME, Signal.TRACES, "OTLP over HTTP, a trace a run")


def _scraped(estate: Estate, spec: Environment) -> Iterator[Flow]:
    """What Prometheus scrapes of the services."""
    how = f"scraped every {spec.prometheus.scrape_interval}"
    for each in estate.services:
        if each.metrics is not None:
            yield Flow(each.name, prometheus.NAME, Signal.METRICS, how, own=each.name not in _FOR_OTHERS)


def _alerts(spec: Environment) -> Iterator[Flow]:
    """From the rules to who is told, and to stores elsewhere."""
    yield Flow(prometheus.NAME, alertmanager.NAME, Signal.ALERTS, "posted over HTTP")
    yield Flow(run_monitor.NAME, alertmanager.NAME, Signal.ALERTS, "posted over HTTP")
    yield Flow(alertmanager.NAME, alert_sink.NAME, Signal.ALERTS, "webhook")
    yield Flow(alertmanager.NAME, notifier.NAME, Signal.ALERTS, "webhook")
    for receiver in spec.alertmanager.receivers:
        by = " by the notifier" if receiver.by_notifier else ""
        how = f"{receiver.kind.replace('_', ' ')}{by}; {_gets(spec, receiver)}"
        yield Flow(alertmanager.NAME, _receiver(receiver.name), Signal.ALERTS, how)
    for name in _remote(spec):
        yield Flow(prometheus.NAME, name, Signal.METRICS, "remote write")


def _read() -> Iterator[Flow]:
    """What the dashboards read."""
    for name in (tempo.NAME, prometheus.NAME, loki.NAME, alertmanager.NAME):
        for reader in (grafana.NAME, board.NAME):
            yield Flow(name, reader, Signal.QUERIES, "data source")
