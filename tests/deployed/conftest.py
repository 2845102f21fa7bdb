"""What the deployed tests share: one estate for the session, others on request, and no traces afterwards.

Environments are called `pmtest-<pid>-<letter>`, so that they collide with nobody's, and so that a session can tell what
a dead one left behind. Toolchain and images come from this machine's own cache.
"""

from __future__ import annotations

import contextlib
import os
import string
from collections.abc import Callable, Iterator

import docker
import psutil
import pytest

from pointsman.images.model import Resolution
from tests.conftest import sharing
from tests.deployed.estate import Clone, Estate, sweep
from tests.deployed.failing import Failing, fail
from tests.deployed.fleet import Fleet, fleet_spec
from tests.deployed.specs import Spec, small_spec, watching_spec, whole_spec
from tests.faults.harness import recover

PREFIX = "pmtest"
IMAGES = "pointsman-test/deployed"

NewClone = Callable[..., Clone]
NewEstate = Callable[..., Estate]

_FAILED = pytest.StashKey[bool]()
_SHARED = pytest.StashKey[list[Estate]]()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Remembers a failure, so that the shared estate is mended before the next test."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.failed:
        item.stash[_FAILED] = True


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """A shared environment goes with the last test of its files: it would slow down all that come after."""
    if nextitem is None or sharing(nextitem.path) != sharing(item.path):
        for estate in item.session.stash.get(_SHARED, []):
            estate.remove()
        item.session.stash[_SHARED] = []


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The Docker engine, cleared of what dead sessions left: their faults first, since some lie over a volume."""
    recover()
    client = docker.from_env()
    _remove_leftovers(client, _is_dead)
    yield client
    _remove_leftovers(client, lambda pid: pid == os.getpid())
    client.close()


@pytest.fixture(scope="session")
def new_clone(tmp_path_factory: pytest.TempPathFactory) -> NewClone:
    """Makes clones: each with its own state directory, or with another's."""

    def make(like: Clone | None = None) -> Clone:
        folder = tmp_path_factory.mktemp("clone")
        (folder / "checkout").mkdir()
        return Clone(folder / "checkout", like.state if like else folder / "state")

    return make


@pytest.fixture(scope="session")
def new_estate(engine: docker.DockerClient, new_clone: NewClone) -> Iterator[NewEstate]:
    """Makes environments, each under another name, in a clone of its own or in a given one; none is up yet.

    Without a spec they have metrics and logs only: most of what is to be seen needs no more, and costs half the time.
    """
    made: list[Estate] = []

    def make(clone: Clone | None = None, spec: Spec | None = None) -> Estate:
        name = f"{PREFIX}-{os.getpid()}-{string.ascii_lowercase[len(made)]}"
        made.append(Estate(clone or new_clone(), name, spec or small_spec(), engine))
        return made[-1]

    yield make
    for estate in made:
        estate.remove()


@pytest.fixture(scope="session")
def whole_session_estate(new_estate: NewEstate, request: pytest.FixtureRequest) -> Estate:
    """An environment with every service but runner hosts, up since the first test that asks for it."""
    return _shared(new_estate(None, watching_spec()), request)


@pytest.fixture(scope="session")
def failing(whole_session_estate: Estate) -> Failing:
    """A workflow that failed there, told once: minutes pass before its alert fires, time for others to look at it."""
    return fail(whole_session_estate)


@pytest.fixture(scope="session")
def session_estate(new_estate: NewEstate, request: pytest.FixtureRequest) -> Estate:
    """The environment that most tests share, up since the first of them."""
    return _shared(new_estate(), request)


@pytest.fixture(scope="session")
def fleet(new_estate: NewEstate, request: pytest.FixtureRequest) -> Fleet:
    """An environment with two runner hosts, up since the first test that asks for it."""
    found = Fleet(new_estate(None, fleet_spec()))
    found.write_inventory()
    _shared(found.estate, request)
    return found


def _shared(estate: Estate, request: pytest.FixtureRequest) -> Estate:
    request.session.stash.setdefault(_SHARED, []).append(estate)
    estate.first = estate.up()
    return estate


@pytest.fixture(scope="session")
def images(new_estate: NewEstate) -> Resolution:
    """The images of every service that can be made from packages, for tools that are run without any estate."""
    estate = new_estate(None, whole_spec())
    estate.clone.pointsman("images", "ensure", "--env", estate.name).good()
    return estate.declared().images


@pytest.fixture
def estate(session_estate: Estate, request: pytest.FixtureRequest) -> Iterator[Estate]:
    """The shared environment, as the spec on disk says. After a test that failed it is brought up anew."""
    yield session_estate
    if request.node.stash.get(_FAILED, False):
        session_estate.reset()


@pytest.fixture
def whole_estate(whole_session_estate: Estate, request: pytest.FixtureRequest) -> Iterator[Estate]:
    """The shared environment with every service; also brought up anew after a test that failed."""
    yield whole_session_estate
    if request.node.stash.get(_FAILED, False):
        whole_session_estate.reset()


def _is_dead(pid: int) -> bool:
    return not psutil.pid_exists(pid)


def _remove_leftovers(client: docker.DockerClient, is_wanted: Callable[[int], bool]) -> None:
    def of_session(environment: str) -> bool:
        prefix, _, rest = environment.partition("-")
        pid = rest.partition("-")[0]
        return prefix == PREFIX and pid.isdigit() and is_wanted(int(pid))

    sweep(client, of_session)
    for image in client.images.list(name=IMAGES):
        for tag in image.tags:
            pid = tag.rpartition(":")[2].partition("-")[0]
            if tag.startswith(f"{IMAGES}:") and pid.isdigit() and is_wanted(int(pid)):
                with contextlib.suppress(docker.errors.APIError):
                    client.images.remove(tag, force=True)
