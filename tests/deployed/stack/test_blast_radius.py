"""What an edit touches: one service, in place, proved loaded; and nothing at all when the service refuses it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import yaml

from pointsman.errors import PointsmanError
from pointsman.resources.provider.config_volume import ConfigVolumeKind
from pointsman.resources.provider.kinds import Cancellation
from pointsman.resources.provider.releases import Volume, digest
from pointsman.targets.docker.engine import connect
from tests.deployed.estate import Estate, eventually
from tests.deployed.variants import locked_to, untag

RELOADED = "prometheus_config_last_reload_success_timestamp_seconds"
GOOD = "prometheus_config_last_reload_successful"


def _scrape_interval(estate: Estate) -> str:
    config = yaml.safe_load(estate.data("prometheus", "/api/v1/status/config")["yaml"])
    return str(config["global"]["scrape_interval"])


def _started(estate: Estate, service: str) -> datetime:
    text = estate.containers()[service].attrs["State"]["StartedAt"]
    return datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00")


def _release(estate: Estate, service: str, directory: str) -> str:
    """The release that the container sees."""
    with connect() as client:
        live = Volume(client, estate.ids()[service], directory).live()
    return live.release if live else ""


def test_a_config_edit_reloads_one_service(estate: Estate) -> None:
    """Another scrape interval updates one config volume, keeps every container, and Prometheus says it loaded it."""
    before, reloaded = estate.ids(), estate.metric("prometheus", RELOADED)
    started = {service: _started(estate, service) for service in before}
    estate.edit("prometheus", scrape_interval="2s", scrape_timeout="2s")
    told = estate.up()
    assert {op: count for op, count in told["changes"].items() if op != "same"} == {"update": 1}
    assert told["good"]
    assert estate.ids() == before
    assert {service: _started(estate, service) for service in before} == started
    assert _scrape_interval(estate) == "2s"
    assert estate.metric("prometheus", RELOADED) > reloaded
    assert estate.metric("prometheus", GOOD) == 1


def test_targets_need_no_reload(estate: Estate) -> None:
    """A job's first target list reloads once; a change of the list alone is read without any reload."""
    target = "localhost:9090"
    estate.edit("prometheus", extra_targets=[{"job": "builds", "targets": [target]}])
    assert estate.pulumi_up() == {("update", "prometheus-config")}
    reloaded, before = estate.metric("prometheus", RELOADED), estate.ids()
    more = [target, "127.0.0.1:9090"]
    estate.edit("prometheus", extra_targets=[{"job": "builds", "targets": more, "labels": {"team": "platform"}}])
    assert estate.pulumi_up() == {("update", "prometheus-config")}
    assert estate.metric("prometheus", RELOADED) == reloaded
    assert estate.ids() == before
    active = eventually(
        lambda: [
            each["labels"]
            for each in estate.data("prometheus", "/api/v1/targets", state="active")["activeTargets"]
            if each["scrapePool"] == "builds" and each["health"] == "up" and "team" in each["labels"]
        ]
    )
    assert {(each["instance"], each["team"]) for each in active} <= {(each, "platform") for each in more}


def test_a_refused_spec_applies_nothing(estate: Estate) -> None:
    """What the spec's own rules let pass and promtool refuses: its words are shown, the old config stays in force.

    The mended spec is then applied: a refused release is in nobody's way.
    """
    before, reloaded = estate.ids(), estate.metric("prometheus", RELOADED)
    kept = estate.spec["prometheus"].get("extra_targets", [])
    release = _release(estate, "prometheus", "/etc/prometheus")
    wrong = {"job": "wrong", "targets": ["localhost:1"], "labels": {"__scrape_interval__": "soon"}}
    estate.edit("prometheus", extra_targets=[wrong])
    refused = estate.clone.pointsman("up", "--env", estate.name, "--output", "json")
    assert refused.code == 1
    message = refused.document()["message"]
    assert "refused by promtool; nothing was applied" in message
    assert "soon" in message
    assert "Traceback" not in refused.said
    assert estate.ids() == before
    assert estate.metric("prometheus", RELOADED) == reloaded
    assert _release(estate, "prometheus", "/etc/prometheus") == release
    assert estate.helpers() == []
    estate.edit("prometheus", extra_targets=kept)
    assert estate.pulumi_up() <= {("update", "prometheus-config")}


