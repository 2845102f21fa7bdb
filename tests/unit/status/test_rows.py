"""The facts of the status table."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from pointsman.services import grafana, intake
from pointsman.status import READY
from pointsman.status.gathering import labelled_version
from tests.unit.services.cases import EXISTING, Case, every_case
from tests.unit.status.world import MIB, World, declared, told

REFUSED = httpx.ConnectError("[Errno 111] Connection refused")


def test_a_row_for_every_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each in the order of the estate, with its main address and those of its other ports."""
    world = World(rates=[({"job": "loki"}, 14.5)])
    table = world.table(monkeypatch)
    assert list(table) == [service.name for service in world.environment.estate.services]
    assert all(row.good for row in table.values())
    loki, proxy, collector = table["loki"], table["socket-proxy"], table["collector"]
    assert (loki.url, loki.memory, loki.health) == ("http://127.0.0.1:3100", 5 * MIB, READY)
    assert (loki.ingestion, loki.ingestion_unit) == (14.5, "lines")
    assert (proxy.url, proxy.health, proxy.ingestion_unit) == ("", "not published", "")
    assert collector.addresses == {
        "otlp-http": "http://127.0.0.1:4318",
        "otlp-grpc": "127.0.0.1:4317",
        "metrics": "http://127.0.0.1:8888",
        "health": "http://127.0.0.1:13133",
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": "paused"}, "paused; docker unpause pointsman-dev-loki"),
        ({"status": "restarting", "exit_code": 1, "restarts": 3}, "restarting: exit code 1, 3 restarts"),
        ({"status": "exited", "exit_code": 137}, "exited: exit code 137"),
        (
            {"status": "exited", "exit_code": 137, "killed_for_memory": True},
            "exited: exit code 137, out of memory: its limit is 512 MiB",
        ),
        ({"networks": ()}, "not on the network pointsman-dev"),
        ({"networks": ("bridge",)}, "not on the network pointsman-dev"),
    ],
    ids=str,
)
def test_a_container_that_is_not_well_says_why(
    changes: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red with the container's own reason, also where something still answers at its address; nobody else is red."""
    world = World()
    world.found["loki"] = replace(world.found["loki"], **changes)
    table = world.table(monkeypatch)
    assert [row.service for row in table.values() if not row.good] == ["loki"]
    assert table["loki"].health == said


def test_a_service_without_an_address_is_judged_by_its_container(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing outside can ask the socket proxy: off the network it serves nobody all the same."""
    world = World()
    world.found["socket-proxy"] = replace(world.found["socket-proxy"], networks=())
    assert [row.service for row in world.table(monkeypatch).values() if not row.good] == ["socket-proxy"]


def test_a_container_that_has_just_died_is_not_well_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker has restarted it and forgotten why; the kernel's word is in the engine's events."""
    lately = datetime.now(UTC) - timedelta(seconds=12)
    world = World(starved=frozenset({"tempo", "loki"}))
    world.found["loki"] = replace(world.found["loki"], restarts=1, started=lately)
    world.found["prometheus"] = replace(world.found["prometheus"], restarts=7)
    table = world.table(monkeypatch)
    assert table["loki"].health == "died: 1 restart, up for 12 s, out of memory: its limit is 512 MiB"
    assert table["tempo"].health == "a process of it died, out of memory: its limit is 512 MiB"
    assert table["prometheus"].good, "it died an hour ago, and its restarts are told beside"


def test_what_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gone, refused, silent and refusing, each in its own words; the Collector is asked at its health port."""
    world = World()
    del world.found["loki"]
    world.faults[world.port("tempo")] = REFUSED
    world.faults[world.port("collector", "health")] = httpx.ReadTimeout("", request=None)
    world.answers[world.port("alertmanager")] = httpx.Response(503, text="starting")
    table = world.table(monkeypatch)
    said = {row.service: row.health for row in table.values() if not row.good}
    assert said["loki"] == "no such container"
    assert "Connection refused" in said["tempo"]
    assert "no answer within" in said["collector"]
    assert said["alertmanager"] == "answered 503: starting"
    assert set(said) == {"loki", "tempo", "collector", "alertmanager"}
    assert (table["loki"].state, table["loki"].version_from, table["loki"].memory) == ("missing", "unknown", None)


@pytest.mark.parametrize("fault", [REFUSED, httpx.ReadTimeout("", request=None)], ids=["down", "frozen"])
def test_without_prometheus(fault: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are told as before; what only Prometheus knows is unknown, and versions are those of the images."""
    world = World(rates=[({"job": "loki"}, 1.0)])
    world.faults[world.port("prometheus")] = fault
    table = world.table(monkeypatch)
    assert [row.service for row in table.values() if not row.good] == ["prometheus"]
    assert {row.ingestion for row in table.values()} == {None}
    assert table["loki"].ingestion_unit == "lines"
    assert {row.version_from for row in table.values()} == {"image"}


def test_an_answer_of_prometheus_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts and refuses queries, or something else is at its address: unknown, and no traceback."""
    assert World(rates=None).table(monkeypatch)["loki"].ingestion is None
    world = World()
    world.answers[world.port("prometheus")] = httpx.Response(200, text="<html>")
    assert world.table(monkeypatch)["loki"].ingestion is None


def test_the_version_is_that_of_this_very_container(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own word where it has been scraped since it started; a scrape of the container before says nothing of it."""
    world = World(versions=[told("loki", "v3.7.9", 5), told("tempo", "2.5.0", 4000), told("collector", "", 5)])
    table = world.table(monkeypatch)
    assert (table["loki"].version, table["loki"].version_from) == ("3.7.9", "service")
    assert (table["tempo"].version, table["tempo"].version_from) == ("1.2.3", "image")
    assert (table["collector"].version, table["collector"].version_from) == ("1.2.3", "image")


def _borrowing() -> World:
    """An environment `dev` with a Prometheus that others run, at port 9090 of another machine."""
    case = Case("dev", EXISTING, "promtail", frozenset({grafana.NAME}))
    return World(declared(case), rates=[({"job": "loki"}, 3.0)])


def test_a_prometheus_that_others_run_has_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last one: whether it answers. It is asked for this environment's series alone, which others may have too."""
    world = _borrowing()
    table = world.table(monkeypatch)
    row = table["prometheus"]
    assert list(table)[-1] == "prometheus"
    assert (row.state, row.health, row.good, row.memory) == ("elsewhere", READY, True, None)
    assert row.url == "http://prometheus.example.org:9090"
    assert table["loki"].ingestion == 3.0
    assert all(asked.count("{") == asked.count('environment="dev"') for asked in world.asked)


def test_a_prometheus_that_others_run_and_that_is_down_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    """What only it knows is unknown then."""
    world = _borrowing()
    world.faults[9090] = REFUSED
    table = world.table(monkeypatch)
    assert [row.service for row in table.values() if not row.good] == ["prometheus"]
    assert "Connection refused" in table["prometheus"].health
    assert table["loki"].ingestion is None


def test_what_is_switched_off_has_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked of it, and nothing is missing."""
    off = "collector: {enabled: false}\ntempo: {enabled: false}\nalertmanager: {enabled: false}"
    table = World(declared(Case("dev", off, "promtail", frozenset({grafana.NAME})))).table(monkeypatch)
    assert not {"collector", "tempo", "alertmanager", "alert-sink"} & set(table)
    assert all(row.good for row in table.values())


def test_prometheus_is_asked_twice_whatever_the_number_of_services(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rates and versions: no exposition is read, however many services there are."""
    world = World()
    world.table(monkeypatch)
    assert len(world.asked) == 2


@every_case
def test_the_intake_of_every_service_is_asked_for(case: Case) -> None:
    """Only of its own job; over four scrapes, but a minute at least."""
    asked = intake.rates(case.estate.services, case.estate.scrape_interval)
    counting = {each.name for each in case.estate.services if intake.intake(each)}
    (scraped,) = re.findall(r'job=~"([^"]+)"', asked)
    assert set(re.findall(r'job="([^"]+)"', asked)) == counting == set(scraped.split("|"))
    assert {"prometheus", "loki", "log-agent"} <= counting
    assert set(re.findall(r"\[(\d+)s\]", asked)) == {str(max(60, int(4 * case.estate.scrape_interval)))}


@pytest.mark.parametrize(
    ("label", "version"),
    [
        ("pointsman/loki:3.7.8-ab12cd34ef56", "3.7.8"),
        ("docker.io/grafana/loki:3.7.8@sha256:0f1e", "3.7.8"),
        ("mirror.example.org:5000/grafana/loki:3.7.8", "3.7.8"),
        ("mirror.example.org:5000/grafana/loki", ""),
        ("", ""),
    ],
)
def test_the_version_in_the_name_of_an_image(label: str, version: str) -> None:
    """A registry's port and a recipe's hash are no part of it."""
    assert labelled_version(label) == version
