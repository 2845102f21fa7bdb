"""Every rendered config as its own service judges it, for specs that move every key."""

from __future__ import annotations

import docker
import pytest

from pointsman.images.model import Resolution
from pointsman.services.estate import Estate, compose
from pointsman.services.model import Machine
from pointsman.spec.reader import parse, read
from tests.deployed.estate import CHECKOUT
from tests.deployed.tools import run_tool
from tests.unit.services.cases import EXISTING, FULL


def estate(name: str, images: Resolution) -> Estate:
    """The services of an environment of the checkout, or of the spec that moves every key."""
    spec = parse(FULL, "stacks/full.yaml") if name == "full" else read(CHECKOUT / "stacks" / f"{name}.yaml")
    return compose(name, spec, images.agent, Machine(), images.absent)


@pytest.mark.parametrize("name", ["full", "ci", "dev", "production", "staging"])
def test_each_service_takes_its_config(engine: docker.DockerClient, images: Resolution, name: str) -> None:
    """The validator that `up` asks before it applies anything, asked beforehand."""
    refused = {}
    for service in estate(name, images).services:
        if service.config is None or not service.config.validate:
            continue
        release = f"{service.config.directory}/releases/1"
        command = [part.format(release=release) for part in service.config.validate]
        files = {f"{release}/{path}": text for path, text in service.config.files.items()}
        said = run_tool(engine, images.images[service.image], command, files)
        if said.code:
            refused[service.name] = said.text
    assert refused == {}


def test_an_existing_prometheus_takes_what_it_must_load(engine: docker.DockerClient, images: Resolution) -> None:
    """What `pointsman spec prometheus` writes is a config that Prometheus accepts as it stands, rules included."""
    (borrowed,) = compose("lab", parse(EXISTING, "stacks/lab.yaml"), images.agent, Machine(), images.absent).borrowed
    assert borrowed.config is not None
    files = {f"/loaded/{path}": text for path, text in borrowed.config.files.items()}
    command = ["/bin/promtool", "check", "config", "/loaded/prometheus.yml"]
    said = run_tool(engine, images.images["prometheus"], command, files)
    assert said.code == 0, said.text
    assert "rules found" in said.text
