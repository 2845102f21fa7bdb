"""What the fault tests share: an estate of their own, the harness, and the record of what was seen and when."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from pointsman.builds import PlainProgress, Store
from pointsman.errors import PointsmanError
from pointsman.images import catalogue, packages
from pointsman.images.engine import Engine
from pointsman.targets.docker.engine import connect
from tests.deployed.conftest import NewEstate, engine, new_clone, new_estate
from tests.deployed.estate import CHECKOUT, Estate
from tests.deployed.specs import every_second, whole_spec
from tests.faults.harness import Harness, Place, recover
from tests.faults.observing import until_green
from tests.faults.record import GREEN_SECONDS, Record, render, this_machine

__all__ = ["engine", "new_clone", "new_estate"]

OPTION = "--write-reliability"
PAGE = CHECKOUT / "docs" / "reference" / "reliability.md"
PROXY = "toxiproxy"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that renders the record into the docs."""
    parser.addoption(OPTION, action="store_true", help=f"write what was measured to {PAGE.relative_to(CHECKOUT)}")


@pytest.fixture(scope="session", autouse=True)
def recovered() -> list[str]:
    """What a session that was killed left injected is undone before anything is looked at."""
    return recover()


@pytest.fixture(scope="session")
def harness(recovered: list[str]) -> Iterator[Harness]:
    """The harness of this session."""
    made = Harness()
    yield made
    made.close()


@pytest.fixture(scope="session")
def stack(recovered: list[str], new_estate: NewEstate) -> Estate:
    """The environment that faults are injected into, with every service, up since the first test that needs it."""
    made = new_estate(None, every_second(whole_spec()))
    made.first = made.up()
    return made


@pytest.fixture
def estate(stack: Estate) -> Estate:
    """The same, green: what the test before left red is brought up anew."""
    if until_green(stack, seconds=0).seconds is None and until_green(stack, GREEN_SECONDS).seconds is None:
        stack.reset()
    return stack


@pytest.fixture(scope="session")
def proxy_image() -> str:
    """The image of toxiproxy, built once a machine; empty where it cannot be had."""
    try:
        plan = packages.plan(PROXY, catalogue.load().service(PROXY))
        made = packages.make([plan], Store(), Engine(), PlainProgress())
        return next(image.image_id for _, image in made)
    except PointsmanError as error:
        print(f"no toxiproxy: {error}")
        return ""


@pytest.fixture
def place(estate: Estate, proxy_image: str) -> Iterator[Place]:
    """Where faults are injected."""
    with connect() as client:
        yield Place(estate.declared(), client, estate.clone.root / "components", proxy_image)


@pytest.fixture(scope="session")
def record(stack: Estate, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Record]:
    """What was seen of each fault; a JSON document in a temporary folder after the session, and a page if asked."""
    made = Record(services=sorted(stack.containers()), machine=this_machine())
    yield made
    path: Path = tmp_path_factory.mktemp("faults") / "reliability.json"
    path.write_text(made.document())
    print(f"\nwhat was measured: {path}")
    if pytestconfig.getoption(OPTION):
        PAGE.write_text(render(made))


@pytest.fixture
def api(engine: docker.DockerClient) -> docker.APIClient:
    """The engine by its bare interface."""
    return engine.api
