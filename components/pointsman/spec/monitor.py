"""What may be declared of the run monitor, in a file of its own: where runs are, what is too long, what is done."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from pointsman.spec.base import Misfit, Model
from pointsman.spec.github_runs import GitHubRuns
from pointsman.spec.runs import StoreSettings
from pointsman.spec.scalars import Address, Duration, HttpUrl, Port, ServerUrl, Size
from pointsman.spec.secrets import Token, WebhookAddress

DEFAULT_PORT = 9465
KindName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
FolderPath = Annotated[str, StringConstraints(pattern=r"^[^\s\x00]([^\n\x00]*[^\s\x00])?$")]
"""A folder or file: relative ones begin at the folder of the file that names them."""


class KindLimitsSpec(Model):
    """How long a run may be in one state before people are told."""

    queued: Duration = Field(default="30m", description="Queued for longer is a stall: queued_too_long.")
    silent: Duration = Field(
        default="30m", description="Running without a heartbeat or a change of a step for longer is a stall: silent."
    )
    approval: Duration = Field(
        default="1d", description="Waiting for an approval for longer is a stall of its own: approval_too_long."
    )
    running: Duration | None = Field(
        default=None,
        description="Running for longer is a stall: running_too_long. Left out: by times_p99.",
    )
    times_p99: float = Field(
        default=3.0, ge=1, le=100, description="So many times the 99th percentile of the kind's completed runs."
    )
    samples: int = Field(default=20, ge=2, le=500, description="Of so many completed runs, before that is known.")
    least_running: Duration = Field(default="5m", description="A limit from history is never shorter.")
    unknown_running: Duration = Field(default="1d", description="The limit while there is too little history.")


class LimitsSpec(KindLimitsSpec):
    """The limits of all runs, and those of kinds that differ."""

    kinds: dict[KindName, KindLimitsSpec] = Field(
        default_factory=dict, description="Limits by kind of run; what is left out there has its default."
    )
    settle: Duration = Field(default="2s", description="How long an end that is half written may become whole.")
    retention: Duration = Field(default="30d", description="How long the journal keeps what ended.")


class ArchiveSpec(Model):
    """Archives of finished runs' artifacts."""

    enabled: bool = Field(default=True, description="Whether runs are archived.")
    folder: FolderPath = Field(default=".archive", description="Where archives go.")
    within: list[FolderPath] = Field(
        default_factory=list,
        description="Folders in one of which artifacts must lie. Left out: the folder of the store's `artifacts` "
        "template where there is one, else anywhere.",
    )
    keep_days: float | None = Field(default=None, gt=0, description="Archives that are older go; left out: none.")
    keep_size: Size | None = Field(default=None, description="The oldest go beyond this; left out: none.")
    min_free: Size = Field(default="256MiB", description="So much of the disk stays free.")
    level: int = Field(default=6, ge=1, le=9, description="How hard to compress: 1 is fast, 9 is small.")


class ReportsSpec(Model):
    """Reports of finished runs."""

    enabled: bool = Field(default=True, description="Whether runs are reported.")
    folder: FolderPath = Field(default="reports", description="Where reports go.")


class TracesSpec(Model):
    """Each finished run as a span tree."""

    endpoint: ServerUrl = Field(description="The Collector's OTLP entry for HTTP, such as http://127.0.0.1:4318.")
    service: str = Field(default="runs", min_length=1, max_length=100, description="Which service the spans are of.")


class PluginHandler(Model):
    """A handler that another package brings, under the entry-point group `pointsman.monitor.handlers`."""

    entry_point: str = Field(min_length=1, description="Its name in the group.")
    options: dict[str, str] = Field(default_factory=dict, description="What it is made with. No secret belongs here.")


class RetriesSpec(Model):
    """When a handler that failed is asked again, and when it is given up: each wait is twice the last."""

    first: Duration = Field(default="1s", description="The first wait.")
    longest: Duration = Field(default="10m", description="No wait is longer.")
    attempts: int = Field(default=15, ge=1, le=1000, description="After so many it is a dead letter.")


class GitHubRerun(Model):
    """Runs whose `url` is one of GitHub Actions are run again by GitHub."""

    token: Token = Field(
        default=Token(environment="GITHUB_TOKEN"), description="A token with the right to write Actions."
    )
    server: ServerUrl = Field(default="https://github.com", description="The server that the runs are on.")
    api_url: HttpUrl | None = Field(default=None, description="Its REST API, where it is at no usual place.")
    failed_only: bool = Field(default=True, description="Whether only jobs that failed are run again.")


class RerunSpec(Model):
    """What `pointsman runs rerun` asks for."""

    webhook: WebhookAddress | None = Field(
        default=None, description="An address that takes the run as JSON and runs it again."
    )
    github: GitHubRerun | None = Field(default=None, description="GitHub, for runs of Actions.")


class ServingSpec(Model):
    """The monitor's page, its API and its metrics."""

    listen: Address = Field(
        default=IPv4Address("127.0.0.1"),
        description="The address that it listens on. 0.0.0.0 shows runs to everybody who reaches the machine.",
    )
    port: Port = Field(default=DEFAULT_PORT, description="Its port.")


class MonitorSpec(Model):
    """monitor.yaml: the whole of the run monitor. Relative paths begin at the file's folder."""

    store: StoreSettings = StoreSettings()
    github: GitHubRuns | None = Field(
        default=None, description="Runs of GitHub Actions that are watched as well; left out: none."
    )
    state: FolderPath = Field(
        default=".state/monitor",
        description="The monitor's own folder: its journal, the state of alerts, the lease of who leads.",
    )
    limits: LimitsSpec = LimitsSpec()
    archive: ArchiveSpec = ArchiveSpec()
    reports: ReportsSpec = ReportsSpec()
    log: FolderPath | Literal["stdout"] = Field(
        default="stdout", description="Where a line of JSON is logged for each event: stdout, or a file."
    )
    traces: TracesSpec | None = Field(default=None, description="Where spans go; left out: nowhere.")
    alerts: FolderPath | None = Field(
        default=None,
        description="The file of rules and channels; left out: alerts.yaml beside this one if it is there.",
    )
    handlers: list[PluginHandler] = Field(default_factory=list, description="Handlers of other packages.")
    retries: RetriesSpec = RetriesSpec()
    unhealthy_after: Duration = Field(
        default="1m", description="monitor_unhealthy is told when the store has been away for this long."
    )
    serving: ServingSpec = ServingSpec()
    rerun: RerunSpec = RerunSpec()

    def misfits(self) -> Iterator[Misfit]:
        """Folders of two uses."""
        if self.archive.enabled and self.reports.enabled and self.archive.folder == self.reports.folder:
            yield Misfit(
                (("reports", "folder"), ("archive", "folder")),
                "archives and reports go to the same folder",
                "a folder for each",
            )
