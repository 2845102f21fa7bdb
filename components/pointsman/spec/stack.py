"""What may be declared of the stack's services: metrics, alerts, logs, traces, and the ways between them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from pointsman.spec.base import AgentResources, ExporterResources, Misfit, Model, StoreResources
from pointsman.spec.scalars import (
    Duration,
    HttpUrl,
    JobName,
    LabelName,
    ServerUrl,
    Size,
    Target,
    duration_seconds,
    size_bytes,
)


class Retention(Model):
    """How long Prometheus keeps samples: whichever limit is met first."""

    time: Duration = Field(
        default="35d",
        description="Samples older than this are deleted. SLOs look back over their window, 30d where not moved.",
    )
    size: Size = Field(default="2GiB", description="The oldest samples are deleted when storage grows beyond this.")


class ScrapeTargets(Model):
    """Targets beyond the estate's own, delivered to Prometheus by file_sd: a change needs no reload."""

    job: JobName = Field(description="The scrape job's name, which becomes the label job.")
    targets: list[Target] = Field(min_length=1, description="Host names and ports to scrape.")
    labels: dict[LabelName, str] = Field(
        default_factory=dict, description="Labels added to every sample of these targets."
    )


class RemoteWrite(Model):
    """Another Prometheus-compatible store that all samples are sent to as well."""

    url: HttpUrl = Field(description="Its remote-write address, such as http://store.example.org/api/v1/write.")


class Prometheus(Model):
    """Metrics: scraping, rules and storage."""

    existing: ServerUrl | None = Field(
        default=None,
        description="A Prometheus to use instead of one of the environment's own, such as http://prometheus:9090. It "
        "must take OTLP; `pointsman spec prometheus` writes what it must load.",
    )
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
    sample_limit: int = Field(
        default=50_000,
        ge=0,
        description="A scrape that brings more samples than this is refused whole and counted; 0 means no limit.",
    )
    remote_write: list[RemoteWrite] = Field(
        default_factory=list, description="Stores that get every sample beside this one."
    )
    resources: StoreResources = StoreResources()

    def misfits(self) -> Iterator[Misfit]:
        """A time-out beyond the interval; a job named twice; keys that an existing Prometheus decides on itself."""
        yield from self._decided_elsewhere()
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

    def _decided_elsewhere(self) -> Iterator[Misfit]:
        if self.existing is None:
            return
        if re.match(r"https?://(localhost|127\.)", self.existing):
            yield Misfit(
                keys=(("existing",),),
                problem=f"existing {self.existing} would lead each container to itself",
                expected="a name or an address that is the same on every host",
            )
        for key, field in type(self).model_fields.items():
            of_jobs = ("existing", "scrape_interval", "scrape_timeout")
            if key not in of_jobs and getattr(self, key) != field.get_default(call_default_factory=True):
                yield Misfit(
                    keys=((key,), ("existing",)),
                    problem=f"{key} is declared, but the existing Prometheus has its own",
                    expected=f"no {key} beside existing",
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


class Tempo(Model):
    """Traces: storage, lookup by id and search."""

    enabled: bool = Field(default=True, description="false leaves Tempo out; spans still become metrics.")
    retention: Duration = Field(default="3d", description="How long traces are kept, at least 1h.")
    resources: StoreResources = StoreResources()

    def misfits(self) -> Iterator[Misfit]:
        """A retention below the time in which blocks are made."""
        if duration_seconds(self.retention) < 3600:
            yield Misfit(
                keys=(("retention",),),
                problem=f"retention {self.retention} does not fit Tempo",
                expected="at least 1h: blocks are compacted before they are dropped",
            )


class Collector(Model):
    """The OpenTelemetry Collector: the entry for traces, metrics and logs of applications."""

    enabled: bool = Field(
        default=True, description="false leaves the Collector out, and with it container metrics and spans."
    )
    max_request: Size = Field(default="4MiB", description="A larger OTLP request is refused.")
    queue: int = Field(
        default=1000,
        ge=10,
        le=100_000,
        description="Requests kept on disk for each destination while it does not take them.",
    )
    span_metrics_interval: Duration = Field(
        default="3s", description="How often metrics made from spans go to Prometheus."
    )
    container_metrics_interval: Duration = Field(
        default="15s", description="How often every container's CPU, memory and network are read."
    )
    resources: StoreResources = StoreResources()

    def misfits(self) -> Iterator[Misfit]:
        """A request that would not fit in memory."""
        if size_bytes(self.max_request) * 4 > size_bytes(self.resources.memory):
            yield Misfit(
                keys=(("max_request",), ("resources", "memory")),
                problem=f"max_request {self.max_request} is more than a quarter of memory {self.resources.memory}",
                expected="a quarter of the memory or less",
            )


class AlertSink(Model):
    """The built-in receiver: keeps the last notifications, so that they can be seen and proved."""

    resources: ExporterResources = ExporterResources(memory="32MiB")


class Grafana(Model):
    """Dashboards: in Grafana, or on the board where Grafana's image cannot be had."""

    enabled: bool = Field(default=True, description="false leaves both out, for a Grafana that is there already.")
    resources: StoreResources = StoreResources()


class LogAgent(Model):
    """The agent that sends every container's log to Loki."""

    kind: Literal["auto", "alloy", "promtail"] = Field(
        default="auto",
        description="alloy: registry images only; promtail: retired upstream, built from packages; "
        "auto: Alloy where its image can be had, else Promtail.",
    )
    resources: AgentResources = AgentResources()
