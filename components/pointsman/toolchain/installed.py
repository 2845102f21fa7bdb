"""An installed Pulumi CLI, taken only when a small program passes on it, with plugin and language host."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from pointsman.builds.model import fingerprint
from pointsman.paths import cache_dir
from pointsman.toolchain.parts import PLUGIN_BINARY, Home, home
from pointsman.toolchain.pins import Pins, numbers

PROBE_SECONDS = 60.0
# What failed once (no network to load the plugin by, an engine not yet running) is tried again after a day.
FAILURE_HOLDS_SECONDS = 86_400.0
_PROJECT = "name: pointsman-probe\nruntime: python\n"
_PROGRAM = """\
import pulumi
import pulumi_docker

provider = pulumi_docker.Provider("probe")
pulumi_docker.Network("probe", opts=pulumi.ResourceOptions(provider=provider))
"""


@dataclass(frozen=True)
class Installed:
    """A CLI on PATH and what its probe said; `reason` is empty when it passed."""

    cli: Path
    version: str
    reason: str

    @property
    def usable(self) -> bool:
        """Whether the probe passed."""
        return not self.reason

    @property
    def home(self) -> Home:
        """Its own folder of PATH, and a PULUMI_HOME of ours: the user's is not touched."""
        return Home(self.cli.parent, home(_key(self.cli)).pulumi_home)


@dataclass(frozen=True)
class _Remembered:
    version: str
    reason: str
    at: float


def find_cli(path: str | None = None) -> Path | None:
    """The `pulumi` on PATH that is not one of ours."""
    for folder in (path or os.environ.get("PATH", "")).split(os.pathsep):
        candidate = Path(folder) / "pulumi"
        ours = cache_dir() in candidate.resolve().parents or cache_dir() in candidate.absolute().parents
        if folder and candidate.is_file() and os.access(candidate, os.X_OK) and not ours:
            return candidate.absolute()
    return None


def examine(
    pins: Pins, docker_host: str, *, may_probe: bool = True, seconds: float = PROBE_SECONDS
) -> Installed | None:
    """The installed CLI, probed or as remembered from an earlier probe; None when there is none, or (with `may_probe`
    off) none that was probed.
    """
    cli = find_cli()
    if cli is None:
        return None
    memory = (
        cache_dir() / "toolchain" / "probes" / f"{_key(cli)}-{pins.pulumi.minimum}-{pins.docker_plugin.version}.json"
    )
    remembered = _recall(memory)
    if remembered:
        return Installed(cli, remembered.version, remembered.reason)
    if not may_probe:
        return None
    version, reason = _judge(cli, pins, docker_host, seconds)
    _remember(memory, _Remembered(version, reason, time.time()))
    return Installed(cli, version, reason)


def _key(cli: Path) -> str:
    stat = cli.stat()
    return fingerprint(str(cli), str(stat.st_mtime_ns), str(stat.st_size), sys.executable)


def _recall(memory: Path) -> _Remembered | None:
    try:
        remembered = _Remembered(**json.loads(memory.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    stale = remembered.reason and time.time() - remembered.at > FAILURE_HOLDS_SECONDS
    return None if stale else remembered


def _remember(memory: Path, what: _Remembered) -> None:
    memory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=memory.parent, delete=False, encoding="utf-8") as file:
        json.dump(asdict(what), file)
    Path(file.name).replace(memory)


def _judge(cli: Path, pins: Pins, docker_host: str, seconds: float) -> tuple[str, str]:
    """The CLI's version, and why it cannot be used (empty when it can)."""
    code, said = _bounded([str(cli), "version"], Path.cwd(), {"PULUMI_SKIP_UPDATE_CHECK": "true"}, 15.0)
    version = said.strip().splitlines()[-1].removeprefix("v") if said.strip() else ""
    if code != 0 or not numbers(version):
        return "", f"`{cli} version` does not tell a version"
    if numbers(version) < numbers(pins.pulumi.minimum):
        return version, f"it is {version}; {pins.pulumi.minimum} or newer is needed"
    # A CLI from a package manager may have its language host elsewhere on PATH.
    if not (cli.parent / "pulumi-language-python").exists() and shutil.which("pulumi-language-python") is None:
        return version, "there is no pulumi-language-python beside it or on PATH"
    return version, _probe(cli, pins, docker_host, seconds)


def _probe(cli: Path, pins: Pins, docker_host: str, seconds: float) -> str:
    """Preview a program with one Docker network in a throwaway backend; what failed, or nothing."""
    pulumi_home = home(_key(cli)).pulumi_home
    _borrow_plugin(pulumi_home, pins)
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="pointsman-probe-") as name:
        folder = Path(name)
        (folder / "backend").mkdir()
        (folder / "Pulumi.yaml").write_text(_PROJECT, encoding="utf-8")
        (folder / "__main__.py").write_text(_PROGRAM, encoding="utf-8")
        env = {
            "PATH": os.pathsep.join([str(cli.parent), os.environ.get("PATH", "")]),
            "PULUMI_HOME": str(pulumi_home),
            "PULUMI_BACKEND_URL": (folder / "backend").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_hex(16),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_PYTHON_CMD": sys.executable,
            "DOCKER_HOST": docker_host,
        }
        for arguments in (["stack", "init", "probe"], ["preview"]):
            command = [str(cli), *arguments, "--non-interactive"]
            code, said = _bounded(command, folder, env, until - time.monotonic())
            if code is None:
                return f"`pulumi {' '.join(arguments)}` of a small program was not done after {seconds:.0f} s"
            if code != 0:
                last = [line.strip() for line in said.splitlines() if line.strip()][-4:]
                return f"`pulumi {' '.join(arguments)}` of a small program failed: {' / '.join(last)}"
    return ""


def _borrow_plugin(pulumi_home: Path, pins: Pins) -> None:
    """Use the user's own copy of the plugin; without one the CLI loads it, where it may."""
    name = f"resource-docker-v{pins.docker_plugin.version}"
    theirs = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi") / "plugins" / name / PLUGIN_BINARY
    ours = pulumi_home / "plugins" / name / PLUGIN_BINARY
    if theirs.is_file() and not ours.exists():
        ours.parent.mkdir(parents=True, exist_ok=True)
        ours.unlink(missing_ok=True)
        ours.symlink_to(theirs)


def _bounded(command: list[str], cwd: Path, env: dict[str, str], seconds: float) -> tuple[int | None, str]:
    """Run a command for so long at most; its exit code (None when time was up) and all it said."""
    try:
        return _communicate(command, cwd, env, seconds)
    except OSError as error:
        return 127, f"{command[0]} cannot be run: {error}"


def _communicate(command: list[str], cwd: Path, env: dict[str, str], seconds: float) -> tuple[int | None, str]:
    with subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as child:
        try:
            said, _ = child.communicate(timeout=max(seconds, 0.1))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            return None, ""
    return child.returncode, said
