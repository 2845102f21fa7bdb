"""`pointsman inventory`: what people and scripts see of the hosts, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.unit.cli.world import NOWHERE, checkout, run
from tests.unit.inventory.folders import GOOD, written

PUBLISHED = Path(__file__).parents[3] / "docs/reference/documents.schema.json"
VALIDATOR = Draft202012Validator(json.loads(PUBLISHED.read_text()))


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory for all tests here, so that Ansible is started once."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with a good and a wrong inventory."""
    root = checkout(tmp_path_factory.mktemp("clone"), dev="{}", wrong="{}", bare="{}")
    written(root / "inventory/dev", GOOD)
    written(root / "inventory/wrong", {**GOOD, "group_vars/runners.yml": "runner_mode: [once]\nrunner_nme: a\nb: [\n"})
    return root


@pytest.fixture(autouse=True)
def place(clone: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command finds them."""
    monkeypatch.setenv("POINTSMAN_ROOT", str(clone))
    monkeypatch.setenv("POINTSMAN_STATE_DIR", str(state))
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)


def document(*words: str, code: int = 0) -> dict[str, Any]:
    """The one document that a verb prints, valid by the published schema."""
    result = run("inventory", *words, "--output", "json")
    assert result.exit_code == code, result.output
    (line,) = result.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    VALIDATOR.validate(found)
    return found


def test_a_good_inventory() -> None:
    """Is said to be good, with the number of its hosts; no engine is needed for it."""
    result = run("inventory", "check")
    assert result.exit_code == 0
    assert "inventory/dev is good: 2 hosts" in result.output


@pytest.mark.parametrize("verb", ["check", "graph", "list"])
def test_documents_hold_hosts_and_groups(verb: str) -> None:
    """One document for all three, in the order of hosts.yml."""
    found = document(verb)
    assert found["document"] == "pointsman.inventory/1"
    assert [host["name"] for host in found["hosts"]] == ["build-1", "build-2"]
    assert {group["name"]: group["hosts"] for group in found["groups"]}["runners_primary"] == ["build-1"]


def test_a_limit() -> None:
    """Only the hosts that are named; an unknown one ends with 2 and the name that was meant."""
    assert [host["name"] for host in document("list", "runners_secondary")["hosts"]] == ["build-2"]
    assert "did you mean build-2?" in document("list", "bild-2", code=2)["remedy"]


def test_the_graph_shows_groups_in_groups() -> None:
    """A tree: monitored holds runners, runners holds its parts, each its hosts with their addresses."""
    lines = [line.strip(" │├└─") for line in run("inventory", "graph").output.splitlines()]
    assert lines[:4] == ["inventory/dev", "monitored", "runners", "runners_primary"]
    assert lines[4].startswith("build-1  build-1:22")


@pytest.mark.parametrize("verb", ["check", "graph", "list"])
def test_mistakes_end_with_2(verb: str) -> None:
    """Whatever was asked, with file and line, for people and for scripts."""
    result = run("inventory", verb, "--env", "wrong")
    assert result.exit_code == 2
    assert "inventory/wrong/group_vars/runners.yml:3:5" in result.output
    (mistake,) = document(verb, "--env", "wrong", code=2)["mistakes"]
    assert (mistake["line"], mistake["kind"]) == (3, "syntax")


def test_an_environment_without_hosts() -> None:
    """Is no fault of the environment, but there is nothing to show: 2, and where to begin."""
    assert "inventory/bare does not exist" in document("check", "--env", "bare", code=2)["message"]
