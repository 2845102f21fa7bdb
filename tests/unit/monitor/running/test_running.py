"""`pointsman monitor run` as a process: what is made up is seen, archived, reported, logged, traced, alerted, shown."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployed.specs import free_ports
from tests.standins.sinks import HttpSink, until
from tests.unit.monitor.running.world import START_SECONDS, Running, Site


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    """Where alerts and traces go."""
    with HttpSink() as sink:
        yield sink


@pytest.fixture
def site(tmp_path: Path, sink: HttpSink) -> Site:
    """A folder with settings; nothing is in it yet."""
    return Site(tmp_path, sink)


def leads(running: Running) -> bool:
    """Whether a monitor says that it does; it may not answer yet."""
    return running.hears("this monitor leads") and running.hears("shows runs")


def test_from_run_to_sink(site: Site) -> None:
    """Runs that complete and fail are seen within the second or so, acted on once, and shown; SIGTERM ends well."""
    with site.monitor() as running:
        until(lambda: leads(running), "it leads", START_SECONDS)
        assert running.get("/readyz").status_code == 503  # there is no store yet
        assert running.get("/healthz").status_code == 200
        ended = [*site.made("completing", 2, steps=2), *site.made("failing", steps=2)]
        until(lambda: running.get("/readyz").status_code == 200, "the store answers")
        site.advance()
        site.advance()
        site.await_done(ends=3)
        site.prove_once(ended)
        assert running.page("runs_ended_total") == {
            'runs_ended_total{run_kind="test",state="completed"}': 2,
            'runs_ended_total{run_kind="test",state="failed"}': 1,
        }
        found = {run["id"]: run for run in running.get("/api/runs").json()["runs"]}
        assert {run_id: run["state"] for run_id, run in found.items()} == {
            ended[0]: "completed",
            ended[1]: "completed",
            ended[2]: "failed",
        }
        run = running.get(f"/api/runs/{ended[2]}").json()
        assert [step["state"] for step in run["steps"]] == ["completed", "failed"]
        assert [event["event"] for event in run["events"]] == ["run_started", "run_failed"]
        assert {each["state"] for event in run["events"] for each in event["handlers"]} == {"done"}
        began = time.monotonic()
        assert running.end() == 0
        assert time.monotonic() - began < 5


def test_settings_are_read_anew(site: Site) -> None:
    """SIGHUP takes good rules and limits, and leaves all as it was where they are wrong, and says what is."""
    site.made("completing")
    with site.monitor() as running:
        until(lambda: leads(running), "it leads", START_SECONDS)
        site.write("alerts.yaml", {"rules": {"RunCompleted": {"severity": "loud"}}})
        running.process.send_signal(signal.SIGHUP)
        until(lambda: running.hears("the settings stay as they were"), "it refuses")
        assert running.page("settings_good") == {"settings_good": 0}
        site.write("alerts.yaml", {"rules": {"RunSilent": {"events": ["run_stalled"], "throttle": "1ms"}}})
        site.settle(limits={"silent": "1s"}, serving=site.spec["serving"])
        running.process.send_signal(signal.SIGHUP)
        until(lambda: running.hears("read anew hold"), "it takes them")
        assert running.page("settings_good") == {"settings_good": 1}
        until(lambda: site.sink.at("/alerts"), "the stall is told by the new rule")
        assert {each["labels"]["alertname"] for each in site.sink.at("/alerts")[0].body["alerts"]} <= {
            "RunSilent",
            "RunStalled",
        }
        assert running.end(signal.SIGINT) == 0


def test_a_store_that_goes_away_is_told_and_asked_again(site: Site) -> None:
    """Without its store the monitor says that it is not well, once, and that it is again; it never ends by that."""
    site.made("completing")
    site.settle(unhealthy_after="1s")
    store = site.folder / ".state/orchestration.db"
    with site.monitor() as running:
        until(lambda: leads(running), "it leads", START_SECONDS)
        until(lambda: running.get("/readyz").status_code == 200, "it is ready")
        store.rename(store.with_suffix(".away"))
        until(lambda: "monitor_unhealthy" in {kind for kind, _ in site.events().values()}, "it is told", 30)
        assert "missing" in running.get("/readyz").text or "there is no" in running.get("/readyz").text
        store.with_suffix(".away").rename(store)
        until(lambda: "monitor_healthy" in {kind for kind, _ in site.events().values()}, "that it is over", 30)
        assert running.get("/readyz").status_code == 200
        kinds = [kind for kind, _ in site.events().values() if kind.startswith("monitor")]
        assert sorted(kinds) == ["monitor_healthy", "monitor_unhealthy"]
        assert running.end() == 0


def test_what_is_wrong_at_the_start_is_said(site: Site) -> None:
    """A port that is taken is the world's fault, settings that are wrong are the user's; no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with site.monitor(port=taken.getsockname()[1]) as running:
            assert running.process.wait(START_SECONDS) == 3
        assert running.hears("Address already in use")
    site.write("monitor.yaml", {"stor": {}, "limits": {"silent": "soon"}})
    with site.monitor(port=free_ports(1)[0]) as running:
        assert running.process.wait(START_SECONDS) == 2
    assert running.hears("did you mean store?")
    assert not running.hears("Traceback")


