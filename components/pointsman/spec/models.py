"""What may be declared of an environment: plain data, strict, no Pulumi. Every default is here and nowhere else."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pointsman.spec.scalars import (
    Address,
    Duration,
    JobName,
    LabelName,
    Port,
    Size,
    Target,
    duration_seconds,
    size_bytes,
)

LEAST_MEMORY = 6 * 2**20  # bytes: linuxMinMemory in moby's daemon/daemon_unix.go
Location = tuple[str | int, ...]
"""Where something stands in a document: keys and list positions from the outside in."""


@dataclass(frozen=True)
class Misfit:
    """Values that are right one by one, but not together. `keys` are the locations below the model, the one to mend
    first."""

    keys: tuple[Location, ...]
    problem: str
    expected: str


class Misfits(ValueError):
    """All the misfits of one model."""

    def __init__(self, misfits: tuple[Misfit, ...]) -> None:
        super().__init__("\n".join(f"{misfit.problem}; expected {misfit.expected}" for misfit in misfits))
        self.misfits = misfits


class Model(BaseModel):
    """Base of all parts of the spec: unknown keys refused, values not coerced, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    def misfits(self) -> Iterator[Misfit]:
        """What does not fit together in this model; asked once all its values are right."""
        return iter(())

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if found := tuple(self.misfits()):
            raise Misfits(found)
        return self


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

    prometheus: Port = Field(default=9090, description="Prometheus: web page, queries and API.")
    loki: Port = Field(default=3100, description="Loki: queries and push.")
    log_agent: Port = Field(default=9080, description="The log agent's own page, metrics and readiness.")
    node_exporter: Port = Field(default=9100, description="The node exporter's metrics.")

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


class Resources(Model):
    """Upper limits of one container."""

    memory: Size = Field(description="The most memory the container may use; beyond it the kernel ends it.")
    cpus: float = Field(gt=0, le=64, description="Share of cores, such as 0.5.")

    def misfits(self) -> Iterator[Misfit]:
        """A limit that Docker refuses; below one MiB it would even be taken for no limit at all."""
        if size_bytes(self.memory) < LEAST_MEMORY:
            yield Misfit(
                keys=(("memory",),),
                problem=f"memory {self.memory} is less than Docker takes",
                expected="at least 6MiB, which is Docker's own rule",
            )


class StoreResources(Resources):
    """Limits of a service that keeps data."""

    memory: Size = Field(default="512MiB", description="The most memory the container may use.")
    cpus: float = Field(default=1.0, gt=0, le=64, description="Share of cores, such as 0.5.")


class AgentResources(Resources):
    """Limits of the log agent."""

    memory: Size = Field(default="256MiB", description="The most memory the container may use.")
    cpus: float = Field(default=0.5, gt=0, le=64, description="Share of cores, such as 0.5.")


class ExporterResources(Resources):
    """Limits of an exporter."""

    memory: Size = Field(default="64MiB", description="The most memory the container may use.")
    cpus: float = Field(default=0.25, gt=0, le=64, description="Share of cores, such as 0.5.")


class ProxyResources(Resources):
    """Limits of the socket proxy."""

    memory: Size = Field(default="32MiB", description="The most memory the container may use.")
    cpus: float = Field(default=0.25, gt=0, le=64, description="Share of cores, such as 0.5.")


class ContainerLogs(Model):
    """Rotation of each container's own log file."""

    max_size: Size = Field(default="10MiB", description="A log file is rotated at this size.")
    max_files: int = Field(
        default=3, ge=1, le=20, description="Files kept of each container, the current one included."
    )


class Retention(Model):
    """How long Prometheus keeps samples: whichever limit is met first."""

    time: Duration = Field(default="15d", description="Samples older than this are deleted.")
    size: Size = Field(default="2GiB", description="The oldest samples are deleted when storage grows beyond this.")


class ScrapeTargets(Model):
    """Targets beyond the estate's own, delivered to Prometheus by file_sd: a change needs no reload."""

    job: JobName = Field(description="The scrape job's name, which becomes the label job.")
    targets: list[Target] = Field(min_length=1, description="Host names and ports to scrape.")
    labels: dict[LabelName, str] = Field(
        default_factory=dict, description="Labels added to every sample of these targets."
    )


class Prometheus(Model):
    """Metrics: scraping, rules and storage."""

    scrape_interval: Duration = Field(default="15s", description="How often every target is scraped.")
    scrape_timeout: Duration = Field(default="10s", description="When a scrape is given up; at most the interval.")
    evaluation_interval: Duration = Field(default="15s", description="How often rules are evaluated.")
    retention: Retention = Retention()
    external_labels: dict[LabelName, str] = Field(
        default_factory=dict, description="Labels added to what leaves Prometheus: alerts, federation, remote write."
    )
    extra_targets: list[ScrapeTargets] = Field(
        default_factory=list, description="Scrape jobs beyond the estate's own, one entry a job."
    )
    resources: StoreResources = StoreResources()

    def misfits(self) -> Iterator[Misfit]:
        """A time-out beyond the interval; a job named twice."""
        if duration_seconds(self.scrape_timeout) > duration_seconds(self.scrape_interval):
            yield Misfit(
                keys=(("scrape_timeout",), ("scrape_interval",)),
                problem=f"scrape_timeout {self.scrape_timeout} is longer than scrape_interval {self.scrape_interval}",
                expected="a time-out of at most the interval",
            )
        for job, count in Counter(extra.job for extra in self.extra_targets).items():
            if count > 1:
                places = [place for place, extra in enumerate(self.extra_targets) if extra.job == job]
                yield Misfit(
                    keys=tuple(("extra_targets", place, "job") for place in reversed(places)),
                    problem=f"job {job} is named {count} times",
                    expected="one entry a job, with all its targets",
                )


class Loki(Model):
    """Logs: storage and queries."""

    retention: Duration = Field(
        default="7d", description="How long logs are kept: whole hours, at least 24h, which is Loki's own rule."
    )
    resources: StoreResources = StoreResources()

    def misfits(self) -> Iterator[Misfit]:
        """A retention that Loki's compactor refuses."""
        seconds = duration_seconds(self.retention)
        if seconds < 86400 or seconds % 3600:
            yield Misfit(
                keys=(("retention",),),
                problem=f"retention {self.retention} does not fit Loki",
                expected="whole hours, at least 24h",
            )


class LogAgent(Model):
    """The agent that sends every container's log to Loki."""

    kind: Literal["auto", "alloy", "promtail"] = Field(
        default="auto",
        description="alloy: registry images only; promtail: retired upstream, built from packages; "
        "auto: Alloy where its image can be had, else Promtail.",
    )
    resources: AgentResources = AgentResources()


class NodeExporter(Model):
    """Metrics of the machine that runs the estate."""

    enabled: bool = Field(default=True, description="false leaves the node exporter out.")
    resources: ExporterResources = ExporterResources()


class Exporters(Model):
    """Exporters beside the stack."""

    node: NodeExporter = NodeExporter()


class SocketProxy(Model):
    """The read-only proxy in front of the Docker socket."""

    resources: ProxyResources = ProxyResources()


class Environment(Model):
    """One environment: the whole of stacks/<name>.yaml. The name is the file's."""

    images: Images = Images()
    network: Network = Network()
    ports: Ports = Ports()
    container_logs: ContainerLogs = ContainerLogs()
    prometheus: Prometheus = Prometheus()
    loki: Loki = Loki()
    log_agent: LogAgent = LogAgent()
    exporters: Exporters = Exporters()
    socket_proxy: SocketProxy = SocketProxy()
