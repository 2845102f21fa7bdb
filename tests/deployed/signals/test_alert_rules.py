"""The alerts as Prometheus and Alertmanager themselves judge them: promtool and amtool, out of the services' images."""

from __future__ import annotations

import re
from pathlib import Path

import docker
import pytest

from pointsman.images.model import Resolution
from pointsman.signals.catalogue import every_group
from pointsman.signals.model import RuleGroup
from pointsman.spec.models import Environment
from pointsman.yaml_text import yaml_text
from tests.deployed.tools import run_tool
from tests.unit.services.cases import CASES, named
from tests.unit.services.test_alertmanager import table

TESTS = Path(__file__).with_name("alert_rules")
RUNBOOKS = Path(__file__).parents[3] / "runbooks"
GROUPS = {
    "default": every_group(Environment()),
    # Every threshold moved away from its default.
    "full": every_group(CASES["full"].spec),
}
RULES = {f"/rules/{group.name}.yml": group.rendered() for group in GROUPS["default"]}


@pytest.mark.parametrize("groups", GROUPS.values(), ids=GROUPS.keys())
def test_the_rules_are_good(engine: docker.DockerClient, images: Resolution, groups: tuple[RuleGroup, ...]) -> None:
    """Every expression parses, and promtool's linter finds nothing either."""
    rules = {f"/rules/{group.name}.yml": group.rendered() for group in groups}
    command = ["/bin/promtool", "check", "rules", "--lint=all", "--lint-fatal", *rules]
    said = run_tool(engine, images.images["prometheus"], command, rules)
    assert said.code == 0, said.text
    for group in groups:
        assert f"{len(group.rules)} rules found" in said.text


@pytest.mark.parametrize("subject", sorted(path.stem for path in TESTS.glob("*.yml")))
def test_every_alert_fires_when_it_should_and_only_then(
    engine: docker.DockerClient, images: Resolution, subject: str
) -> None:
    """The cases of a subject, run by promtool with the expressions, labels and texts of the default spec.

    That each alert has all four cases is asked in tests/unit/signals/test_lint.py.
    """
    path = f"/tests/{subject}.yml"
    files = {path: (TESTS / f"{subject}.yml").read_text(), **RULES}
    said = run_tool(engine, images.images["prometheus"], ["/bin/promtool", "test", "rules", path], files)
    assert said.code == 0, said.text


def test_the_queries_of_runbooks_are_good(engine: docker.DockerClient, images: Resolution) -> None:
    """Every PromQL block of every page parses: each is made a recording rule, which promtool checks."""
    blocks = [
        (path.stem, query.strip())
        for path in sorted(RUNBOOKS.glob("*.md"))
        for query in re.findall(r"^```promql\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)
    ]
    assert len(blocks) > 50
    rules = [
        {"record": f"runbook:{number}", "expr": query, "labels": {"page": page}}
        for number, (page, query) in enumerate(blocks)
    ]
    file = yaml_text({"groups": [{"name": "runbooks", "rules": rules}]})
    command = ["/bin/promtool", "check", "rules", "--lint=none", "/runbooks.yml"]
    said = run_tool(engine, images.images["prometheus"], command, {"/runbooks.yml": file})
    assert said.code == 0, said.text


@pytest.mark.parametrize("case", ["default", "full"])
def test_alertmanager_routes_as_the_unit_tests_think(
    engine: docker.DockerClient, images: Resolution, case: str
) -> None:
    """amtool takes the config and names, for every line of the routing table, the same receivers in the same order."""
    config = named(CASES[case], "alertmanager").config
    assert config is not None
    path = "/c/alertmanager.yml"
    files = {f"/c/{name}": text for name, text in config.files.items()}
    said = run_tool(engine, images.images["alertmanager"], ["/bin/amtool", "check-config", path], files)
    assert said.code == 0, said.text
    for labels, receivers in ((labels, receivers) for line, labels, receivers in table() if line == case):
        wanted = ",".join(receivers)
        written = [f"{name}={value}" for name, value in labels.items()]
        command = ["/bin/amtool", "config", "routes", "test", f"--config.file={path}", f"--verify.receivers={wanted}"]
        said = run_tool(engine, images.images["alertmanager"], [*command, *written], files)
        assert said.code == 0, (labels, said.text)