def test_loki_restarts_in_place(estate: Estate) -> None:
    """Loki cannot reload: another retention restarts the same container, and no other."""
    before, started = estate.ids(), {service: _started(estate, service) for service in estate.ids()}
    estate.edit("loki", retention="72h")
    assert estate.pulumi_up() == {("update", "loki-config")}
    assert estate.ids() == before
    moved = {service for service in before if _started(estate, service) > started[service]}
    assert moved == {"loki"}
    assert "retention_period: 3d" in estate.get("loki", "/config").text


@pytest.fixture
def released(estate: Estate) -> Iterator[tuple[ConfigVolumeKind, dict[str, Any], str]]:
    """The kind itself, the inputs that the state holds of Prometheus's config, and the release in force."""
    inputs = estate.inputs("prometheus-config")
    yield ConfigVolumeKind(), inputs, digest(inputs["files"])
    assert _release(estate, "prometheus", inputs["directory"]) == digest(inputs["files"])
    assert estate.metric("prometheus", GOOD) == 1
    assert estate.helpers() == []


def test_a_config_that_fails_validation(estate: Estate, released: tuple[ConfigVolumeKind, dict[str, Any], str]) -> None:
    """The validator's own words come back, and the service was not asked to reload."""
    kind, inputs, _ = released
    reloaded = estate.metric("prometheus", RELOADED)
    broken = {
        **inputs,
        "files": {**inputs["files"], "prometheus.yml": "scrape_configs: [{job_name: x}, {job_name: x}]\n"},
    }
    with pytest.raises(PointsmanError, match="nothing was applied") as refused:
        kind.update(inputs, broken, Cancellation())
    assert 'multiple scrape configs with job name "x"' in refused.value.detail
    assert estate.metric("prometheus", RELOADED) == reloaded


def test_a_config_that_fails_on_load_is_rolled_back(
    released: tuple[ConfigVolumeKind, dict[str, Any], str],
) -> None:
    """A validator lets everything pass: the service refuses on reload, and the last good release is loaded again."""
    kind, inputs, release = released
    broken = {**inputs, "files": {"prometheus.yml": "no: such key\n"}, "validate": ["/bin/promtool", "--version"]}
    with pytest.raises(PointsmanError, match=f"rolled back to release {release}") as refused:
        kind.update(inputs, broken, Cancellation())
    assert "field no not found" in refused.value.detail


def test_a_config_that_kills_its_service_is_rolled_back(estate: Estate) -> None:
    """Loki dies of a config that was not validated: the cause is told, and it runs again on the last good release."""
    inputs = estate.inputs("loki-config")
    broken = {**inputs, "files": {"loki.yml": "no: such key\n"}, "validate": ["/usr/bin/loki", "-version"]}
    release = digest(inputs["files"])
    with pytest.raises(PointsmanError, match=f"rolled back to release {release}") as refused:
        ConfigVolumeKind().update(inputs, broken, Cancellation())
    assert "field no not found" in refused.value.detail
    assert estate.get("loki", "/ready").text.strip() == "ready"
    assert _release(estate, "loki", inputs["directory"]) == release


def test_a_new_image_replaces_one_container(estate: Estate) -> None:
    """Another image of one service replaces its container, once, and nothing else."""
    before = estate.ids()
    with locked_to(estate, "node-exporter", name="variant", path="/etc/variant", content=b"one file more\n") as image:
        done = estate.pulumi_up()
        assert {name for _, name in done} == {"node-exporter", "node-exporter-ready"}
        assert {op for op, name in done if name == "node-exporter-ready"} == {"update"}
        after = estate.containers()
        assert {service for service in before if str(after[service].id) != before[service]} == {"node-exporter"}
        assert str(after["node-exporter"].attrs["Image"]) == image
    estate.pulumi_up()
    untag(estate, "variant")
