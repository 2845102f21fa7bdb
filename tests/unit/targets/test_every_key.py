"""No key of the spec is there for nothing: each changes a container or a config, and only where it may."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest
import yaml

from pointsman.hosts import plans
from pointsman.services.estate import compose
from pointsman.services.fleet import Fleet
from pointsman.spec.base import Location
from pointsman.spec.mistakes import key_path
from pointsman.spec.models import Environment
from pointsman.spec.schema import known_keys
from pointsman.targets.docker.container import plan
from tests.unit.hosts.cases import ARTIFACTS
from tests.unit.services.cases import FULL, HOSTS, MACHINE, SLOS

DOCUMENT: dict[str, Any] = yaml.safe_load(FULL)
# They decide where images come from, or which services there are.
OF_IMAGES = {"images", "images.source", "images.registry", "log_agent.kind", "target"}
SWITCHES = {
    "prometheus.existing",
    "tempo.enabled",
    "collector.enabled",
    "alertmanager.enabled",
    "notifier.enabled",
    "grafana.enabled",
    "exporters.node.enabled",
    "exporters.blackbox.enabled",
    "exporters.pushgateway.enabled",
    "runners.exporter.enabled",
    *(f"slos.{name}.enabled" for name in SLOS),
}
# Of a stand-in there is no full spec, and a token is told in one way.
OTHER_WAYS = {"ports.github", "runners.github.token.environment"}
OTHER_WAYS |= {f"monitor.{secret}.environment" for secret in ("store.password", "github.token")}
# Whose keys are the user's own.
MAPPINGS = {"prometheus.external_labels", "monitor.limits.kinds", "monitor.rules"}
MAPPINGS |= {f"monitor.store.mapping.{each}" for each in ("runs.columns", "runs.states", "runs.labels")}
MAPPINGS |= {f"monitor.store.mapping.steps.{each}" for each in ("columns", "states")}
# Programs that tell of themselves read these; nothing that is deployed does.
OF_PROGRAMS = {"telemetry", "telemetry.prices", "telemetry.prices.execution_minute", "telemetry.prices.models"}
# The command that asks for a run again reads these.
OF_COMMANDS = {key_path(at) for at in known_keys() if at[:2] == ("monitor", "rerun")}


def made(document: dict[str, Any]) -> dict[str, Any]:
    """Container plan, config and what is asked from outside, by service."""
    spec = Environment.model_validate(document)
    fleet = Fleet(HOSTS)
    services = compose("production", spec, "alloy", MACHINE, fleet=fleet).services
    image, bind = "sha256:" + "a" * 64, str(spec.network.bind)
    return {
        each.name: (
            asdict(plan(each, "production", image, 1, bind, spec.container_logs)),
            {**each.config.files, **each.config.secrets} if each.config else {},
            each.retention,
        )
        for each in services
    } | {each.name: (asdict(each), {}, None) for each in plans("production", spec, fleet, ARTIFACTS, "")}


def leaves(value: Any, at: Location = ()) -> Iterator[Location]:
    """The locations of all values that are no mapping."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from leaves(child, (*at, key))
    else:
        yield at


def without(at: Location) -> dict[str, Any]:
    """The full document, with the default where `at` was written."""
    document = copy.deepcopy(DOCUMENT)
    inside: Any = document
    for part in at[:-1]:
        inside = inside[part]
    del inside[at[-1]]
    return document


WRITTEN = list(leaves(DOCUMENT))
# A time-out alone would be longer than the interval's default, and the other way round; a GitHub without its token, a
# package without its checksum and routes without their receivers and mute times are refused.
TOGETHER = {"prometheus.scrape_timeout", "runners.github.url", "runners.github.token.file"}
TOGETHER |= {"alertmanager.receivers", "alertmanager.mute_times"}
# A password and a token without their place, SQLite with a password, a source without its repository.
TOGETHER |= {f"monitor.{key}" for key in ("store.url", "store.password.file", "github.repository", "github.token.file")}
TOGETHER |= {f"runners.package.{key}" for key in ("url", "sha256", "version", "newest.version", "newest.released")}
ALONE = [at for at in WRITTEN if key_path(at) not in TOGETHER]


@pytest.mark.parametrize("at", ALONE, ids=key_path)
def test_a_key_changes_what_is_made(at: Location) -> None:
    """With the default in its place, a container or a config is another: the key reaches what it is about."""
    assert made(without(at)) != made(DOCUMENT)


def test_the_full_spec_is_full() -> None:
    """Every key that the spec knows is in it, but for those that decide on images or on which services there are."""
    known = {key_path(at) for at in known_keys() if "[]" not in at}
    written = {key_path(at[:length]) for at in WRITTEN for length in range(1, len(at) + 1)}
    free = {key for key in written if key.startswith(tuple(f"{mapping}." for mapping in MAPPINGS))}
    assert known - written == OF_IMAGES | SWITCHES | OTHER_WAYS | OF_PROGRAMS | OF_COMMANDS
    assert written - known == free


@pytest.mark.parametrize(
    ("key", "service"),
    [
        (("grafana",), "grafana"),
        (("exporters", "node"), "node-exporter"),
        (("exporters", "pushgateway"), "pushgateway"),
    ],
    ids=key_path,
)
def test_a_switch_leaves_a_service_out(key: Location, service: str) -> None:
    """The service is gone, and of the others none but Prometheus is told of it."""
    document = copy.deepcopy(DOCUMENT)
    inside: Any = document
    for part in key:
        inside = inside[part]
    inside["enabled"] = False
    before, after = made(DOCUMENT), made(document)
    assert set(before) - set(after) == {service}
    assert {name for name, each in after.items() if each != before[name]} == {"prometheus"}
    (_, files, _) = after["prometheus"]
    # The alerts speak of all services there may be: without one, their expressions have no value.
    assert not any(service in text for path, text in files.items() if not path.startswith("rules/"))
