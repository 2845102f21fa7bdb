"""`up` killed with SIGKILL at any moment: the next one converges, nothing is left over, no data is lost.

Each run kills at other places, by its seed: `make test` once from each state that an `up` may find, `make soak` at
every kind of point.
"""

from __future__ import annotations

import contextlib
import os
import queue
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from pointsman.services import labels
from tests.deployed.conftest import NewEstate
from tests.deployed.estate import Estate, eventually, kill_group, processes_of

SEED = int(os.environ.get("POINTSMAN_TEST_SEED") or time.time())
SERVICES = 5
CONFIGS = 3
RUN_SECONDS = 120


@dataclass(frozen=True)
class Point:
    """When a run is killed, and what it is given to do.

    `before`: `fresh` (all but data was taken down), `wrecked` (every container is gone), `edited` (one config differs).
    `event`: the Docker event after which the kill comes at once, the `nth` of its kind; a `writer` is the container
    through which a config volume is written. Empty: after `delay` seconds.
    """

    before: str
    event: str = ""
    nth: int = 1
    delay: float = 0.0

    def __str__(self) -> str:
        return f"{self.before}, {f'{self.event} {self.nth}' if self.event else f'{self.delay} s'}"


def _points() -> list[Point]:
    """Each kind once, at another place in every run; those after a creation come before the state knows of it."""
    rng = random.Random(SEED)
    points = [
        Point("fresh", "service created", nth=rng.randint(1, SERVICES)),
        Point("fresh", "service started", nth=rng.randint(1, SERVICES)),
        Point("fresh", "writer created", nth=rng.randint(1, CONFIGS)),
        Point("fresh", delay=round(rng.uniform(1.5, 8), 2)),
        Point("wrecked", "service created", nth=rng.randint(1, SERVICES)),
        Point("wrecked", "service started", nth=rng.randint(1, SERVICES)),
        Point("wrecked", delay=round(rng.uniform(0.5, 6), 2)),
        Point("edited", "writer created"),
        Point("edited", delay=round(rng.uniform(2, 4), 2)),
        Point("edited", delay=round(rng.uniform(4, 6), 2)),
    ]
    rng.shuffle(points)
    return points


POINTS = _points()
FIRST = {each.before: number for number, each in reversed([*enumerate(POINTS)])}.values()
"""The first point of each state; the others are soak."""


@pytest.fixture(scope="module")
def victim(new_estate: NewEstate) -> Iterator[Estate]:
    """An environment of this module's own."""
    estate = new_estate()
    estate.up()
    yield estate
    for process in processes_of(estate.clone):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    estate.remove()


@pytest.fixture(scope="module")
def marker(victim: Estate) -> int:
    """A value that Prometheus got before the first kill."""
    return victim.mark()


@contextlib.contextmanager
def _events(estate: Estate) -> Iterator[queue.Queue[str]]:
    """The events of an environment's containers as they come, in the words of Point."""
    found: queue.Queue[str] = queue.Queue()
    wanted = {"type": "container", "label": f"{labels.ENVIRONMENT}={estate.name}", "event": ["create", "start"]}
    stream = estate.engine.api.events(filters=wanted, decode=True)

    def follow() -> None:
        with contextlib.suppress(Exception):
            for event in stream:
                who = event["Actor"]["Attributes"]
                kind = "service" if labels.SERVICE in who else who["name"].rpartition("-")[2]
                found.put(f"{kind} {event['Action']}{'d' if event['Action'] == 'create' else 'ed'}")

    threading.Thread(target=follow, daemon=True).start()
    try:
        yield found
    finally:
        stream.close()


def _wait(point: Point, events: queue.Queue[str], process: subprocess.Popen[str]) -> None:
    """Returns when the point is reached, or the run has ended before."""
    deadline = time.monotonic() + (RUN_SECONDS if point.event else point.delay)
    seen = 0
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(queue.Empty):
            seen += events.get(timeout=0.02) == point.event
        if point.event and seen == point.nth:
            return


def _prepare(estate: Estate, point: Point, number: int) -> None:
    if point.before == "fresh":
        estate.clone.pointsman("down", "--env", estate.name).good()
    elif point.before == "wrecked":
        estate.wreck()
    else:
        estate.edit("prometheus", evaluation_interval=f"{number + 10}s")


def _survivors(estate: Estate) -> list[str]:
    """Processes of a killed run that are still there.

    Pulumi's Docker plugin is none of them: it ends a request at work, and notices by its own health check, within five
    minutes, that the engine is gone (sdk/go/common/util/rpcutil/healthcheck.go).
    """
    return [program for program in processes_of(estate.clone).values() if "pulumi-resource-docker" not in program]


def _in_state(estate: Estate) -> set[str]:
    resources: list[dict[str, Any]] = estate.state()
    return {each["id"] for each in resources if each["type"] == "docker:index/container:Container"}


@pytest.mark.parametrize(
    ("number", "point"),
    [
        pytest.param(number, point, marks=[] if number in FIRST else pytest.mark.soak)
        for number, point in enumerate(POINTS)
    ],
    ids=str,
)
def test_up_converges_after_a_kill(victim: Estate, marker: int, number: int, point: Point) -> None:
    """After kill -9 of the whole process group, one `pointsman up` is enough.

    It releases the dead run's lock; labelled containers and state agree; the marker is still there; no container of a
    helper and no process of the dead run is left; a plain `pulumi up` after it has nothing to do.
    """
    print(f"POINTSMAN_TEST_SEED={SEED}: kill {number}: {point}")
    _prepare(victim, point, number)
    with _events(victim) as events:
        process = victim.clone.start("up", "--env", victim.name, "--output", "json")
        _wait(point, events, process)
        kill_group(process)
    eventually(lambda: not _survivors(victim), seconds=15)

    told = victim.up()
    assert told["good"]
    assert set(victim.ids().values()) == _in_state(victim)
    assert len(victim.ids()) == SERVICES
    assert victim.helpers() == []
    assert victim.marked(marker)
    if point.before == "fresh":
        assert victim.pulumi_up("--expect-no-changes") == set()


def test_down_goes_on_after_a_kill(victim: Estate) -> None:
    """A killed `down` is finished by the next one: containers and network are gone, data is not."""
    data = {name for name in victim.volumes() if name.endswith("-data")}
    process = victim.clone.start("down", "--env", victim.name)
    eventually(lambda: len(victim.ids()) < SERVICES or process.poll() is not None, seconds=60)
    kill_group(process)
    eventually(lambda: not _survivors(victim), seconds=15)
    victim.clone.pointsman("down", "--env", victim.name).good()
    assert victim.ids() == {}
    assert victim.engine.networks.list(names=[f"pointsman-{victim.name}"]) == []
    assert victim.volumes() == data
