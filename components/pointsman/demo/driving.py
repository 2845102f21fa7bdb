"""Drives a plan through the telemetry SDK: runs of minutes are told as such, and made in a moment."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pointsman.demo import tally
from pointsman.demo.plan import HELD_SECONDS, PROVIDER, WORKFLOWS, Run, Step
from pointsman.demo.shop import Shop
from pointsman.telemetry import Telemetry
from pointsman.telemetry.names import FAULTS, Status
from pointsman.telemetry.operation import Operation
from pointsman.telemetry.runs import Workflow

_log = logging.getLogger("pointsman.demo")
SECOND = 1_000_000_000
# A demo may wait longer than an application: what was not sent would be missed.
SENDING_SECONDS = 10.0


class Clock:
    """Real time, or a time that is set: a run of ten minutes ends now, and began ten minutes ago."""

    def __init__(self, real: Callable[[], int]) -> None:
        self._real = real
        self._at: int | None = None

    def __call__(self) -> int:
        """Nanoseconds since 1970."""
        return self._real() if self._at is None else self._at

    def begin(self, seconds: float) -> None:
        """Goes back so many seconds, and stands."""
        self._at = self._real() - round(seconds * SECOND)

    def forward(self, seconds: float) -> None:
        """Goes on so many seconds from where it stands."""
        self._at = self() + round(seconds * SECOND)

    def stand(self, at: int) -> None:
        """Stands at a time."""
        self._at = at

    def release(self) -> None:
        """Real time again."""
        self._at = None


@dataclass(frozen=True)
class Driven:
    """What was driven: the runs, and the trace of the first that failed."""

    runs: int
    failing_trace: str


async def drive(telemetry: Telemetry, clock: Clock, runs: Sequence[Run], rate: float) -> Driven:
    """Drives the runs, `rate` a second, while a few others are held open; ends those at the end.

    Nothing is driven where nobody takes even the beginning.
    """
    if not prime(telemetry, tally.expected(runs, telemetry.prices)):
        return Driven(0, "")
    shop, held = Shop(telemetry), _Held(telemetry, clock)
    loop, failing = asyncio.get_running_loop(), ""
    began = loop.time()
    try:
        for done, run in enumerate(runs):
            await asyncio.sleep(max(0.0, began + done / rate - loop.time()))
            trace = _run(telemetry, clock, run)
            failing = failing or (trace if run.status is Status.FAILURE else "")
            await shop.visit(run.number)
        # Where the last run was due to end: a short demo still lets the open ones be seen.
        await asyncio.sleep(max(0.0, began + len(runs) / rate - loop.time()))
        telemetry.flush(SENDING_SECONDS)
    finally:
        held.end()
        await shop.close()
    return Driven(len(runs), failing)


def prime(telemetry: Telemetry, points: Sequence[tally.Point]) -> bool:
    """Sends every counter at zero: Prometheus' increase() counts from the first value that it has.

    Returns whether that was taken.
    """
    counters = telemetry.instruments.counters()
    for point in points:
        if point.metric.kind == "counter":
            counters[point.metric.name].add(0, dict(point.attributes))
    return telemetry.flush(SENDING_SECONDS) and not any(telemetry.dropped.values())


def _run(telemetry: Telemetry, clock: Clock, run: Run) -> str:
    """One run; returns its trace id."""
    clock.begin(run.seconds)
    workflow = telemetry.workflow(run.workflow, trigger=run.trigger, run_id=f"demo-{run.number}")
    trace = ""
    try:
        with workflow:
            trace = workflow.trace_id
            workflow.finish(run.status)
            left = run.seconds - _inside(telemetry, clock, workflow, run)
            clock.forward(left)
    finally:
        clock.release()
    return trace


def _inside(telemetry: Telemetry, clock: Clock, workflow: Workflow, run: Run) -> float:
    """What happens in a run; returns the seconds that it took."""
    _log.info("run %d of %s begins", run.number, run.workflow)
    for step in run.steps:
        _step(telemetry, clock, workflow, step)
    if run.approval:
        with workflow.approval():
            clock.forward(run.approval)
    if run.deployment:
        each = run.deployment
        with telemetry.deployment(each.environment, each.service, commit=f"{run.number:040x}") as deployment:
            clock.forward(each.seconds)
            deployment.finish(each.result)
    return sum(step.seconds for step in run.steps) + run.approval + (run.deployment.seconds if run.deployment else 0)


def _step(telemetry: Telemetry, clock: Clock, workflow: Workflow, step: Step) -> None:
    with workflow.agent(step.agent, action=step.action) as agent:
        with telemetry.model_call(step.call.model, provider=PROVIDER) as call:
            clock.forward(step.call.seconds)
            call.tokens(input=step.call.input, output=step.call.output)
        for _ in range(step.retries):
            agent.retry()
            _log.warning("%s tries again", step.agent)
        clock.forward(step.seconds - step.call.seconds)
        agent.finish(step.status, error_type=step.error)
        if step.status in FAULTS:
            _log.error("%s failed: %s", step.agent, step.error)


class _Held:
    """Runs that stay open: one of each workflow, an approval that is waited for, a deployment in progress.

    Each in a context of its own, or all that follows would be part of its trace.
    """

    def __init__(self, telemetry: Telemetry, clock: Clock) -> None:
        self._clock = clock
        self._open: list[tuple[contextvars.Context, Operation, int]] = []
        for name in WORKFLOWS:
            workflow = telemetry.workflow(name, trigger=tally.HELD_TRIGGER)
            self._begin(workflow)
            if name == "deploy":
                self._begin(workflow.approval())
        self._begin(telemetry.deployment(*tally.HELD_DEPLOYMENT))

    def end(self) -> None:
        """Ends them, as if they had taken ten minutes."""
        for context, operation, began in reversed(self._open):
            self._clock.stand(began + round(HELD_SECONDS * SECOND))
            context.run(operation.__exit__, None, None, None)
            self._clock.release()

    def _begin(self, operation: Operation) -> None:
        context = contextvars.copy_context()
        self._clock.begin(HELD_SECONDS)
        began = self._clock()
        context.run(operation.__enter__)
        self._clock.release()
        self._open.append((context, operation, began))
