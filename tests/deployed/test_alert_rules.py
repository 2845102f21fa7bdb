"""The alerts as Prometheus and Alertmanager themselves judge them: promtool and amtool, out of the services' images."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest
import yaml

from pointsman.images.model import Resolution
from pointsman.services.scraping import probe_job_names
from pointsman.signals import stack, verification
from pointsman.spec.models import Environment
from tests.deployed.tools import run_tool
from tests.unit.services.cases import CASES, named
from tests.unit.services.test_alertmanager import VERIFY, WATCHDOG, told

TESTS = Path(__file__).with_name("alert_rules.yml")
GROUPS = (stack.alerts(Environment(), probe_job_names(Environment())), verification.alerts())
RULES = {f"/rules/{group.name}.yml": group.rendered() for group in GROUPS}
ALERTS = [
    VERIFY,
    WATCHDOG,
    {"alertname": "TargetDown", "severity": "critical", "service": "loki"},
    {"alertname": "DiskFilling", "severity": "warning"},
    {"alertname": "OfAnother", "severity": "info"},
    {"alertname": "OfAnother", "severity": "page"},
    {"alertname": "OfAnother"},
]


def test_the_rules_are_good(engine: docker.DockerClient, images: Resolution) -> None:
    """Every expression parses, and promtool's linter finds nothing either."""
    command = ["/bin/promtool", "check", "rules", "--lint=all", "--lint-fatal", *RULES]
    said = run_tool(engine, images.images["prometheus"], command, RULES)
    assert said.code == 0, said.text
    for group in GROUPS:
        assert f"{len(group.rules)} rules found" in said.text


def test_every_alert_fires_when_it_should_and_only_then(engine: docker.DockerClient, images: Resolution) -> None:
    """The cases of alert_rules.yml, run by promtool with the expressions, labels and texts of the default spec."""
    files = {TESTS.name: TESTS.read_text(), **RULES}
    said = run_tool(
        engine,
        images.images["prometheus"],
        ["/bin/promtool", "test", "rules", f"/{TESTS.name}"],
        {f"/{path.lstrip('/')}": text for path, text in files.items()},
    )
    assert said.code == 0, said.text


def test_every_alert_has_a_case_that_fires() -> None:
    """No alert is added without saying when it fires; and but for the one that always does, when it does not."""
    fires: set[str] = set()
    silent: set[str] = set()
    for case in yaml.safe_load(TESTS.read_text())["tests"]:
        for each in case["alert_rule_test"]:
            (fires if each["exp_alerts"] else silent).add(each["alertname"])
    names = {alert.name for group in GROUPS for alert in group.rules}
    assert fires == names
    assert silent == names - {stack.WATCHDOG}


@pytest.mark.parametrize("case", ["default", "full"])
def test_alertmanager_routes_as_the_unit_tests_think(
    engine: docker.DockerClient, images: Resolution, case: str
) -> None:
    """amtool names the same receivers, in the same order, as the routes walked in tests/unit."""
    config = named(CASES[case], "alertmanager").config
    assert config is not None
    path = "/alertmanager.yml"
    files = {path: config.files["alertmanager.yml"]}
    for labels in ALERTS:
        wanted = ",".join(told(CASES[case], labels))
        written = [f"{name}={value}" for name, value in labels.items()]
        command = ["/bin/amtool", "config", "routes", "test", f"--config.file={path}", f"--verify.receivers={wanted}"]
        said = run_tool(engine, images.images["alertmanager"], [*command, *written], files)
        assert said.code == 0, (labels, said.text)
