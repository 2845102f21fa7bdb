"""An environment whose images come from a registry: all services start by digest, and what is missing falls back."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from pointsman.images import catalogue
from tests.deployed.conftest import NewEstate
from tests.deployed.estate import Estate
from tests.deployed.registry import Registry, serving

# Alloy is not to be had on a machine that reaches package registries only: the one image that the registry lacks.
PUSHED = ("prometheus", "loki", "node-exporter", "socket-proxy")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry of the module's own."""
    with serving(tmp_path_factory.mktemp("registry")) as served:
        yield served


@pytest.fixture(scope="module")
def pulled(registry: Registry, session_estate: Estate, new_estate: NewEstate) -> Estate:
    """An environment that is up in mode auto, from a registry that holds what is built for the shared one."""
    built = {image["service"]: image["image"] for image in session_estate.first["images"]}
    for service in PUSHED:
        official = catalogue.load().service(service).official
        registry.push(built[service], official.repository.partition("/")[2], official.tag)
    estate = new_estate()
    estate.edit("images", source="auto", registry=registry.host)
    estate.first = estate.up()
    return estate


def test_all_services_start_from_the_registry_by_digest(registry: Registry, pulled: Estate) -> None:
    """Each container runs the image whose digest the registry served, and the lock pins it."""
    locked = json.loads(pulled.lock.read_text())["services"]
    for service in PUSHED:
        official = catalogue.load().service(service).official
        repository = official.repository.partition("/")[2]
        digest = registry.digest(repository, official.tag)
        assert locked[service]["digest"] == digest
        container = pulled.containers()[service]
        assert container.attrs["Image"] == locked[service]["image_id"]
        assert container.image is not None
        assert f"{registry.host}/{repository}@{digest}" in container.image.attrs["RepoDigests"]
    assert pulled.first["good"]


def test_a_missing_image_falls_back_and_is_told(pulled: Estate) -> None:
    """The registry has no Alloy: Promtail, which it lacks as well, is built from packages, and the result says both."""
    sources = {image["service"]: image["source"] for image in pulled.first["images"]}
    assert sources == dict.fromkeys(PUSHED, "registry") | {"promtail": "packages"}
    told = "\n".join(pulled.first["findings"])
    assert "the log agent is promtail and not alloy" in told
    assert "promtail built from packages" in told
    assert "does not have it" in told


def test_without_fall_back_a_missing_image_is_an_error(registry: Registry, pulled: Estate) -> None:
    """In mode registry the missing image is named, nothing is touched, and the exit code says that the world lacks."""
    before = pulled.ids()
    pulled.edit("images", source="registry")
    pulled.edit("log_agent", kind="alloy")
    refused = pulled.clone.pointsman("up", "--env", pulled.name)
    assert refused.code == 3
    assert "grafana/alloy" in refused.said
    assert pulled.ids() == before
