"""A stand-in for GitHub and a client for it, new for each test; no request or answer may break the published slice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pointsman.github import GitHubClient, Scope, connect
from tests.standins.github_server.serving import Standin
from tests.unit.github.world import TOKEN, StoppedClock, scope_of


@pytest.fixture
def standin() -> Iterator[Standin]:
    """A GitHub that knows acme/app and acme, and the one token."""
    with Standin(tokens=[TOKEN.reveal()]) as running:
        yield running
        assert running.app.violations == []


@pytest.fixture
def clock() -> StoppedClock:
    """A clock that moves by sleeping only, and remembers for how long."""
    return StoppedClock()


@pytest.fixture
def scope(standin: Standin) -> Scope:
    """The repository acme/app."""
    return scope_of(standin, "acme/app")


@pytest.fixture
def github(scope: Scope, clock: StoppedClock) -> Iterator[GitHubClient]:
    """A client for acme/app that waits in no time."""
    with connect(scope, TOKEN, clock=clock.clock) as client:
        yield client


@pytest.fixture(params=["acme/app", "acme"], ids=["repository", "organisation"])
def at_level(request: pytest.FixtureRequest, standin: Standin, clock: StoppedClock) -> Iterator[GitHubClient]:
    """A client for the repository, then one for the organisation."""
    with connect(scope_of(standin, request.param), TOKEN, clock=clock.clock) as client:
        yield client
