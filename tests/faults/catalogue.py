"""The faults that every run injects, and what has to name each of them. Data alone: a new service adds its rows."""

from __future__ import annotations

from dataclasses import dataclass

from tests.faults.harness.faults import (
    ClockSkew,
    ConfigBroken,
    ConnectionReset,
    ConnectionSlow,
    ContainerKilled,
    ContainerPaused,
    ContainerRemoved,
    CpuStarved,
    DiskFull,
    DnsBroken,
    Fault,
    MemoryLimit,
    MountEmptied,
    NetworkCut,
    NetworkCutOneWay,
    WrongCredentials,
)

MIB = 2**20


@dataclass(frozen=True)
class Named:
    """A red check of `verify` called `check`, in which `said` stands."""

    check: str
    said: str = ""


@dataclass(frozen=True)
class Case:
    """A fault, the check of `verify` that names it, and the service whose row of `status` is red, if one is.

    `finding` says what is missing while `verify` does not notice the fault, or not in time.
    """

    fault: Fault
    verify: Named
    status: str = ""
    finding: str = ""


METRIC, LOG, TRACE = "metric from OTLP to PromQL", "log line from OTLP to LogQL", "trace from OTLP to TraceQL"
ALERT, CONTAINER_LOG = "alert from OTLP to receiver", "container log from engine to LogQL"

FAULTS = (
    Case(ContainerKilled("collector"), Named("container collector", "exited"), status="collector"),
    Case(ContainerKilled("socket-proxy"), Named("container socket-proxy", "exited"), status="socket-proxy"),
    Case(ContainerPaused("prometheus"), Named("container prometheus", "paused"), status="prometheus"),
    Case(ContainerPaused("alertmanager"), Named("container alertmanager", "paused"), status="alertmanager"),
    Case(ContainerRemoved("log-agent"), Named("container log-agent", "no such container"), status="log-agent"),
    Case(ConfigBroken("prometheus"), Named("config prometheus", "of the spec")),
    Case(ConfigBroken("alertmanager"), Named("config alertmanager", "of the spec")),
    Case(ConfigBroken("loki"), Named("config loki", "of the spec"), status="loki"),
    Case(ConfigBroken("collector"), Named("config collector", "of the spec"), status="collector"),
    Case(MountEmptied("log-agent", "config"), Named("config log-agent", "release none")),
    Case(MountEmptied("loki", "data"), Named("data loki")),
    Case(MountEmptied("prometheus", "data"), Named("data prometheus")),
    Case(NetworkCut("node-exporter"), Named("reached node-exporter"), status="node-exporter"),
    Case(NetworkCut("socket-proxy"), Named("reached socket-proxy")),
    Case(NetworkCutOneWay("prometheus", to="node-exporter"), Named("scrape target node-exporter")),
    Case(NetworkCutOneWay("log-agent", to="loki"), Named(CONTAINER_LOG, "sent by log-agent")),
    Case(NetworkCutOneWay("collector", to="tempo"), Named(TRACE, "passed on to tempo")),
    Case(NetworkCutOneWay("prometheus", to="alertmanager"), Named(ALERT, "in Alertmanager")),
    Case(NetworkCutOneWay("alertmanager", to="alert-sink"), Named(ALERT, "at the receiver")),
    Case(DnsBroken("prometheus"), Named("scrape targets", "lookup")),
    Case(DnsBroken("log-agent"), Named(CONTAINER_LOG, "lookup")),
    Case(DnsBroken("collector"), Named(METRIC, "passed on to prometheus")),
    Case(DiskFull("prometheus"), Named("losses of prometheus")),
    Case(DiskFull("loki"), Named("losses of loki")),
    Case(DiskFull("tempo"), Named(TRACE, "TraceQL search (tempo)")),
    Case(MemoryLimit("loki", limit=24 * MIB), Named("container loki"), status="loki"),
    Case(MemoryLimit("tempo", limit=12 * MIB), Named("container tempo"), status="tempo"),
    Case(CpuStarved("prometheus"), Named(METRIC, "PromQL (prometheus)")),
    Case(ConnectionSlow("loki"), Named("scrape target loki")),
    Case(ConnectionSlow("tempo"), Named(TRACE, "passed on to tempo")),
    Case(ConnectionReset("node-exporter"), Named("scrape target node-exporter", "reset")),
    Case(ConnectionReset("tempo"), Named(TRACE, "passed on to tempo")),
    Case(WrongCredentials("socket-proxy"), Named("reached socket-proxy")),
    Case(ClockSkew("loki", seconds=3600), Named("reached loki", "its clock is")),
)
