"""What may be declared of the run monitor as a container of an environment's stack."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from pointsman.spec.base import ExporterResources, Misfit, Model
from pointsman.spec.github_runs import GitHubRuns
from pointsman.spec.monitor import LimitsSpec, RerunSpec
from pointsman.spec.run_alerts import Rule, RuleName
from pointsman.spec.runs import DEFAULT_URL, EstateId, StoreMapping, StoreSettings, StoreUrl
from pointsman.spec.scalars import Size
from pointsman.spec.secrets import Password

SQLITE = "sqlite:///"


class WatchedStore(Model):
    """The runs store that the container watches."""

    url: StoreUrl = Field(
        default=DEFAULT_URL,
        description="sqlite:///<path> on this machine, relative to the checkout unless it begins with a fourth slash: "
        "its folder is mounted read-only. Or postgresql://<user>@<host>:<port>/<database>, as the stack's network "
        "reaches it.",
    )
    password: Password | None = Field(default=None, description="The password for PostgreSQL.")
    mapping: StoreMapping | None = Field(
        default=None, description="What an existing database calls its tables and columns; left out: a store of ours."
    )
    estate_id: EstateId | None = Field(
        default=None, description="The estate that the store must say it was made for; another one is refused."
    )
    artifacts: str | None = Field(
        default=None,
        pattern=r"^[^{}]+/\{run_id\}$",
        description="The folder of a run's artifacts where the store names none, such as artifacts/{run_id}, relative "
        "to the checkout; the folder around it is mounted read-only. Left out: such a run has no archive.",
    )

    def misfits(self) -> Iterator[Misfit]:
        """A password for a file."""
        if self.password and self.url.startswith(SQLITE):
            yield Misfit((("password",), ("url",)), "SQLite knows no password", "no password")


class Archives(Model):
    """Archives of finished runs' artifacts, in the monitor's own volume."""

    enabled: bool = Field(default=True, description="Whether runs are archived.")
    keep_days: float | None = Field(default=30, gt=0, description="Archives that are older go; null: none.")
    keep_size: Size | None = Field(default="10GiB", description="The oldest go beyond this; null: none.")
    level: int = Field(default=6, ge=1, le=9, description="How hard to compress: 1 is fast, 9 is small.")


class RunMonitor(Model):
    """The run monitor: sees every run end, stall or go silent, archives it, reports it and has it told."""

    enabled: bool = Field(default=False, description="true: it runs beside the stack. One that runs elsewhere is none.")
    store: WatchedStore = WatchedStore()
    github: GitHubRuns | None = Field(default=None, description="Runs of GitHub Actions that are watched as well.")
    limits: LimitsSpec = LimitsSpec()
    archive: Archives = Archives()
    rules: dict[RuleName, Rule] = Field(
        default_factory=dict,
        description="Alerts on runs by name, beside the built-in ones or to change one. Alertmanager tells them.",
    )
    rerun: RerunSpec = RerunSpec()
    resources: ExporterResources = ExporterResources(memory="256MiB", cpus=0.5)

    @property
    def own_file(self) -> StoreSettings | None:
        """The store that is watched as programs of this machine reach it, where it is a file with Pointsman's own
        tables; None for any other, and where nothing is watched."""
        store = self.store
        if not self.enabled or store.mapping is not None or not store.url.startswith(SQLITE):
            return None
        return StoreSettings(url=store.url, estate_id=store.estate_id, artifacts=store.artifacts)
