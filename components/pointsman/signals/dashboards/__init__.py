"""The dashboards of the folder CommandCenter, one module each."""

from __future__ import annotations

from pointsman.signals.dashboards import (
    agent_performance,
    cost_tracking,
    deployment_pipeline,
    run_monitor,
    runner_fleet,
    slo_overview,
    stack_health,
    system_health,
    workflow_overview,
)
from pointsman.signals.dashboards.model import Board
from pointsman.signals.dashboards.thresholds import Thresholds

FOLDER = "CommandCenter"
_MODULES = (
    workflow_overview,
    agent_performance,
    system_health,
    cost_tracking,
    deployment_pipeline,
    run_monitor,
    runner_fleet,
    stack_health,
    slo_overview,
)


def boards(limits: Thresholds) -> tuple[Board, ...]:
    """All dashboards, in the order in which they are listed."""
    return tuple(module.board(limits) for module in _MODULES)
