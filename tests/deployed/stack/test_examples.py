"""The example environments: real specs, previewed on Docker as a newcomer would, and nothing is made."""

from __future__ import annotations

import re
from collections.abc import Iterator

import docker
import pytest
import yaml

from pointsman.services import labels
from tests.deployed.conftest import NewClone
from tests.deployed.estate import Clone, Done

EXAMPLES = ("staging", "production")
# What stands in no file of an inventory, as its first lines say.
ADDRESSES = {
    "STAGING_BUILD_2_ADDRESS": "192.0.2.12",
    "PRODUCTION_BUILD_4_ADDRESS": "192.0.2.24",
    "PRODUCTION_OPERATORS": "198.51.100.0/24",
}


@pytest.fixture(scope="module")
def clone(new_clone: NewClone) -> Iterator[Clone]:
    """A clone in which the examples take their images from packages: their registry is an example, too."""
    made = new_clone()
    shell = pytest.MonkeyPatch()
    for variable, address in ADDRESSES.items():
        shell.setenv(variable, address)
    for name in EXAMPLES:
        file = made.root / "stacks" / f"{name}.yaml"
        spec = yaml.safe_load(file.read_text())
        spec["images"] = {"source": "packages"}
        file.write_text(yaml.safe_dump(spec, sort_keys=False))
        made.pointsman("images", "ensure", "--env", name).good()
    yield made
    for name in EXAMPLES:
        made.pulumi("stack", "rm", "--yes", "--non-interactive", "--stack", name)
    shell.undo()


def made_in_docker(engine: docker.DockerClient, environment: str) -> int:
    """How many containers, networks and volumes an environment has."""
    wanted: dict[str, str | list[str] | bool] = {"label": f"{labels.ENVIRONMENT}={environment}"}
    containers = engine.containers.list(all=True, filters=wanted)
    return len(containers) + len(engine.networks.list(filters=wanted)) + len(engine.volumes.list(filters=wanted))


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_previews_cleanly(clone: Clone, engine: docker.DockerClient, name: str) -> None:
    """Everything would be created, nothing is in doubt, nothing is warned of, and nothing has been touched."""
    before = made_in_docker(engine, name)
    clone.pulumi("stack", "init", name, "--non-interactive").good()
    done: Done = clone.pulumi("preview", "--stack", name, "--non-interactive", "--diff").good()
    assert "to create" in done.said
    for word in ("warning:", "error:", "to update", "to replace", "to delete"):
        assert not re.search(rf"\b{word}", done.said), done.said
    assert made_in_docker(engine, name) == before


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_names_no_real_host(clone: Clone, name: str) -> None:
    """Hosts end in example.org, so that a copy that was not edited reaches nobody."""
    text = (clone.root / "stacks" / f"{name}.yaml").read_text()
    addresses = [word for word in text.replace('"', " ").split() if "://" in word or word.endswith((":9100", ":5432"))]
    assert addresses
    for address in addresses:
        assert "example.org" in address, address
