"""What stands beside the alerts in the clone: promtool's cases and the runbooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from pointsman.errors import UsageError

CASES = "tests/deployed/signals/alert_rules"
RUNBOOKS = "runbooks"


def cases(checkout: Path) -> list[dict[str, Any]]:
    """Every test of every file of promtool's cases; raises UsageError for a file that is not one."""
    found: list[dict[str, Any]] = []
    for path in sorted((checkout / CASES).glob("*.yml")):
        try:
            found += yaml.safe_load(path.read_text())["tests"]
        except (yaml.YAMLError, KeyError, TypeError) as error:
            raise UsageError(
                f"{CASES}/{path.name}: {error}",
                remedy="write it as `promtool test rules` wants it, with a list `tests`",
            ) from error
    return found


def pages(checkout: Path) -> dict[str, str]:
    """The text of every runbook, by its name without `.md`."""
    return {path.stem: path.read_text() for path in sorted((checkout / RUNBOOKS).glob("*.md"))}
