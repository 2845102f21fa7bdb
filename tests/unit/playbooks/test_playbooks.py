"""The playbooks and every other YAML file hold to their linters; every role has the same shape."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).parents[3]
PLAYBOOKS = CHECKOUT / "playbooks"
ROLES = sorted(path for path in (PLAYBOOKS / "roles").iterdir() if path.is_dir())
TOOLS = Path(sys.executable).parent


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A linter's answer, in the checkout."""
    environment = os.environ | {"PATH": f"{TOOLS}:{os.environ['PATH']}"} | variables
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)


def test_playbooks_are_fit_for_production(tmp_path: Path) -> None:
    """ansible-lint's strictest profile, without a network and without a cache in the checkout."""
    found = run(
        *("ansible-lint", "--offline", "--profile", "production", "--nocolor", "playbooks"),
        ANSIBLE_CONFIG="playbooks/ansible.cfg",
        ANSIBLE_HOME=str(tmp_path),
        XDG_CACHE_HOME=str(tmp_path),
    )
    assert found.returncode == 0, f"{found.stdout}\n{found.stderr}"


def test_yaml_is_tidy() -> None:
    """All YAML that is version-controlled: specs, inventories, catalogues, playbooks."""
    files = run("git", "ls-files", "*.yml", "*.yaml").stdout.split()
    found = run("yamllint", "--strict", *files)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_says_what_it_takes(role: Path) -> None:
    """Tasks, a description, and every argument with type and meaning: a wrong one is refused before it does harm."""
    assert list((role / "tasks").glob("*.yml"))
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    for entry in specs.values():
        assert entry["short_description"]
        for name, argument in entry.get("options", {}).items():
            assert {"type", "description"} <= set(argument), name
