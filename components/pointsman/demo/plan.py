"""What the demo does, decided before it begins: a seed and a number of runs make the same plan everywhere."""

from __future__ import annotations

import random
from dataclasses import dataclass

from pointsman.spec.telemetry import ModelPrice, Prices
from pointsman.telemetry.names import DeploymentResult, Status

WORKFLOWS = ("build", "deploy", "nightly-report")
TRIGGERS = ("push", "schedule", "manual")
AGENTS = (("planner", "plan"), ("coder", "write"), ("reviewer", "review"))
ERRORS = ("RateLimitError", "ToolError", "ContextLengthError")
PROVIDER = "demo"
MODELS = {"demo-small": ModelPrice(input=0.15, output=0.6), "demo-large": ModelPrice(input=3.0, output=15.0)}
SERVICES = ("api", "web")
ENVIRONMENTS = ("staging", "production")
# Most runs end well, as in life; each status is there all the same, by the first runs of every plan.
STATUSES = tuple(Status)
WEIGHTS = (84, 6, 3, 3, 2, 2)
HELD_SECONDS = 600.0


@dataclass(frozen=True)
class Call:
    """One model call."""

    model: str
    input: int
    output: int
    seconds: float


@dataclass(frozen=True)
class Step:
    """One agent run; `error` is the type of what it fails with, empty where it does not."""

    agent: str
    action: str
    status: Status
    seconds: float
    retries: int
    error: str
    call: Call


@dataclass(frozen=True)
class Deployment:
    """A deployment at the end of a run."""

    environment: str
    service: str
    result: DeploymentResult
    seconds: float


@dataclass(frozen=True)
class Run:
    """One workflow run; `approval` is its wait in seconds, 0 for none."""

    number: int
    workflow: str
    trigger: str
    status: Status
    seconds: float
    steps: tuple[Step, ...]
    approval: float
    deployment: Deployment | None


@dataclass(frozen=True)
class Request:
    """An HTTP request that each run makes of the demo's own server, and the route and status of its answer."""

    method: str
    path: str
    route: str
    status: int


REQUESTS = (
    Request("GET", "/orders/{number}", "/orders/{id}", 200),
    Request("POST", "/orders", "/orders", 201),
    Request("GET", "/report", "/report", 200),
    Request("GET", "/broken", "/broken", 500),
)


def plan(seed: int, count: int) -> tuple[Run, ...]:
    """The runs, at least one for each status: `count` is raised to that."""
    chance = random.Random(seed)
    statuses = [*STATUSES, *chance.choices(STATUSES, WEIGHTS, k=max(0, count - len(STATUSES)))]
    return tuple(_run(chance, number, status) for number, status in enumerate(statuses))


def prices(declared: Prices) -> Prices:
    """The spec's prices, and those of the demo's models."""
    return Prices(execution_minute=declared.execution_minute, models=MODELS | declared.models)


def _run(chance: random.Random, number: int, status: Status) -> Run:
    # The failing run that the demo points at is a deployment, so that all that can go wrong is to be seen on it.
    workflow = "deploy" if status in (Status.SUCCESS, Status.FAILURE) and number < 2 else chance.choice(WORKFLOWS)
    steps = () if status is Status.SKIP else _steps(chance, status)
    approval = round(chance.uniform(30, 1200), 1) if workflow == "deploy" and steps else 0.0
    deployment = _deployment(chance, status) if workflow == "deploy" and steps else None
    seconds = sum(step.seconds for step in steps) + approval + (deployment.seconds if deployment else 0.0)
    trigger = chance.choice(TRIGGERS)
    return Run(number, workflow, trigger, status, round(seconds + 0.5, 3), steps, approval, deployment)


def _steps(chance: random.Random, status: Status) -> tuple[Step, ...]:
    """Every agent runs; the last one ends as the workflow does."""
    ends = [Status.SUCCESS] * (len(AGENTS) - 1) + [status]
    return tuple(_step(chance, *agent, end) for agent, end in zip(AGENTS, ends, strict=True))


def _step(chance: random.Random, agent: str, action: str, status: Status) -> Step:
    failing = status in (Status.FAILURE, Status.ERROR, Status.TIMEOUT)
    error = ("TimeoutError" if status is Status.TIMEOUT else chance.choice(ERRORS)) if failing else ""
    model = chance.choice(tuple(MODELS))
    call = Call(model, chance.randint(500, 8000), chance.randint(50, 1500), round(chance.uniform(0.4, 8.0), 3))
    seconds = round(call.seconds + chance.uniform(0.5, 20.0), 3)
    return Step(agent, action, status, seconds, chance.choice((0, 0, 0, 1, 2)), error, call)


def _deployment(chance: random.Random, status: Status) -> Deployment:
    results = {Status.SUCCESS: DeploymentResult.SUCCESS, Status.CANCELLATION: DeploymentResult.CANCELLED}
    result = results.get(status, DeploymentResult.FAILURE)
    where, what = chance.choice(ENVIRONMENTS), chance.choice(SERVICES)
    return Deployment(where, what, result, round(chance.uniform(60, 540), 1))
