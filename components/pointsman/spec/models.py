"""What may be declared of an environment: plain data, strict, no Pulumi. Every default is in these models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from pointsman.spec.alerting import Alertmanager, Notifier
from pointsman.spec.alerts import Alerts
from pointsman.spec.base import Misfit, Model, ProxyResources
from pointsman.spec.exporters import Exporters
from pointsman.spec.run_monitor import RunMonitor
from pointsman.spec.runners import Runners
from pointsman.spec.scalars import Address, Port, Size
from pointsman.spec.slos import SLOs
from pointsman.spec.stack import AlertSink, Collector, Grafana, LogAgent, Loki, Prometheus, Tempo
from pointsman.spec.telemetry import Telemetry


class Images(Model):
    """Where the services' images come from."""

    source: Literal["registry", "packages", "auto"] = Field(
        default="auto",
        description="registry: official images only; packages: built on this machine from package registries; "
        "auto: the registry, falling back to packages service by service.",
    )
    registry: str | None = Field(
        default=None,
        description="A registry to pull all images from instead of the official ones, such as mirror.example.org:5000.",
        pattern=r"^[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._/-]+)?$",
        json_schema_extra={
            "patternErrorMessage": "expected a registry's host, port and path in small letters, without https://, "
            "such as mirror.example.org:5000"
        },
    )


class Ports(Model):
    """The machine's port of every service that is reached from outside its network."""

    grafana: Port = Field(default=3003, description="Dashboards: Grafana, or the board where its image cannot be had.")
    prometheus: Port = Field(default=9090, description="Prometheus: web page, queries and API.")
    alertmanager: Port = Field(default=9093, description="Alertmanager: alerts, silences and API.")
    alert_sink: Port = Field(default=9096, description="The alert sink: the notifications that Alertmanager sent.")
    notifier: Port = Field(default=9002, description="The notifier: what Alertmanager tells by it, and its metrics.")
    loki: Port = Field(default=3100, description="Loki: queries and push.")
    tempo: Port = Field(default=3200, description="Tempo: traces by id and search.")
    otlp_grpc: Port = Field(default=4317, description="The Collector's OTLP entry for gRPC clients.")
    otlp_http: Port = Field(default=4318, description="The Collector's OTLP entry for HTTP clients.")
    collector_metrics: Port = Field(default=8888, description="The Collector's own metrics.")
    collector_health: Port = Field(default=13133, description="The Collector's health.")
    log_agent: Port = Field(default=9080, description="The log agent's own page, metrics and readiness.")
    node_exporter: Port = Field(default=9100, description="The node exporter's metrics.")
    blackbox: Port = Field(default=9115, description="The blackbox exporter: probes of addresses from outside.")
    pushgateway: Port = Field(default=9091, description="The pushgateway: metrics of jobs that end before a scrape.")
    github: Port = Field(default=9180, description="The GitHub stand-in, where there is one.")
    github_exporter: Port = Field(default=9103, description="The GitHub exporter's metrics.")
    monitor: Port = Field(default=9465, description="The run monitor: its page, API and metrics.")

    def misfits(self) -> Iterator[Misfit]:
        """Ports taken twice."""
        takers: defaultdict[int, list[str]] = defaultdict(list)
        for name, port in self:
            takers[port].append(name)
        for port, names in takers.items():
            if len(names) > 1:
                yield Misfit(
                    keys=tuple((name,) for name in reversed(names)),
                    problem=f"{' and '.join(names)} take the same port {port}",
                    expected="a port of its own for each service",
                )


class Network(Model):
    """How the estate is reached."""

    bind: Address = Field(
        default=IPv4Address("127.0.0.1"),
        description="The address that ports are published on. 0.0.0.0 opens them to everybody who reaches the machine.",
    )

    def url(self, port: int) -> str:
        """Where this machine reaches a published HTTP port."""
        return f"http://{'127.0.0.1' if self.bind == IPv4Address('0.0.0.0') else self.bind}:{port}"


class ContainerLogs(Model):
    """Rotation of each container's own log file."""

    max_size: Size = Field(default="10MiB", description="A log file is rotated at this size.")
    max_files: int = Field(
        default=3, ge=1, le=20, description="Files kept of each container, the current one included."
    )


class SocketProxy(Model):
    """The read-only proxy in front of the Docker socket."""

    resources: ProxyResources = ProxyResources()


def _not_reserved(value: object) -> object:
    if isinstance(value, str) and value.lower() == "kubernetes":
        raise ValueError(f"{value} is reserved for a target that is not there yet; expected docker")
    return value


class Environment(Model):
    """One environment: the whole of stacks/<name>.yaml. The name is the file's."""

    target: Annotated[Literal["docker"], BeforeValidator(_not_reserved)] = Field(
        default="docker",
        description="Where the services run. kubernetes is reserved for a target to come, and refused until then.",
    )
    images: Images = Images()
    network: Network = Network()
    ports: Ports = Ports()
    container_logs: ContainerLogs = ContainerLogs()
    prometheus: Prometheus = Prometheus()
    alerts: Alerts = Alerts()
    slos: SLOs = SLOs()
    alertmanager: Alertmanager = Alertmanager()
    alert_sink: AlertSink = AlertSink()
    notifier: Notifier = Notifier()
    loki: Loki = Loki()
    log_agent: LogAgent = LogAgent()
    tempo: Tempo = Tempo()
    collector: Collector = Collector()
    grafana: Grafana = Grafana()
    exporters: Exporters = Exporters()
    runners: Runners = Runners()
    monitor: RunMonitor = RunMonitor()
    socket_proxy: SocketProxy = SocketProxy()
    telemetry: Telemetry = Telemetry()

    def misfits(self) -> Iterator[Misfit]:
        """A store of traces that none can reach; receivers that nobody tells."""
        if self.prometheus.existing and self.network.bind == IPv4Address("0.0.0.0"):
            yield Misfit(
                keys=(("network", "bind"), ("prometheus", "existing")),
                problem="an existing Prometheus cannot scrape 0.0.0.0",
                expected="this machine's address that it reaches",
            )
        if self.prometheus.existing and self.runners.hosts == "containers":
            yield Misfit(
                keys=(("runners", "hosts"), ("prometheus", "existing")),
                problem="an existing Prometheus cannot scrape hosts that are containers on the environment's network",
                expected="hosts: machines, or a Prometheus of the environment's own",
            )
        if self.tempo.enabled and not self.collector.enabled:
            yield Misfit(
                keys=(("tempo", "enabled"), ("collector", "enabled")),
                problem="tempo is enabled, but not the collector, by which spans reach it",
                expected="both enabled, or tempo: {enabled: false} as well",
            )
        if self.alertmanager.receivers and not self.alertmanager.enabled:
            yield Misfit(
                keys=(("alertmanager", "enabled"), ("alertmanager", "receivers")),
                problem="receivers are declared, but alertmanager is not enabled",
                expected="enabled: true, or no receivers",
            )
        if not self.notifier.enabled:
            yield from self.alertmanager.without_notifier()
