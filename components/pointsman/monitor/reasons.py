"""Why an event is told, in a sentence for people."""

from __future__ import annotations

from pointsman.monitor.events import Stall
from pointsman.monitor.limits import Bounds, span
from pointsman.runs.model import Run, RunState


def stalled(run: Run, stall: Stall, limits: Bounds) -> str:
    """Which limit a run passed."""
    if stall is Stall.QUEUED:
        return f"queued for {span(limits.queued)}"
    if stall is Stall.APPROVAL:
        return f"waiting for approval for {span(limits.approval)}"
    if stall is Stall.RUNNING:
        return f"running for {span(limits.running)}, which is {limits.running_why}"
    ended = run.total_steps and run.done_steps + run.failed_steps == run.total_steps
    silent = f"no heartbeat and no change of a step for {span(limits.silent)}"
    return f"{silent}, though all its steps have ended" if ended else silent


def ended(run: Run) -> str:
    """How a run ended, with its error, and with what its row lacks."""
    lacking = missing(run)
    return f"it is {run.state}" + (f": {run.error}" if run.error else "") + (f" ({lacking})" if lacking else "")


def missing(run: Run) -> str:
    """What the row of an end lacks to be whole; empty where it lacks nothing."""
    if run.state is RunState.COMPLETED and run.done_steps + run.failed_steps < run.total_steps:
        return f"{run.done_steps} of {run.total_steps} steps are done"
    return "" if run.finished_at else "without a finishing time"


def words(state: RunState) -> str:
    """A state as it is written in a sentence."""
    return state.replace("_", " ")
