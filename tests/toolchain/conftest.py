"""Real parts for the toolchain's tests: Pulumi's CLI, its helpers, and this checkout's language host.

They are those of the machine's toolchain; `POINTSMAN_TOOLCHAIN_BIN` names another directory that holds `pulumi`,
`pulumi-language-python-exec` and `pulumi-resource-pulumi-python`.
"""

import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

# The language host registers a bare `pulumi` module where there is none; the tests need the SDK, so it comes first.
import pulumi.runtime  # noqa: F401
import pytest

from pointsman import toolchain

HOST_SOURCE = Path(__file__).parents[2] / "toolchain" / "language-host"
sys.path.insert(0, str(HOST_SOURCE))

PARTS = ("pulumi", "pulumi-language-python-exec", "pulumi-resource-pulumi-python")
START = (
    "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); "
    "runpy.run_module('pointsman_language_host', run_name='__main__')"
)


@pytest.fixture(scope="session")
def toolchain_bin() -> Path:
    """The directory with the CLI and its helpers. Fails, never skips, when it is not there."""
    where = os.environ.get("POINTSMAN_TOOLCHAIN_BIN")
    if not where:
        found = toolchain.find()
        if found is None:
            pytest.fail("Pulumi is not on this machine yet: run `pointsman toolchain ensure`", pytrace=False)
        where = str(found.bin)
    missing = [part for part in PARTS if not os.access(Path(where) / part, os.X_OK)]
    if missing:
        pytest.fail(f"{where}: no executable {', '.join(missing)}", pytrace=False)
    return Path(where).absolute()


@pytest.fixture(scope="session")
def bin_dir(toolchain_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The CLI, and beside it (elsewhere the CLI would warn of it) a launcher for this checkout's language host."""
    target = tmp_path_factory.mktemp("bin")
    for part in PARTS:
        try:
            os.link((toolchain_bin / part).resolve(), target / part)
        except OSError:
            shutil.copy2(toolchain_bin / part, target / part)
    launcher = target / "pulumi-language-python"
    executor = '"${0%/*}/pulumi-language-python-exec"'
    launcher.write_text(
        f"#!/bin/sh\nexec '{sys.executable}' -I -c \"{START}\" '{HOST_SOURCE}' --use-executor {executor} \"$@\"\n"
    )
    launcher.chmod(0o755)
    return target


@dataclass
class Workspace:
    """A Pulumi project in a directory of its own, with its own home and state; `pulumi` runs in it."""

    root: Path
    bin_dir: Path
    env: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        (self.root / "state").mkdir(parents=True)
        (self.root / "project").mkdir()
        self.env = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")} | {
            "PATH": os.pathsep.join([str(self.bin_dir), os.environ["PATH"]]),
            "PULUMI_HOME": str(self.root / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.root / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "x",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DEBUG_COMMANDS": "true",  # makes --event-log known
        }

    @property
    def project(self) -> Path:
        """The directory of Pulumi.yaml."""
        return self.root / "project"

    @property
    def events(self) -> Path:
        """Where `up` leaves the engine's events."""
        return self.root / "events.json"

    def write(self, name: str, text: str) -> None:
        """A file of the project."""
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))

    def program(self, text: str, settings: str = "", virtualenv: str = sys.prefix) -> None:
        """A project with this program, which runs in the tests' own virtual environment, and its stack `dev`."""
        self.write(
            "Pulumi.yaml",
            f"name: trial\nruntime: {{name: python, options: {{virtualenv: {virtualenv!r}}}}}\n{settings}",
        )
        self.write("__main__.py", text)
        self.pulumi("stack", "init", "dev")

    def pulumi(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs the CLI to its end; with `check`, fails when it fails."""
        done = subprocess.run(
            ["pulumi", "--non-interactive", *args],
            cwd=self.project,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        assert not check or done.returncode == 0, done.stdout
        return done

    def up(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`pulumi up` without a preview."""
        return self.pulumi("up", "--yes", "--skip-preview", "--event-log", str(self.events), *args, check=check)

    def diagnostics(self) -> list[tuple[str, str]]:
        """Severity and text of the last `up`'s diagnostics, debug messages left out."""
        lines = [json.loads(line) for line in self.events.read_text().splitlines()]
        found = [line["diagnosticEvent"] for line in lines if "diagnosticEvent" in line]
        return [(event["severity"], event["message"]) for event in found if event["severity"] != "debug"]

    def outputs(self) -> dict[str, object]:
        """The stack's outputs."""
        found: dict[str, object] = json.loads(self.pulumi("stack", "output", "--json").stdout)
        return found


@pytest.fixture
def workspace(tmp_path: Path, bin_dir: Path) -> Workspace:
    """An empty workspace."""
    return Workspace(tmp_path / "workspace", bin_dir)


def alive(pid: int) -> bool:
    """Whether a process runs (one that only waits to be reaped does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether the condition comes true within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


@pytest.fixture
def processes(tmp_path: Path) -> Callable[[int], list[int]]:
    """Waits until so many processes have left a file named for their pid in `<tmp_path>/pids`, and gives their pids."""
    directory = tmp_path / "pids"
    directory.mkdir()

    def wait(count: int) -> list[int]:
        assert eventually(lambda: len(list(directory.iterdir())) >= count, 30), f"{count} processes did not start"
        return [int(path.name) for path in directory.iterdir()]

    return wait


@pytest.fixture
def all_gone() -> Callable[..., bool]:
    """Whether all of these processes end within the time."""
    return lambda pids, seconds=10.0: eventually(lambda: not any(map(alive, pids)), seconds)
