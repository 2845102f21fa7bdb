"""What may be declared of alerts: every threshold, a section a subject, with the source of each default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from pydantic import Field

from pointsman.spec.base import Misfit, Model
from pointsman.spec.scalars import Duration, ServerUrl, Size, duration_seconds

RUNBOOKS = "https://github.com/pointsman/pointsman/blob/main/runbooks"
"""Where the runbooks are read: a page an alert, `<base>/<name>.md`."""
LEAST_WINDOW, LONGEST_WINDOW = "5m", "7d"
MOST_EVENTS = 1_000_000
"""Nobody waits for more events than this within a week: a larger threshold is a slip."""
MOST_DOLLARS = 1_000_000


class Windowed(Model):
    """Thresholds of what is counted over a window: one event alone, at night, is no share of anything."""

    window: Duration = Field(default="1h", description="How far back is counted, from 5m to 7d.")
    least: int = Field(
        default=5, ge=1, le=MOST_EVENTS, description="With fewer events than this in the window no share is judged."
    )
    told_apart: ClassVar[Mapping[str, str]] = {}
    """The last bound of the histogram that a key is compared with: a quantile is never told to be longer."""

    def misfits(self) -> Iterator[Misfit]:
        """A window that holds too few samples or more than is kept by default, and times that nothing can exceed."""
        if not duration_seconds(LEAST_WINDOW) <= duration_seconds(self.window) <= duration_seconds(LONGEST_WINDOW):
            yield Misfit(
                keys=(("window",),),
                problem=f"window {self.window} cannot be judged",
                expected=f"from {LEAST_WINDOW} to {LONGEST_WINDOW}",
            )
        for key, longest in self.told_apart.items():
            if duration_seconds(getattr(self, key)) >= duration_seconds(longest):
                yield Misfit(
                    keys=((key,),),
                    problem=f"{key} {getattr(self, key)} is never exceeded: times beyond {longest} are not told apart",
                    expected=f"less than {longest}",
                )


class WorkflowAlerts(Windowed):
    """Thresholds of the alerts on workflow runs."""

    told_apart: ClassVar[Mapping[str, str]] = {"slow": "2h"}
    failure_rate: float = Field(
        # One in ten: twice what the built-in objective for workflows, 95 %, allows for over its period.
        default=0.10,
        gt=0,
        lt=1,
        description="A larger share of failed runs is too large. Runs that were cancelled or skipped do not count.",
    )
    # No number fits every workflow: a start, to be set by what yours take.
    slow: Duration = Field(default="15m", description="One run in twenty may take longer than this.")
    approval_wait: Duration = Field(default="4h", description="Half a working day: an approval may wait that long.")
    stuck: Duration = Field(default="2h", description="Runs may be active that long without one that ends.")


class AgentAlerts(Windowed):
    """Thresholds of the alerts on agent runs. No number fits every agent: these are a start."""

    told_apart: ClassVar[Mapping[str, str]] = {"slow": "30m"}
    failure_rate: float = Field(default=0.20, gt=0, lt=1, description="A larger share of failed runs is too large.")
    retries: float = Field(
        default=1.0, gt=0, le=100, description="More retries a run than this, on average, are too many."
    )
    errors: int = Field(
        default=10, ge=1, le=MOST_EVENTS, description="More errors of one kind in the window are too many."
    )
    slow: Duration = Field(default="5m", description="One run in twenty may take longer than this.")


class SystemAlerts(Windowed):
    """Thresholds of the alerts on applications: their entry, their database, their process."""

    # The conventions' buckets of requests and of database operations end at 10 s.
    told_apart: ClassVar[Mapping[str, str]] = {
        "api_latency": "10s",
        "database_latency": "10s",
        "event_loop_lag": "2500ms",
    }
    window: Duration = Field(default="10m", description="How far back is counted, from 5m to 7d.")
    least: int = Field(
        default=20, ge=1, le=MOST_EVENTS, description="With fewer events than this in the window no share is judged."
    )
    # A second is where a person's flow of thought breaks (Nielsen, Usability Engineering, 1993, chapter 5).
    api_latency: Duration = Field(default="1s", description="One request in twenty may take longer than this.")
    api_errors: float = Field(default=0.05, gt=0, lt=1, description="A larger share of answers 5xx is too large.")
    database_latency: Duration = Field(
        default="500ms", description="One database operation in twenty may take longer than this."
    )
    memory: Size = Field(default="1GiB", description="An application's process may use that much memory.")
    container_memory: float = Field(
        default=0.90, gt=0, lt=1, description="A container that uses a larger share of its limit will soon be ended."
    )
    # asyncio's own debug mode calls a callback slow from 100 ms on (loop.slow_callback_duration).
    event_loop_lag: Duration = Field(
        default="100ms", description="One turn of an event loop in a hundred may come later than this."
    )


class CostAlerts(Model):
    """Thresholds of the alerts on cost, in US dollars."""

    spike: float = Field(
        default=3.0, gt=1, le=1000, description="So many times what the same hours cost over the day before is a spike."
    )
    spike_least: float = Field(
        default=5.0, gt=0, le=MOST_DOLLARS, description="A spike below this many dollars is none."
    )
    daily_budget: float = Field(
        default=50.0, gt=0, le=MOST_DOLLARS, description="Dollars that a day may cost, all workflows together."
    )


class DeploymentAlerts(Windowed):
    """Thresholds of the alerts on deployments."""

    told_apart: ClassVar[Mapping[str, str]] = {"slow": "2h"}
    window: Duration = Field(default="6h", description="How far back is counted, from 5m to 7d.")
    least: int = Field(
        default=3,
        ge=1,
        le=MOST_EVENTS,
        description="With fewer deployments in the window their duration is not judged.",
    )
    failures: int = Field(
        default=2,
        ge=1,
        le=MOST_EVENTS,
        description="So many failures in the window, and no success, are more than bad luck.",
    )
    slow: Duration = Field(default="10m", description="Half of the deployments may take longer than this, not more.")
    stuck: Duration = Field(default="30m", description="A deployment may be in progress that long.")


class RunnerAlerts(Model):
    """Thresholds of the alerts on runner hosts."""

    offline_for: Duration = Field(default="5m", description="A runner may be offline, or its service down, that long.")
    queue_wait: Duration = Field(default="10m", description="A job may wait that long for a runner.")
    disk_free: float = Field(
        default=0.10, gt=0, lt=1, description="A runner's folder with a smaller share of free space is too full."
    )
    # GitHub refuses a sign-in whose time is minutes off; NTP keeps a host within milliseconds.
    clock_offset: Duration = Field(default="30s", description="A host's clock may differ from GitHub's by that much.")
    failed_jobs: int = Field(
        default=3,
        ge=1,
        le=MOST_EVENTS,
        description="So many failed jobs within an hour, and none that succeeded, point to the host.",
    )
    version_days: int = Field(
        # GitHub stops serving a version 30 days after the next release; a week leaves room for one planned update.
        default=7,
        ge=1,
        le=30,
        description="With fewer days until GitHub refuses the runner's version an update is due.",
    )
    # NIST SP 800-63B no longer asks for it of passwords, but a leaked key stays useful until it is changed.
    secret_age: Duration = Field(default="90d", description="An Actions secret that is older has expired.")
    secret_warning: Duration = Field(default="14d", description="So long before that its rotation is asked for.")
    token_warning: Duration = Field(default="14d", description="So long before the GitHub token ends it is told.")
    unreachable_for: Duration = Field(default="10m", description="GitHub may fail to answer that long.")
    rate_limit: float = Field(
        default=0.10, gt=0, lt=1, description="A smaller share of GitHub's rate limit left is too little."
    )

    def misfits(self) -> Iterator[Misfit]:
        """A warning that comes before the secret was set."""
        if duration_seconds(self.secret_warning) >= duration_seconds(self.secret_age):
            yield Misfit(
                keys=(("secret_warning",), ("secret_age",)),
                problem=f"secret_warning {self.secret_warning} is not shorter than secret_age {self.secret_age}",
                expected="a warning within the secret's age",
            )


class MonitorAlerts(Windowed):
    """Thresholds of the alerts on the run monitor."""

    told_apart: ClassVar[Mapping[str, str]] = {"detection": "60s"}
    window: Duration = Field(default="15m", description="How far back is counted, from 5m to 7d.")
    least: int = Field(
        default=10,
        ge=1,
        le=MOST_EVENTS,
        description="With fewer changes of runs in the window their lateness is not judged.",
    )
    not_polling: Duration = Field(default="2m", description="A source may go unread that long.")
    source_down_for: Duration = Field(default="2m", description="A source may fail to answer that long.")
    # A lease is taken over within seconds.
    no_leader_for: Duration = Field(default="1m", description="Monitors may be without a leader that long.")
    # Half of the ten seconds within which the end of a run is to be seen.
    detection: Duration = Field(default="5s", description="One change in twenty may be seen later than this.")
    stalls: int = Field(
        default=5, ge=1, le=MOST_EVENTS, description="So many stalls of one kind of run in the window are no accident."
    )
    handler_failures: int = Field(
        default=5,
        ge=1,
        le=MOST_EVENTS,
        description="So many failed deliveries of a handler in the window are too many.",
    )
    queue: int = Field(default=100, ge=1, le=MOST_EVENTS, description="So many deliveries may wait for a handler.")
    queue_for: Duration = Field(default="10m", description="More than that may wait that long.")


class Alerts(Model):
    """Thresholds of all alerts: those on the stack itself, and a section for each subject beside it."""

    runbooks: ServerUrl = Field(default=RUNBOOKS, description="Where the runbooks are read: <this>/<alert>.md.")
    target_down_for: Duration = Field(default="1m", description="A scrape target may be down that long.")
    disk_free: float = Field(
        default=0.10, gt=0, lt=1, description="A file system with a smaller share of free space is filling up."
    )
    disk_full_within: Duration = Field(
        default="4h", description="A file system that would be full sooner, as it has been growing, is filling up."
    )
    series: int = Field(
        default=100_000,
        ge=1,
        # They would take Prometheus 100 GiB.
        le=100_000_000,
        description="More series than this at a time are too many: each 100,000 take Prometheus some 100 MiB.",
    )
    ingestion_stopped_for: Duration = Field(
        default="2m", description="Prometheus and Loki may be without new samples and lines that long."
    )
    queue_full: float = Field(
        default=0.80,
        gt=0,
        lt=1,
        description="A Collector's queue that is fuller than this share will soon lose signals.",
    )
    store_errors: float = Field(
        default=0.05, gt=0, lt=1, description="A larger share of requests that Loki or Tempo fail is too large."
    )
    workflows: WorkflowAlerts = WorkflowAlerts()
    agents: AgentAlerts = AgentAlerts()
    system: SystemAlerts = SystemAlerts()
    cost: CostAlerts = CostAlerts()
    deployments: DeploymentAlerts = DeploymentAlerts()
    runners: RunnerAlerts = RunnerAlerts()
    monitor: MonitorAlerts = MonitorAlerts()