def test_the_service_manager_is_told(site: Site) -> None:
    """Type=notify: ready, its status, alive as often as the watchdog asks for, reloading, ending."""
    address = str(site.folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(START_SECONDS)
        with site.monitor(NOTIFY_SOCKET=address, WATCHDOG_USEC="400000") as running:
            heard: list[str] = []

            def hear(word: str) -> None:
                while not any(word in each for each in heard):
                    heard.append(manager.recv(4096).decode())
                heard.clear()

            hear("READY=1\nSTATUS=leads")
            hear("WATCHDOG=1")
            hear("WATCHDOG=1")
            running.process.send_signal(signal.SIGHUP)
            hear("RELOADING=1\nMONOTONIC_USEC=")
            hear("READY=1")
            assert running.end() == 0
            hear("STOPPING=1")


def test_two_on_one_store(site: Site) -> None:
    """Of two monitors one leads. It is killed, the other takes over, and every event is acted on once."""
    ended = site.made("completing", 20, steps=3)
    ports = free_ports(2)
    with site.monitor(port=ports[0]) as first, site.monitor(port=ports[1]) as second:
        until(lambda: all(each.hears("shows runs") for each in (first, second)), "both serve", START_SECONDS)
        leaders = [each for each in (first, second) if each.page("leader")["leader"] == 1]
        assert len(leaders) == 1
        leader, other = leaders[0], second if leaders[0] is first else first
        site.advance()
        site.advance()
        site.advance()
        # In the midst of its work.
        until(lambda: any((site.folder / ".archive").glob("*.zip")), "the first archive is there")
        leader.end(signal.SIGKILL)
        until(lambda: other.page("leader")["leader"] == 1, "the other leads", 10)
        site.await_done(ends=20)
        more = site.made("failing", 3, steps=1)
        site.advance()
        site.await_done(ends=23)
        site.prove_once([*ended, *more], repeats=True)
        assert other.page("runs_ended_total")['runs_ended_total{run_kind="test",state="completed"}'] == 20
        assert other.end() == 0


def test_the_second_waits_for_the_port(site: Site) -> None:
    """Started alike on one machine, the second stands by without a page, and has the port with the lead."""
    site.made("completing")
    with site.monitor() as first:
        until(lambda: leads(first), "it leads", START_SECONDS)
        with site.monitor() as second:
            until(lambda: second.hears("no page until the port is free"), "it stands by", START_SECONDS)
            assert first.end() == 0
            until(lambda: leads(second), "it leads and serves", 15)
            assert second.page("leader")["leader"] == 1
