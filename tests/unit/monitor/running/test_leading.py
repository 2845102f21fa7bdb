"""Who leads: one at a time, by a file's lock and by PostgreSQL's, and the next one as soon as the first is gone."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from pointsman.errors import UnreachableError
from pointsman.monitor.leading import AdvisoryLease, FileLease, lease
from pointsman.runs import owned
from pointsman.runs.opening import Place, placed
from pointsman.runs.postgres import Address
from tests.deployed.specs import free_ports
from tests.postgres import Database, Server
from tests.standins.sinks import HttpSink, until
from tests.unit.monitor.running.world import START_SECONDS, Site


@pytest.fixture
def place(server: Server, tmp_path: Path) -> Place:
    """A store in an empty database."""
    return placed(server.database().settings(), tmp_path)


def address(place: Place) -> Address:
    """Where it is."""
    assert place.address is not None
    return place.address


def test_a_file_is_held_by_one(tmp_path: Path) -> None:
    """Also within a process; released, the other has it; a file that is gone is no lease any more."""
    first, second = FileLease(tmp_path / "state/lock"), FileLease(tmp_path / "state/lock")
    assert first.take()
    assert first.take()
    assert first.held()
    assert not second.take()
    assert not second.held()
    assert (tmp_path / "state/lock").read_text().startswith(f"{os.getpid()} on ")
    first.release()
    assert second.take()
    (tmp_path / "state/lock").unlink()
    assert not second.held()
    second.release()


def test_a_kill_releases_a_file(tmp_path: Path) -> None:
    """The kernel does that: no lease outlives who had it."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        taken = FileLease(tmp_path / "lock").take()
        os.write(writing, b"1" if taken else b"0")
        signal.pause()
        os._exit(0)
    assert os.read(reading, 1) == b"1"
    mine = FileLease(tmp_path / "lock")
    assert not mine.take()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert mine.take()
    mine.release()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """With the folder's name and what to do."""
    (tmp_path / "state").touch()
    with pytest.raises(UnreachableError, match=r"lease .*state/lock cannot be opened"):
        FileLease(tmp_path / "state/lock").take()


def test_the_servers_lock_is_held_by_one(place: Place) -> None:
    """It is of one table of runs: monitors of two do not stand in each other's way."""
    first, second = AdvisoryLease(address(place), "runs"), AdvisoryLease(address(place), "runs")
    other = AdvisoryLease(address(place), "ci.executions")
    assert first.take()
    assert not second.take()
    assert other.take()
    first.release()
    assert second.take()
    assert second.held()
    for each in (second, other):
        each.release()


def test_two_machines_share_a_server(place: Place, tmp_path: Path) -> None:
    """Their files do not know of each other; the server lets one of them lead."""
    first, second = lease(tmp_path / "one", place), lease(tmp_path / "two", place)
    assert first.take()
    assert not second.take()
    assert not second.held()
    first.release()
    assert second.take()
    second.release()


def test_a_session_that_died_is_noticed(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for again; who was quicker has it, and the one that lost it may not go on. Where no server answers,
    nobody gets it, and who had it keeps it until the server decides."""
    monkeypatch.setattr("pointsman.monitor.leading._LOOK_SECONDS", 0.0)
    database = server.database()
    place = placed(database.settings(), tmp_path)
    mine, other = lease(tmp_path / "one", place), lease(tmp_path / "two", place)
    assert mine.take()
    _end_sessions(database)
    assert mine.held()
    assert not other.take()
    _end_sessions(database)
    assert other.take()
    assert not mine.held()
    mine.release()
    server.stop()
    try:
        assert other.held()
        with pytest.raises(UnreachableError, match="gives no lease"):
            mine.take()
    finally:
        server.start()
    assert other.held()
    assert not mine.take()
    other.release()


def _end_sessions(database: Database) -> None:
    """All of the database but the one that says it."""
    ending = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    database.execute(f"{ending} AND datname = '{database.name}'")


def test_a_monitor_on_another_machine_takes_over(server: Server, tmp_path: Path) -> None:
    """Two monitors with journals of their own on one PostgreSQL, with the folders for results in common: the leader is
    killed, the other finds its archives and reports done, and does what is left."""
    database = server.database()
    store = {"url": database.url, "password_file": str(database.password_file), "artifacts": "artifacts/{run_id}"}
    with ExitStack() as stack:
        sink = stack.enter_context(HttpSink())
        site = Site(tmp_path, sink)
        site.store = database.settings(artifacts="artifacts/{run_id}")
        owned.init(site.store, tmp_path)
        running = []
        for number, port in enumerate(free_ports(2)):
            site.settle(store=store, state=f".state/{number}", serving={"port": port})
            (tmp_path / "monitor.yaml").rename(tmp_path / f"{number}.yaml")
            running.append(stack.enter_context(site.monitor("--config", f"{number}.yaml", port=port)))
        until(lambda: all(each.hears("shows runs") for each in running), "both serve", START_SECONDS)
        leader = next(each for each in running if each.page("leader")["leader"])
        (other,) = [each for each in running if each is not leader]
        assert not other.page("leader")["leader"]
        ended = site.made("completing", 3, steps=1)
        site.advance()
        until(lambda: len(list(tmp_path.glob(".archive/*.zip"))) == 3, "three archives", START_SECONDS)
        before = {each.name: each.stat().st_mtime_ns for each in tmp_path.glob(".archive/*.zip")}
        leader.end(signal.SIGKILL)
        until(lambda: other.page("leader")["leader"], "the other leads", 20)
        ended += site.made("failing", 1, steps=1)
        site.advance()
        until(lambda: len(list(tmp_path.glob("reports/*.json"))) == 4, "the fourth report", START_SECONDS)
        until(lambda: not any(other.page("queue_depth").values()), "nothing is left")
        after = {each.name: each.stat().st_mtime_ns for each in tmp_path.glob(".archive/*.zip")}
        assert before.items() <= after.items()
        assert sorted(after) == sorted(f"{run}.zip" for run in ended)
        assert not any(other.page("dead_letters").values())
        assert other.end() == 0
