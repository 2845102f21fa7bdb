"""What may be declared of service level objectives: which share of events must be good, and how that is judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from pointsman.spec.base import Misfit, Model
from pointsman.spec.scalars import Duration, duration_seconds

DAY = 86_400  # seconds
Mode = Literal["standard", "low_volume"]
Told = Literal["page", "ticket", "forecast"]
FASTEST_BURN: dict[Mode, float] = {"standard": 0.02 * 24, "low_volume": 0.20}
"""The share of the error budget that the fastest page asks to be burnt, by day: times the window's days it is a burn
rate. The windows themselves are in signals/burn_rates.py; a test holds the two together."""
DURATION_BOUNDS = (60, 120, 300, 600, 900, 1800, 3600, 7200)
"""Seconds at which the histograms of runs and deployments have a bucket: nothing is known of what lies between."""


class SLO(Model):
    """One objective. What counts as an event, and as a bad one, is in docs/reference/slos.md."""

    enabled: bool = Field(default=True, description="false leaves its rules and alerts out.")
    objective: float = Field(default=0.99, ge=0.5, lt=1, description="The share of events that must be good.")
    window: Duration = Field(
        default="30d", description="The period that the error budget is for: whole days, 28d to 90d."
    )
    mode: Mode = Field(
        default="standard",
        description="standard: burn rates over minutes to days, for events that come all the time; low_volume: counts "
        "over days, for some tens of events a day.",
    )
    minimum_events: int = Field(
        default=100, ge=1, description="With fewer events in a window, their share of bad ones raises no alert."
    )
    alerts: list[Told] = Field(
        default=["page", "ticket", "forecast"],
        description="page: critical, the budget burns fast; ticket: warning, it burns slowly; forecast: info, it will "
        "be used up soon. That it cannot be judged is always told.",
    )
    exhausted_within: Duration = Field(
        default="3d", description="The forecast tells of a budget that will be used up sooner."
    )
    rationale: str = Field(min_length=1, max_length=400, description="Why this objective: it stands in the alerts.")

    def misfits(self) -> Iterator[Misfit]:
        """A period that cannot be judged; an objective so low that no burning of it could page."""
        seconds = duration_seconds(self.window)
        if seconds % DAY or not 28 * DAY <= seconds <= 90 * DAY:
            yield Misfit(
                keys=(("window",),),
                problem=f"window {self.window} does not fit the burn rates, which are for a month or a quarter",
                expected="whole days, 28d to 90d",
            )
        fastest = FASTEST_BURN[self.mode] * seconds / DAY
        if "page" in self.alerts and fastest * (1 - self.objective) >= 1:
            yield Misfit(
                keys=(("objective",), ("mode",), ("window",), ("alerts",)),
                problem=f"objective {self.objective:g} can never page: {fastest:g} times its error budget is more than "
                "all events",
                expected=f"an objective above {1 - 1 / fastest:.3f}, or alerts without page",
            )


class Timed(SLO):
    """An objective on how long something takes."""

    within: Duration = Field(
        default="30m", description="What takes longer is not good: 1m, 2m, 5m, 10m, 15m, 30m, 1h or 2h."
    )

    def misfits(self) -> Iterator[Misfit]:
        """A time between two buckets of the histogram."""
        yield from super().misfits()
        if duration_seconds(self.within) not in DURATION_BOUNDS:
            yield Misfit(
                keys=(("within",),),
                problem=f"within {self.within} is no bound of the duration's histogram",
                expected="1m, 2m, 5m, 10m, 15m, 30m, 1h or 2h",
            )


class WorkflowSuccess(SLO):
    """Workflow runs that succeed."""

    objective: float = Field(default=0.95, ge=0.5, lt=1, description="The share of runs that must succeed.")
    mode: Mode = Field(default="low_volume", description="As that of every SLO; runs come by tens a day.")
    minimum_events: int = Field(default=10, ge=1, description="With fewer runs in a window, no share is judged.")
    rationale: str = Field(
        default="One run in twenty fails for what it works on; with more, people start runs twice to be sure.",
        min_length=1,
        max_length=400,
        description="Why this objective: it stands in the alerts.",
    )


class WorkflowLatency(Timed):
    """Workflow runs that succeed in time."""

    objective: float = Field(default=0.95, ge=0.5, lt=1, description="The share of good runs that must be in time.")
    mode: Mode = Field(default="low_volume", description="As that of every SLO; runs come by tens a day.")
    minimum_events: int = Field(default=10, ge=1, description="With fewer runs in a window, no share is judged.")
    rationale: str = Field(
        default="Whoever waits for a run waits half an hour at most before turning to something else.",
        min_length=1,
        max_length=400,
        description="Why this objective: it stands in the alerts.",
    )


class AgentSuccess(SLO):
    """Agent runs that succeed."""

    objective: float = Field(default=0.90, ge=0.5, lt=1, description="The share of runs that must succeed.")
    mode: Mode = Field(default="low_volume", description="As that of every SLO; runs come by tens a day.")
    minimum_events: int = Field(default=10, ge=1, description="With fewer runs in a window, no share is judged.")
    rationale: str = Field(
        default="Agents try again, which a workflow outlives; beyond one in ten the retries cost more than the work.",
        min_length=1,
        max_length=400,
        description="Why this objective: it stands in the alerts.",
    )


class ApiAvailability(SLO):
    """HTTP requests that the server does not fail."""

    objective: float = Field(default=0.995, ge=0.5, lt=1, description="The share of requests without a 5xx answer.")
    rationale: str = Field(
        default="Clients repeat a failed request once: at one in 200, one in 40,000 fails twice and is noticed.",
        min_length=1,
        max_length=400,
        description="Why this objective: it stands in the alerts.",
    )


class DeploymentSuccess(Timed):
    """Deployments that succeed in time."""

    objective: float = Field(default=0.90, ge=0.5, lt=1, description="The share that must succeed in time.")
    mode: Mode = Field(default="low_volume", description="As that of every SLO; deployments come by tens a day.")
    minimum_events: int = Field(default=10, ge=1, description="With fewer deployments in a window, no share is judged.")
    within: Duration = Field(
        default="10m", description="What takes longer is not good: 1m, 2m, 5m, 10m, 15m, 30m, 1h or 2h."
    )
    rationale: str = Field(
        default="A fix must be out within ten minutes, and a team that cannot count on that deploys less and larger.",
        min_length=1,
        max_length=400,
        description="Why this objective: it stands in the alerts.",
    )


class RunnerAvailability(SLO):
    """Minutes in which a runner is online."""

    objective: float = Field(default=0.99, ge=0.5, lt=1, description="The share of runners' minutes online.")
    minimum_events: int = Field(
        default=30, ge=1, description="With fewer runners' minutes in a window, no share is judged."
    )
    rationale: str = Field(
        default="Seven hours a month cover restarts and upgrades of a runner; jobs move to another one meanwhile.",
        min_length=1,
        max_length=400,
        description="Why this objective: it stands in the alerts.",
    )


class SLOs(Model):
    """The objectives, by name: what is left out has its default, key by key."""

    workflow_success: WorkflowSuccess = WorkflowSuccess()
    workflow_latency: WorkflowLatency = WorkflowLatency()
    agent_success: AgentSuccess = AgentSuccess()
    api_availability: ApiAvailability = ApiAvailability()
    deployment_success: DeploymentSuccess = DeploymentSuccess()
    runner_availability: RunnerAvailability = RunnerAvailability()
