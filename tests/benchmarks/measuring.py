"""How figures are taken and printed: minimum, median and maximum of some runs, in seconds."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.deployed.estate import Estate

EMPTY = "empty"


def timed(call: Callable[[], object]) -> float:
    """Wall seconds of a call."""
    started = time.monotonic()
    call()
    return time.monotonic() - started


def show(what: str, values: list[float]) -> None:
    """One row of figures."""
    print(f"    {what:<44} min {min(values):6.2f}  median {statistics.median(values):6.2f}  max {max(values):6.2f}")


@dataclass(frozen=True)
class Pulumi:
    """The engine's command line with the variables that it needs: a user's shell after `eval "$(pointsman env)"`."""

    variables: dict[str, str]

    def run(self, root: Path, *arguments: str) -> float:
        """Wall seconds of a command that must succeed."""
        program = shutil.which("pulumi", path=self.variables["PATH"]) or "pulumi"
        return timed(
            lambda: subprocess.run(
                [program, *arguments], cwd=root, env=self.variables, check=True, capture_output=True, text=True
            )
        )

    def up(self, root: Path, stack: str, *arguments: str) -> float:
        """Wall seconds of a plain `pulumi up`."""
        return self.run(root, "up", "--yes", "--skip-preview", "--non-interactive", "--stack", stack, *arguments)


def empty_project(estate: Estate, pulumi: Pulumi) -> Path:
    """A project beside the clone whose program makes nothing, under the same engine and language host."""
    root = estate.clone.root.with_name(f"{estate.clone.root.name}-empty")
    root.mkdir()
    runtime = {"name": "python", "options": {"virtualenv": str(estate.clone.root / ".venv")}}
    (root / "Pulumi.yaml").write_text(json.dumps({"name": EMPTY, "runtime": runtime}))
    (root / "__main__.py").write_text("import pulumi\n")
    pulumi.run(root, "stack", "init", EMPTY)
    return root
