"""Dashboards for the tests: those of a spec that says nothing, and one that tests may spoil."""

from __future__ import annotations

import copy
import json
from typing import Any

from pointsman.signals.dashboards import boards, files
from pointsman.signals.dashboards.model import Board, Limits, Link, Panel, Query, Variable
from pointsman.signals.dashboards.render import rendered
from pointsman.signals.dashboards.thresholds import thresholds
from pointsman.spec.models import Environment

BOARDS = boards(thresholds(Environment()))
TEXTS = {files.name(board): rendered(board) for board in BOARDS}
DASHBOARDS: dict[str, dict[str, Any]] = {board.uid: json.loads(TEXTS[files.name(board)]) for board in BOARDS}
ABOUT = "How many runs there were. Good: some, every day."
SMALL = Board(
    "small",
    "Small",
    "For tests.",
    (
        Panel(
            "Runs",
            "timeseries",
            "short",
            ABOUT,
            (Query('sum by (workflow_status) (rate(workflow_runs_total{workflow_name=~"$workflow"}[5m]))', "runs"),),
            Link("Runbook: X", "https://example.org/X.md"),
            Limits(1, 2),
        ),
    ),
    (Variable("workflow", "Workflow", "workflow_runs_total", "workflow_name"),),
)
SMALL_TEXT = rendered(SMALL)


def small() -> dict[str, Any]:
    """A dashboard without a fault, anew each time."""
    return copy.deepcopy(json.loads(SMALL_TEXT))
