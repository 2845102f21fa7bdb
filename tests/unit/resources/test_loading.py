"""Making a service take a config over HTTP: taken, refused, claimed but not done; and the metrics that tell."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest

from pointsman.errors import PointsmanError
from pointsman.resources.provider import loading
from pointsman.resources.provider.kinds import Cancellation, Cancelled
from pointsman.resources.provider.loading import Loader, samples
from tests.unit.resources.services import AT, MTIME, SUCCEEDED, Service, serving

BOUND = 0.2


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A service that reloads, and waits that are short."""
    monkeypatch.setattr(loading, "PROOF_SECONDS", BOUND)
    monkeypatch.setattr(loading, "POLL_SECONDS", 0.01)
    with serving(Service()) as running:
        yield running


def loader(service: Service, cancellation: Cancellation | None = None) -> Loader:
    """How the service is told; an HTTP reload asks nothing of Docker."""
    reload = {"kind": "http", "path": "/-/reload", "succeeded": SUCCEEDED, "at": AT}
    return Loader(cast(Any, None), "pointsman-dev-x", service.url, "/ready", reload, cancellation or Cancellation())


def test_reload(service: Service) -> None:
    """A reload is done when the service's metrics say so, not when it answered 200."""
    loader(service).load()
    assert service.requests == ["POST /-/reload", "GET /metrics"]


def test_a_refused_reload_says_why(service: Service) -> None:
    """The service's own words reach the user."""
    service.status, service.body = 500, "failed to reload config: yaml: line 3: did not find expected key\n"
    with pytest.raises(PointsmanError) as refused:
        loader(service).load()
    assert refused.value.message == "pointsman-dev-x refuses its config"
    assert refused.value.detail == service.body.strip()


@pytest.mark.parametrize("reloaded", [pytest.param(0.0, id="never"), pytest.param(time.time() - 60, id="earlier")])
def test_a_reload_that_is_only_claimed(service: Service, reloaded: float) -> None:
    """200 with a metric that stays 0 is a fault after a bounded wait, whatever an earlier reload had left."""
    service.successful, service.reloaded = 0, reloaded
    started = time.monotonic()
    with pytest.raises(PointsmanError, match="accepted the reload but did not load within") as claimed:
        loader(service).load()
    assert BOUND <= time.monotonic() - started < BOUND + 5
    assert claimed.value.detail == f"{SUCCEEDED} = 0.0"


def test_an_old_success_is_no_proof(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The metric stood at 1 before: only a time stamp of this reload counts."""
    monkeypatch.setattr(service, "reload", lambda: None)
    service.reloaded = time.time() - 60
    with pytest.raises(PointsmanError, match="did not load"):
        loader(service).load()


def test_a_service_that_is_gone() -> None:
    """Nobody listens: the reason is told, without a traceback of the HTTP library."""
    with serving(Service()) as gone:
        pass
    with pytest.raises(PointsmanError, match=r"pointsman-dev-x cannot be told to reload: .*refused"):
        loader(gone).load()


def test_cancel_ends_the_wait(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C does not wait for the bound."""
    monkeypatch.setattr(loading, "PROOF_SECONDS", 60)
    service.successful = 0
    cancellation = Cancellation()
    cancellation.cancel()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        loader(service, cancellation).load()
    assert time.monotonic() - started < 10


def test_watched_files(service: Service) -> None:
    """Every file must have been read as it was written now; one that was read earlier is named as late."""
    written = int(time.time())
    service.files = {"/c/a.json": written, "/c/b.json": written - 10}
    loader(service).until_read(MTIME, ["/c/a.json"], written)
    with pytest.raises(PointsmanError, match=r"did not read its files within .*/c/b\.json") as late:
        loader(service).until_read(MTIME, ["/c/a.json", "/c/b.json"], written)
    assert "/c/a.json" not in late.value.message


EXPOSITION = """\
# HELP up Whether.
# TYPE up gauge
up 1
up{job="a"} 0
up{job="a",x="has a blank"} 2
time 1.763722291e+09
bad NaN
other_up 5
"""


def test_samples() -> None:
    """A series is found by its exact text, with its labels or without; comments and others are left out."""
    wanted = {"up", 'up{job="a",x="has a blank"}', "time", "missing"}
    assert samples(EXPOSITION, wanted) == {"up": 1.0, 'up{job="a",x="has a blank"}': 2.0, "time": 1763722291.0}
    assert math.isnan(samples(EXPOSITION, {"bad"})["bad"])
    assert samples("", {"up"}) == {}
