"""Two environments of one user, from two clones, on one engine: neither sees or harms the other."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from pointsman.services import labels
from tests.deployed.conftest import NewClone, NewEstate
from tests.deployed.estate import Estate, eventually


@pytest.fixture(scope="module")
def pair(new_estate: NewEstate, new_clone: NewClone) -> Iterator[tuple[Estate, Estate]]:
    """Two environments that were brought up at the same time, as the first of their user's."""
    left = new_estate()
    right = new_estate(new_clone(like=left.clone))
    runs = [each.clone.start("up", "--env", each.name, "--output", "json") for each in (left, right)]
    said = [run.communicate(timeout=180)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    yield left, right
    for each in (left, right):
        each.remove()


def _streams(own: Estate) -> list[dict[str, str]]:
    """All streams that an environment's Loki knows, whosever they are."""
    found: list[dict[str, str]] = own.data("loki", "/loki/api/v1/series", **{"match[]": '{environment=~".+"}'})
    return found


def _have_arrived(own: Estate, services: set[str]) -> bool:
    return services <= {stream["service"] for stream in _streams(own)}


def test_each_sees_its_own_alone(pair: tuple[Estate, Estate]) -> None:
    """Logs, targets and labels of one environment carry nothing of the other; both are one user's estate."""
    for own in pair:
        services = set(own.ids())
        eventually(partial(_have_arrived, own, services))
        assert {stream["environment"] for stream in _streams(own)} == {own.name}
        targets = own.data("prometheus", "/api/v1/targets", state="active")["activeTargets"]
        assert {each["labels"]["service"] for each in targets} == services - {"socket-proxy"}
    estates = {each.labels[labels.ESTATE] for own in pair for each in own.containers().values()}
    assert len(estates) == 1


def test_one_goes_the_other_stays(pair: tuple[Estate, Estate]) -> None:
    """`down --volumes` leaves nothing of one, and does not touch the other. What `down` alone keeps: test_killed.py."""
    left, right = pair
    others, volumes = right.ids(), right.volumes()
    told = left.clone.pointsman("down", "--env", left.name, "--volumes", "--output", "json").good().document()
    assert len(told["volumes_removed"]) == 3
    assert (left.ids(), left.volumes()) == ({}, set())
    assert left.engine.networks.list(names=[f"pointsman-{left.name}"]) == []
    assert (right.ids(), right.volumes()) == (others, volumes)
    assert right.clone.pointsman("verify", "--env", right.name).code == 0
