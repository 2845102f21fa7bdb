"""Grafana's data sources: one for each store, each link to one that exists."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pointsman.services import grafana
from pointsman.services.estate import compose
from pointsman.services.model import Service
from pointsman.spec.models import Environment
from pointsman.spec.reader import parse
from tests.unit.services.cases import CASES, MACHINE, config_of, named

FULL = CASES["full"]
UIDS = {
    "workflow-overview",
    "agent-performance",
    "system-health",
    "cost-tracking",
    "deployment-pipeline",
    "run-monitor",
    "runner-fleet",
    "stack-health",
    "slo-overview",
}
STORES = {"prometheus": "prometheus", "loki": "loki", "tempo": "tempo", "alertmanager": "alertmanager"}


def sources() -> list[dict[str, Any]]:
    """The provisioned data sources."""
    found: list[dict[str, Any]] = config_of(FULL, grafana.NAME, "datasources/datasources.yml")["datasources"]
    return found


def links(value: Any) -> Iterator[str]:
    """Every uid that a data source names, at any depth."""
    if isinstance(value, dict):
        for key, child in value.items():
            if key in ("datasourceUid", "alertmanagerUid"):
                yield child
            else:
                yield from links(child)
    elif isinstance(value, list):
        for child in value:
            yield from links(child)


def test_data_sources_are_the_services() -> None:
    """Each store's address is the service's own; none is written a second time."""
    assert {each["uid"]: each["type"] for each in sources()} == STORES
    for each in sources():
        assert each["url"] == f"http://{named(FULL, each['uid']).address()}"
        assert each["editable"] is False
    assert [each["uid"] for each in sources() if each.get("isDefault")] == ["prometheus"]


def test_every_link_leads_somewhere() -> None:
    """A uid that no data source has would be a dead link in Grafana, without any message."""
    there = {each["uid"] for each in sources()}
    assert set(links(sources())) <= there


def test_what_is_grafana_s_own_is_no_variable_of_the_environment() -> None:
    """Grafana fills in `$name` of provisioning files from its environment, with nothing as a rule: `$$` is a dollar."""
    config = named(FULL, grafana.NAME).config
    assert config is not None
    for path, text in config.files.items():
        # Dashboards are no templates.
        assert path.endswith(".json") or "$" not in text.replace("$$", ""), path
    assert "$${__value.raw}" in config.files["datasources/datasources.yml"]
    assert "{$$__tags}" in config.files["datasources/datasources.yml"]


def test_all_correlations_are_there() -> None:
    """Exemplar → trace, log line → trace, trace → logs, trace → metrics, service map → metrics, metrics → alerts."""
    linked = {each["uid"]: set(links(each["jsonData"])) for each in sources()}
    assert linked["prometheus"] == {"tempo", "alertmanager"}
    assert linked["loki"] == {"tempo"}
    assert linked["tempo"] == {"loki", "prometheus"}


def test_without_a_store_there_is_no_source_and_no_link_to_it() -> None:
    """What is switched off leaves neither a data source nor a dead link."""
    found = config_of(CASES["without-tempo"], grafana.NAME, "datasources/datasources.yml")["datasources"]
    assert {each["uid"] for each in found} == {"prometheus", "loki"}
    assert list(links(found)) == []


def test_dashboards_come_from_a_folder_that_is_delivered() -> None:
    """The provider reads the live release of the config volume."""
    service = named(FULL, grafana.NAME)
    assert service.config is not None
    (provider,) = config_of(FULL, grafana.NAME, "dashboards/dashboards.yml")["providers"]
    live = service.variables["GF_PATHS_PROVISIONING"]
    assert live == f"{service.config.directory}/current"
    assert provider["options"]["path"] == f"{live}/dashboards"
    assert provider["allowUiUpdates"] is False
    assert provider["folder"] == "CommandCenter"
    found = {path: text for path, text in service.config.files.items() if path.endswith(".json")}
    assert {path: json.loads(text)["uid"] for path, text in found.items()} == {
        f"dashboards/{uid}.json": uid for uid in UIDS
    }


def test_a_panel_of_a_store_that_is_not_there_is_left_out() -> None:
    """Without Tempo no panel asks it, and every dashboard is there all the same."""
    config = named(CASES["without-tempo"], grafana.NAME).config
    assert config is not None
    boards = [json.loads(text) for path, text in config.files.items() if path.endswith(".json")]
    assert {board["uid"] for board in boards} == UIDS
    assert {panel["datasource"]["uid"] for board in boards for panel in board["panels"]} == {"prometheus", "loki"}


def test_a_threshold_of_the_spec_changes_a_file_and_nothing_else_of_the_service() -> None:
    """So a dashboard is delivered into the container that is there."""

    def grafana_of(text: str) -> Service:
        estate = compose("dev", parse(text, "stacks/dev.yaml"), "promtail", MACHINE)
        return next(each for each in estate.services if each.name == grafana.NAME)

    before, after = grafana_of("{}"), grafana_of("alerts: {series: 50000}")
    assert before.config is not None
    assert after.config is not None
    assert replace(before, config=None) == replace(after, config=None)
    assert replace(before.config, files={}) == replace(after.config, files={})
    changed = {path for path, text in before.config.files.items() if after.config.files[path] != text}
    assert changed == {"dashboards/stack-health.json"}


def test_nobody_is_admin_by_default() -> None:
    """No account with a known password is made, and who comes without one may only look."""
    variables = named(FULL, grafana.NAME).variables
    assert variables["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert variables["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert not any("PASSWORD" in name for name in variables)


def test_an_environment_does_without_it() -> None:
    """Where its image cannot be had it is left out, and nothing scrapes or probes what is not there."""
    without = compose("dev", Environment(), "promtail", MACHINE, frozenset({grafana.NAME}))
    assert grafana.NAME not in {service.name for service in without.services}
    (metrics,) = (service for service in without.services if service.name == "prometheus")
    assert metrics.config is not None
    assert not any(grafana.NAME in text for text in metrics.config.files.values())
