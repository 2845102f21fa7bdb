"""kill -9 at every point of watching, delivering and handling, in the monitor as it is put together for real.

A life is a forked process, so that nothing has to be imported again; the one that follows it finds what it left.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpcore  # noqa: F401  which each life would import anew
import httpx  # noqa: F401
import pytest

from pointsman.monitor import bus, crashing, lookout, loop, watching
from pointsman.monitor import settings as reading
from pointsman.monitor.handlers import archive, log, report, traces
from pointsman.runs import database
from tests.postgres import Database, Server
from tests.standins.sinks import HttpSink, until
from tests.unit.monitor.running.world import Site

HANDLERS = (archive.POINTS, report.POINTS, log.POINTS, traces.POINTS)
POINTS = [*crashing.POINTS, *(point for points in HANDLERS for point in points)]
# What the bus does for each handler anew is killed later as well, in the midst of the work of others. Steps are read
# once an event.
ONCE_AN_EVENT = "bus-after-steps"
LATER = [
    f"{point}:{times}"
    for point in POINTS
    for times in (2, 5)
    if point.startswith("bus-") and (point, times) != (ONCE_AN_EVENT, 5)
]
LIFE_SECONDS = 20.0


@dataclass(frozen=True)
class Begun:
    """A store in which two runs have completed and one has failed, all unseen. `database` is None for SQLite."""

    folder: Path
    database: Database | None = None


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def begun(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Begun:
    """One of each kind of database."""
    folder, database = tmp_path_factory.mktemp("begun"), None
    if request.param == "postgresql":
        running: Server = request.getfixturevalue("server")
        database = running.database()
    with HttpSink() as sink:
        site = Site(folder, sink, database)
    site.made("completing", 2, steps=1)
    site.made("failing", steps=1)
    site.advance()
    return Begun(folder, database)


@pytest.fixture
def site(
    tmp_path: Path, begun: Begun, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Site]:
    """A copy of it, with a sink of its own."""
    for part in begun.folder.iterdir():
        if part.is_dir():
            shutil.copytree(part, tmp_path / part.name)
    database = None
    if begun.database is not None:
        running: Server = request.getfixturevalue("server")
        database = running.database(of=begun.database)
    with HttpSink() as sink:
        site = Site(tmp_path, sink, database)
        monkeypatch.setenv("ALERT_WEBHOOK_URL", f"{sink.url}/alerts")
        yield site


def life(site: Site, crash_at: str = "") -> int:
    """Begins a monitor in a process of its own, to be killed at a point; its process id."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        with (site.folder / "said").open("a") as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
        sys.stdout = sys.stderr = said = (site.folder / "said").open("a")  # what pytest took in their place
        crashing.arm(crash_at)
        # Or it would take a minute until the journal is looked through for what is old.
        watching.PRUNE_SECONDS = 0.0
        # All that is waited for, shorter: what is waited for is the same.
        bus.LOOK_SECONDS = lookout.WAIT_SECONDS = loop.TURN_SECONDS = database.PACE_SECONDS = 0.05
        code = loop.Monitor(reading.read(site.folder / "monitor.yaml")).run()
    finally:
        os._exit(code)


def ended(child: int, seconds: float = LIFE_SECONDS) -> int:
    """The exit code of a life, negative for a signal."""
    until = time.monotonic() + seconds
    while not (found := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            pytest.fail("the process did not end by itself")
        time.sleep(0.01)
    return os.waitstatus_to_exitcode(found[1])


def runs(site: Site) -> list[str]:
    """The ids of all runs, by their artifacts."""
    return [each.name for each in (site.folder / "artifacts").iterdir()]


@pytest.mark.parametrize("at", [*POINTS, *LATER])
def test_killed_anywhere_all_is_done_once(site: Site, at: str) -> None:
    """Killed at a point and started again, the monitor has archived, reported and logged each run once, and told of
    each at least once, with the same ids."""
    assert ended(life(site, at)) == -signal.SIGKILL, (site.folder / "said").read_text()
    child = life(site)
    try:
        until(lambda: site.done(ends=3), "all is done", LIFE_SECONDS)
    finally:
        os.kill(child, signal.SIGTERM)
        code = ended(child)
    assert code == 0, (site.folder / "said").read_text()
    site.prove_once(runs(site), repeats=True)
