"""An environment whose images come from a registry: all services start by digest, and what is missing falls back."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from pointsman.images import catalogue
from pointsman.images.model import Resolution
from tests.deployed.conftest import NewEstate
from tests.deployed.estate import Estate
from tests.deployed.registry import Registry, serving
from tests.deployed.specs import whole_spec

# Built on the machine in every mode: they have no official image, or the registry of this test lacks it on purpose.
BUILT = {"alert-sink", "board", "notifier", "promtail"}


def official(service: str) -> tuple[str, str]:
    """Repository, without the registry's name, and tag of a service's official image."""
    found = catalogue.load().service(service).official
    assert found is not None
    return found.repository.partition("/")[2], found.tag


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry of the module's own."""
    with serving(tmp_path_factory.mktemp("registry")) as served:
        yield served


@pytest.fixture(scope="module")
def pulled(registry: Registry, images: Resolution, new_estate: NewEstate) -> Iterator[Estate]:
    """An environment that is up in mode auto, from a registry that holds what is built for the whole stack."""
    for name, image in images.images.items():
        if name not in BUILT:
            registry.push(image.image_id, *official(name))
    estate = new_estate(None, whole_spec())
    estate.edit("images", source="auto", registry=registry.host)
    estate.first = estate.up()
    yield estate
    estate.remove()


def test_all_services_start_from_the_registry_by_digest(registry: Registry, pulled: Estate) -> None:
    """Each container runs the image whose digest the registry served, and the lock pins it."""
    locked = json.loads(pulled.lock.read_text())["services"]
    containers = pulled.containers()
    for service in {*containers} - {"log-agent", *BUILT}:
        repository, tag = official(service)
        digest = registry.digest(repository, tag)
        assert locked[service]["digest"] == digest
        assert containers[service].attrs["Image"] == locked[service]["image_id"]
        image = containers[service].image
        assert image is not None
        assert f"{registry.host}/{repository}@{digest}" in image.attrs["RepoDigests"]
    assert pulled.first["good"]


def test_a_missing_image_falls_back_and_is_told(pulled: Estate) -> None:
    """What the registry lacks is built from packages, or left out where that cannot be, and the result says each."""
    sources = {image["service"]: image["source"] for image in pulled.first["images"]}
    assert {service for service, source in sources.items() if source == "packages"} == BUILT
    told = "\n".join(pulled.first["findings"])
    assert "the log agent is promtail and not alloy" in told
    assert "promtail built from packages" in told
    assert "does not have it" in told
    assert "grafana" in told
    assert "left out" in told


def test_without_fall_back_a_missing_image_is_an_error(registry: Registry, pulled: Estate) -> None:
    """In mode registry the missing image is named, nothing is touched, and the exit code says that the world lacks."""
    before = pulled.ids()
    pulled.edit("images", source="registry")
    pulled.edit("log_agent", kind="alloy")
    # The board holds the port of a Grafana that would come from the registry: preflight's matter, and not this one.
    pulled.edit("grafana", enabled=False)
    refused = pulled.clone.pointsman("up", "--env", pulled.name)
    assert refused.code == 3
    assert "grafana/alloy" in refused.said
    assert pulled.ids() == before
