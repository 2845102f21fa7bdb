"""Builds the Python language host: our package, its locked requirements, and the SDK's helper scripts."""

from __future__ import annotations

import compileall
import importlib.util
import json
import platform
import shlex
import shutil
import sys
from pathlib import Path

from pointsman.builds import Build, BuildError, Workspace, fingerprint, hash_tree
from pointsman.builds.golang import go_environment, require_go
from pointsman.builds.model import CACHES
from pointsman.errors import UnreachableError
from pointsman.toolchain.pins import Pins

NAME = "toolchain/language-host"
PACKAGE = "pointsman_language_host"
_SDK = "github.com/pulumi/pulumi/sdk/v3"
_HELPERS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")

# -I -S: neither the user's settings nor the machine's packages decide what the host imports.
_LAUNCHER = """\
#!/bin/sh
exec {python} -I -S "$(dirname "$(readlink -f "$0")")/launch.py" "$@"
"""
_LAUNCH = f'''\
"""Starts the language host from the packages beside this file, wherever they are."""

import sys
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here / "site"))
sys.argv[1:1] = ["--use-executor", str(here / "pulumi-language-python-exec")]

from {PACKAGE}.__main__ import main

sys.exit(main())
'''


def language_host(recipes: Path, pins: Pins) -> Build:
    """The Build: `pulumi-language-python` and its helpers, run by the Python that runs this."""
    folder = recipes / "language-host"
    sdk_module = recipes / "docker-plugin"
    recipe = fingerprint(
        hash_tree(folder / PACKAGE),
        hash_tree(folder / "requirements.lock"),
        (sdk_module / "go.mod").read_text(encoding="utf-8"),
        _LAUNCHER,
        _LAUNCH,
        str(interpreter()),
        platform.python_version(),
        platform.machine(),
    )
    return Build(
        name=NAME,
        version=pins.language_host.version,
        recipe=recipe,
        seconds=pins.language_host.seconds,
        scratch_bytes=pins.language_host.scratch_bytes,
        make=lambda workspace: _make(folder, sdk_module, pins.pulumi.version, workspace),
        require=lambda: _require(sdk_module),
    )


def interpreter() -> Path:
    """The Python behind the running one: where a virtual environment is deleted, what it was made of stays."""
    return Path(sys.executable).resolve()


def _require(sdk_module: Path) -> None:
    require_go(sdk_module / "go.mod", NAME)
    if importlib.util.find_spec("pip") is None and importlib.util.find_spec("ensurepip") is None:
        raise UnreachableError(
            f"{NAME} is installed with pip, which {sys.executable} has not, and it cannot make itself one",
            remedy="apt-get install python3-venv (Debian), or run `uv pip install pip` in this virtual environment",
        )


def _make(folder: Path, sdk_module: Path, sdk_version: str, workspace: Workspace) -> None:
    site = workspace.out / "site"
    workspace.report("installing packages", 0.1)
    lock = folder / "requirements.lock"
    # --no-deps: the lock is complete, nothing else may come in.
    workspace.run(
        [*_pip(workspace), "install", "--require-hashes", "--no-deps", "--target", site, "-r", lock],
        env={"PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    shutil.copytree(folder / PACKAGE, site / PACKAGE, ignore=shutil.ignore_patterns(*CACHES))
    compileall.compile_dir(site / PACKAGE, quiet=2)
    workspace.report("fetching the SDK's helper scripts", 0.6)
    for helper in _sdk_helpers(sdk_module, sdk_version, workspace):
        target = workspace.out / helper.name
        shutil.copyfile(helper, target)
        target.chmod(0o755)
    (workspace.out / "launch.py").write_text(_LAUNCH, encoding="utf-8")
    launcher = workspace.out / "pulumi-language-python"
    launcher.write_text(_LAUNCHER.format(python=shlex.quote(str(interpreter()))), encoding="utf-8")
    launcher.chmod(0o755)
    workspace.report("trying it", 0.9)
    workspace.run([launcher, "--help"])


def _pip(workspace: Workspace) -> list[str]:
    """The running Python's pip, or that of a throwaway virtual environment when it has none."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    environment = workspace.scratch / "venv"
    workspace.run([sys.executable, "-m", "venv", environment])
    return [str(environment / "bin" / "python"), "-m", "pip"]


def _sdk_helpers(sdk_module: Path, version: str, workspace: Workspace) -> list[Path]:
    """The helper scripts in the SDK's Go module, which is downloaded and checked by the plugin's go.sum."""
    source, temporary = workspace.scratch / "source", workspace.scratch / "tmp"
    source.mkdir()
    temporary.mkdir()
    for name in ("go.mod", "go.sum"):
        shutil.copyfile(sdk_module / name, source / name)
    env = go_environment(workspace.shared, temporary)
    module = json.loads(workspace.run(["go", "mod", "download", "-json", _SDK], cwd=source, env=env))
    if module["Version"] != f"v{version}":
        raise BuildError(
            f"{sdk_module / 'go.mod'} requires {_SDK} {module['Version']}, toolchain.yaml pins pulumi {version}",
            remedy="pin the same version in both",
        )
    return [Path(module["Dir"]) / helper for helper in _HELPERS]
