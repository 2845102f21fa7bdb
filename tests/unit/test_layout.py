"""The way through the house: imports go one way, and no part grows beyond what a person can read."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "components"
PACKAGE = SOURCE / "pointsman"
MODULES = sorted(PACKAGE.rglob("*.py"))
MODULE_LINES = 400
FUNCTION_LINES = 60

# What a part may import of Pointsman, itself apart; a part that is not named here may import all.
MAY_IMPORT = {
    "errors": set[str](),
    "paths": {"errors"},
    "checks": {"errors"},
    "spec": {"errors", "paths"},
    "yaml_text": set[str](),
    "signals": {"errors", "spec", "telemetry", "yaml_text"},
    "services": {"errors", "inventory", "spec", "signals", "telemetry", "yaml_text"},
    "identity": {"paths"},
    "inventory": {"errors", "paths", "spec"},
    "github": {"errors"},
    "metrics_page": {"errors"},
    "runner_exporter": {"errors", "metrics_page"},
    "github_exporter": {"errors", "github", "metrics_page"},
    "channels": {"errors", "github"},
    "notifier": {"channels", "errors", "github", "metrics_page"},
    "board": {"errors", "metrics_page"},
    "http_client": set[str](),
    "telemetry": {"errors", "spec"},
    "demo": {"errors", "runs", "spec", "telemetry"},
    "deployments": {"http_client", "metrics_page", "paths", "telemetry"},
    "builds": {"errors", "paths"},
    "runs": {"errors", "github", "spec"},
}
# Parts that people and other parts build on: none of them knows of the command line.
BELOW_THE_COMMAND_LINE = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES} - {"cli"}


def part(path: Path) -> str:
    """The folder below the package that a module lies in, or its own name."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """The full names of all modules that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides where it leads"
            assert node.module is not None
            yield from (f"{node.module}.{each.name}" for each in node.names)


def own_parts(path: Path) -> set[str]:
    """The parts of Pointsman that a module imports, its own apart."""
    names = (name.split(".") for name in imported(path))
    return {name[1] for name in names if name[0] == "pointsman" and len(name) > 1} - {part(path)}


def shown(path: Path) -> str:
    """A module for a test's name."""
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", [path for path in MODULES if part(path) in MAY_IMPORT], ids=shown)
def test_imports_go_one_way(path: Path) -> None:
    """A part knows only of those before it: a spec of no service, a service of no target."""
    assert own_parts(path) <= MAY_IMPORT[part(path)]


@pytest.mark.parametrize("path", [path for path in MODULES if part(path) in BELOW_THE_COMMAND_LINE], ids=shown)
def test_nothing_knows_of_the_command_line(path: Path) -> None:
    """The library works without it."""
    assert "cli" not in own_parts(path)


@pytest.mark.parametrize("path", [path for path in MODULES if part(path) in ("spec", "signals", "services")], ids=shown)
def test_spec_signals_and_services_are_pure(path: Path) -> None:
    """No engine, no Pulumi, no network: a unit test of them needs none."""
    roots = {name.partition(".")[0] for name in imported(path)}
    assert roots.isdisjoint({"pulumi", "pulumi_docker", "docker", "httpx", "grpc", "requests", "subprocess", "socket"})


def test_signals_and_services_do_no_io() -> None:
    """Not even files: they are made from values alone."""
    for path in MODULES:
        if part(path) in ("signals", "services"):
            assert {name.partition(".")[0] for name in imported(path)}.isdisjoint({"os", "pathlib", "shutil"}), path


def test_the_plugin_does_not_import_pulumi() -> None:
    """Its import takes longer than all that the plugin does in an `up` without changes: only the bare package is there.

    Nor are the Docker SDK, the clients of HTTP and GitHub, and Ansible: the first call that needs one imports it.
    """
    code = (
        "import sys\n"
        f"sys.path.insert(0, {str(SOURCE)!r})\n"
        "import pointsman.resources.provider.server, pointsman.resources.provider.config_volume\n"
        "import pointsman.resources.provider.readiness, pointsman.resources.provider.host_play\n"
        "import pointsman.resources.provider.runner_registration\n"
        "heavy = ('pulumi', 'docker', 'httpx', 'githubkit', 'ansible', 'ansible_runner')\n"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in heavy\n"
        "             and '.proto' not in name))\n"
        "print(hasattr(sys.modules['pulumi'], 'Resource'))\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "['pulumi', 'pulumi.runtime']\nFalse\n"


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_no_module_and_no_function_is_too_long(path: Path) -> None:
    """What needs scrolling is taken apart."""
    text = path.read_text()
    assert len(text.splitlines()) <= MODULE_LINES
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = {node.name: node.end_lineno - node.lineno + 1 for node in functions if node.end_lineno}
    assert {name: lines for name, lines in long.items() if lines > FUNCTION_LINES} == {}


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    """In its first lines, in a sentence."""
    assert len((ast.get_docstring(ast.parse(path.read_text())) or "").split()) >= 4
