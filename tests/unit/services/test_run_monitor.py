"""The run monitor as a service: what it is told, what of the machine it sees, and that its settings are good ones."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from pointsman.errors import PointsmanError
from pointsman.services.estate import compose
from pointsman.services.model import Machine, Service
from pointsman.spec.monitor import MonitorSpec
from pointsman.spec.reader import parse, parse_as
from pointsman.spec.run_alerts import BUILT_IN, RunAlerts
from pointsman.spec.runs import StoreMapping

HERE = "/etc/run-monitor/current"


def monitor(text: str, rest: str = "") -> Service:
    """The service of an environment with this section `monitor`."""
    spec = parse(f"monitor: {{enabled: true, {text}}}\n{rest}", "stacks/dev.yaml")
    (found,) = compose("dev", spec, "promtail", Machine(checkout="/clone")).monitoring
    return found


def files(service: Service) -> dict[str, Any]:
    """Its config files, read back."""
    assert service.config is not None
    return {name: yaml.safe_load(text) for name, text in service.config.files.items()}


@pytest.mark.parametrize(
    "text",
    ["", "store: {artifacts: 'made/{run_id}'}", "store: {url: 'postgresql://me@db:5432/runs', password: {file: /p}}"],
)
def test_its_settings_are_good_ones(text: str) -> None:
    """The models that the monitor reads them with take both files."""
    service = monitor(text)
    assert service.config is not None
    told = parse_as(MonitorSpec, service.config.files["monitor.yaml"], "monitor.yaml")
    assert told.serving.port == service.main.port == 9465
    assert told.traces is not None
    assert told.traces.endpoint == "http://collector:4318"
    alerts = parse_as(RunAlerts, service.config.files["alerts.yaml"], "alerts.yaml")
    assert alerts.alertmanager is not None
    assert alerts.alertmanager.url == "http://alertmanager:9093"


def test_without_it_there_is_none() -> None:
    """It is asked for, not given."""
    assert compose("dev", parse("{}", "stacks/dev.yaml"), "promtail", Machine()).monitoring == ()


def test_a_file_is_seen_read_only_at_its_own_path() -> None:
    """Paths of the spec begin at the checkout; a folder within another is not mounted twice."""
    service = monitor("store: {artifacts: '.state/artifacts/{run_id}'}")
    assert [(each.source, each.target) for each in service.mounts] == [("/clone/.state", "/clone/.state")]
    store = files(service)["monitor.yaml"]["store"]
    assert store == {
        "url": "sqlite:////clone/.state/orchestration.db",
        "artifacts": "/clone/.state/artifacts/{run_id}",
    }
    apart = monitor("store: {url: 'sqlite:////srv/runs/r.db', artifacts: '/srv/made/{run_id}'}")
    assert {each.source for each in apart.mounts} == {"/srv/runs", "/srv/made"}


def test_a_password_is_delivered_as_a_file() -> None:
    """It is in no config; nothing of the machine is mounted for a server."""
    service = monitor("store: {url: 'postgresql://me@db:5432/runs', password: {environment: RUNS_PASSWORD}}")
    assert service.config is not None
    assert service.mounts == ()
    assert files(service)["monitor.yaml"]["store"]["password_file"] == f"{HERE}/store-password"
    assert service.config.secrets["store-password"].environment == "RUNS_PASSWORD"


def test_a_mapping_is_a_file_of_its_own() -> None:
    """As the store reads it."""
    service = monitor("store: {mapping: {runs: {table: jobs, states: {done: completed}}, numbers: milliseconds}}")
    assert files(service)["monitor.yaml"]["store"]["mapping"] == f"{HERE}/mapping.yaml"
    assert service.config is not None
    assert parse_as(StoreMapping, service.config.files["mapping.yaml"], "mapping.yaml").runs.table == "jobs"


def test_github_gets_its_token_as_a_file() -> None:
    """The declared place of the token is this machine's; the container reads the one that was delivered."""
    service = monitor("github: {repository: acme/app, token: {environment: GITHUB_TOKEN}}")
    assert files(service)["monitor.yaml"]["github"] == {
        "repository": "acme/app",
        "token": {"file": f"{HERE}/github-token"},
        "interval": "15s",
        "server": "https://github.com",
    }
    assert service.config is not None
    assert service.config.secrets["github-token"].environment == "GITHUB_TOKEN"


def test_what_is_not_there_is_not_spoken_to() -> None:
    """Without Collector and Alertmanager there are no spans, and alerts are told by the monitor itself."""
    service = monitor("", "collector: {enabled: false}\ntempo: {enabled: false}\nalertmanager: {enabled: false}")
    assert "traces" not in files(service)["monitor.yaml"]
    assert set(files(service)["alerts.yaml"]) == {"rules"}


def test_built_in_rules_lead_to_the_runbooks() -> None:
    """Where the spec has them read; a rule that names its own page keeps it."""
    more = "alerts: {runbooks: 'https://wiki.example.org/runbooks'}"
    service = monitor("rules: {RunFailed: {runbook: 'https://a.example.org/b'}}", more)
    pages = {name: rule["runbook"] for name, rule in files(service)["alerts.yaml"]["rules"].items()}
    assert pages.keys() == BUILT_IN.keys()
    assert pages["RunStalled"] == "https://wiki.example.org/runbooks/RunStalled.md"
    assert pages["RunFailed"] == "https://a.example.org/b"


def test_wrong_ones_are_refused() -> None:
    """A password that nothing asks for; artifacts that are one folder for all."""
    with pytest.raises(PointsmanError, match="SQLite knows no password"):
        monitor("store: {password: {environment: P}}")
    with pytest.raises(PointsmanError, match="artifacts"):
        monitor("store: {artifacts: made}")
