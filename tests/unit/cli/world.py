"""A checkout in a temporary folder, and a world around the verbs that does what it is told."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from pointsman.checks import Check, Outcome, Report
from pointsman.cli.app import app
from pointsman.deploy.events import Run
from pointsman.images.model import ImageRef, Resolution
from pointsman.logs import Line
from pointsman.status import HostRow, Row, Status
from pointsman.toolchain import Row as Part
from tests.unit.verify.doubles import declared

LAZY = ("pointsman.cli.up", "pointsman.deploy.strays", "pointsman.deploy.volumes", "pointsman.preflight")
NOWHERE = "unix:///nonexistent/docker.sock"
IMAGES = Resolution(
    {"loki": ImageRef("loki", "3.7.8", "sha256:" + "a" * 64, "pointsman/loki:3.7.8-0123456789ab", "packages", 10001)},
    "promtail",
    ["alloy: the registry does not answer; promtail from packages"],
)
GOOD = Check("prometheus is ready", Outcome.PASS, "answered 200", seconds=0.1234567)
BAD = Check("loki is ready", Outcome.FAIL, "connection refused [now]", "200", "docker logs pointsman-dev-loki")
UNKNOWN = Check("memory", Outcome.NOT_VERIFIABLE, "the engine is on another machine")
ALL_GOOD = Report((GOOD, UNKNOWN))
LINE = Line(int(datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC).timestamp() * 10**6) * 1000, "loki", 'x="[y]" ü')
ROWS = (
    Row("loki", "running", "ready", "3.7.8", "service", "pointsman/loki:3.7.8", 61.5, 0, 2**26, 2**29, "http://a:1"),
    Row("prometheus", "missing", "refused", "3.15.0", "image", "pointsman/p:1", None, 2, None, 2**29, ""),
)
HOSTS = (
    HostRow("runner-1", "running", "ready", ("deploy",), "2.336.0", True, 2**30, 2**31, 61.5, "127.0.0.1:2201"),
    HostRow("runner-2", "missing", "no such container", address="127.0.0.1:2202"),
)
PARTS = [Part("pulumi", "3.256.0", "/cache/pulumi", "ready", 1, 2.5, True), Part("engine", "", NOWHERE, "missing")]


def checkout(folder: Path, **specs: str) -> Path:
    """A checkout with these environments."""
    (folder / "stacks").mkdir(parents=True)
    (folder / "Pulumi.yaml").touch()
    for name, text in specs.items():
        (folder / f"stacks/{name}.yaml").write_text(text)
    return folder


def verbs(command: Any = None, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every verb as its words, the groups among them."""
    command = command or typer.main.get_command(app)
    below = [verbs(each, (*words, name)) for name, each in getattr(command, "commands", {}).items()]
    return [words, *(verb for each in below for verb in each)]


def run(*words: str) -> Result:
    """A verb, run to its end; whatever it did not expect is raised here."""
    result = CliRunner().invoke(app, [*words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "Traceback" not in result.output
    return result


def provide(patch: pytest.MonkeyPatch, *, report: Report = ALL_GOOD) -> None:
    """A world in which every verb finds what it needs; `report` is what preflight and verify see."""
    for module in LAZY:
        # Imported before anything is pretended: a module keeps for ever what it imports by name.
        import_module(module)
    patch.setattr("pointsman.declared.declared", lambda environment: declared())
    patch.setattr("pointsman.preflight.run", lambda environment, spec: report)
    patch.setattr("pointsman.preflight.release_dead_locks", lambda environment: [])
    patch.setattr("pointsman.status.look", lambda found: Status(ROWS, HOSTS))
    patch.setattr("pointsman.verify.run", lambda found, **options: report)
    patch.setattr("pointsman.logs.query", lambda *arguments, **options: iter((LINE,)))
    patch.setattr("pointsman.images.housekeeping.rows", lambda environment, spec: [])
    patch.setattr("pointsman.images.resolve.ensure", lambda *arguments, **options: IMAGES)
    patch.setattr("pointsman.toolchain.status", lambda: PARTS)
    patch.setattr("pointsman.toolchain.ensure", lambda progress: None)
    patch.setattr("pointsman.cli.lifecycle.installed_toolchain", lambda: object())
    patch.setattr("pointsman.deploy.variables.of", lambda toolchain: {"PULUMI_HOME": "/a b", "PATH": "/usr/bin"})
    patch.setattr("pointsman.deploy.stack.destroy", lambda *arguments: Run(changes={"delete": 20}))
    patch.setattr("pointsman.deploy.strays.remove_before", lambda estate, environment: [])
    patch.setattr("pointsman.deploy.strays.remove_after", lambda estate, environment: [])
    patch.setattr("pointsman.deploy.volumes.remove_volumes", lambda estate, environment: ["pointsman-dev-loki-data"])
