"""The run monitor beside the stack: runs that are made up in the checkout, and what becomes of them, seen from outside.

One store, one archive, one alert a run: each is looked for where a person would look.
"""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from dataclasses import dataclass, field
from typing import Any

import docker
import pytest

from pointsman.services import run_monitor
from pointsman.targets.docker import names
from tests.deployed.estate import Estate, eventually
from tests.deployed.panels import WIDE, frames, series_of, values_of

# Archived, reported and told within seconds; Alertmanager groups for one more, Tempo finds what its index has taken in.
SECONDS = 60.0
ENDS = {"completing": "completed", "failing": "failed"}


@dataclass
class Watched:
    """An environment with a monitor; `runs` are those that were made up, by how they go."""

    estate: Estate
    runs: dict[str, str] = field(default_factory=dict)

    def api(self, path: str) -> Any:
        """What the monitor's API tells."""
        answer = self.estate.http.get(f"{self.estate.url('monitor')}{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def handled(self, how: str) -> dict[str, dict[str, tuple[str, str]]]:
        """Of a run's events: what each handler made of them, a state and a note."""
        events = self.api(f"/api/runs/{self.runs[how]}")["events"]
        return {
            each["event"]: {told["handler"]: (told["state"], told["note"]) for told in each["handlers"]}
            for each in events
        }

    def pointsman(self, *words: str) -> list[dict[str, Any]]:
        """The rows that a command of `pointsman runs` prints."""
        done = self.estate.clone.pointsman("runs", *words, "--env", self.estate.name, "--output", "json").good()
        return list(done.document()["rows"])

    def file(self, path: str) -> bytes:
        """A file of the monitor's volume; empty where it is not there yet."""
        name = names.container(self.estate.name, run_monitor.NAME)
        try:
            chunks, _ = self.estate.engine.containers.get(name).get_archive(f"{run_monitor.DATA}/{path}")
        except docker.errors.NotFound:
            return b""
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            (member,) = archive.getmembers()
            content = archive.extractfile(member)
            assert content is not None
            return content.read()


@pytest.fixture(scope="module")
def watched(whole_session_estate: Estate) -> Watched:
    """A run that completes, one that fails, one that nothing was heard of for an hour: by the command of the how-to."""
    found, clone = Watched(whole_session_estate), whole_session_estate.clone
    for how in ENDS:
        found.runs[how] = _made(whole_session_estate, how, "--advance", "--interval", "0.2")
    found.runs["silent"] = _made(whole_session_estate, "silent", "--age", "1h")
    assert ".state" not in clone.git("status", "--porcelain"), "a store is nothing to be committed"
    return found


def _made(estate: Estate, *words: str) -> str:
    done = estate.clone.pointsman("runs", "create-test", *words, "--env", estate.name, "--output", "json").good()
    return str(json.loads(done.out.splitlines()[0])["rows"][0]["run"])


@pytest.mark.parametrize(("how", "state"), ENDS.items(), ids=ENDS)
def test_a_run_that_ends_is_seen_and_handled(watched: Watched, how: str, state: str) -> None:
    """Its end is an event of one kind, which every handler took."""
    expected = {"archive", "report", "log", "metrics", "traces", "alerts-alertmanager"}

    def done() -> bool:
        told = watched.handled(how).get(f"run_{state}", {})
        return expected <= told.keys() and all(each[0] == "done" for each in told.values())

    eventually(done, SECONDS)


@pytest.mark.parametrize("how", ENDS)
def test_it_is_archived(watched: Watched, how: str) -> None:
    """With what it made, in the monitor's own volume."""
    run = watched.runs[how]
    archive = eventually(lambda: watched.file(f"archive/{run}.zip"), SECONDS)
    with zipfile.ZipFile(io.BytesIO(archive)) as members:
        assert members.testzip() is None
        (log,) = (name for name in members.namelist() if name.endswith("output.log"))
        assert members.read(log).decode() == f"what {run} made\n"


@pytest.mark.parametrize(("how", "state"), ENDS.items(), ids=ENDS)
def test_it_is_reported(watched: Watched, how: str, state: str) -> None:
    """For programs and for people."""
    run = watched.runs[how]
    summary = json.loads(eventually(lambda: watched.file(f"reports/{run}_summary.json"), SECONDS))
    assert (summary["run"]["id"], summary["run"]["state"]) == (run, state)
    page = eventually(lambda: watched.file(f"reports/{run}_summary.html"), SECONDS).decode()
    assert run in page
    assert "<svg" in page


@pytest.mark.parametrize("how", ENDS)
def test_it_is_traced(watched: Watched, how: str) -> None:
    """As a tree with a span a step, which Tempo finds by the run's id."""
    asked = f'{{ resource.service.name = "runs" && span.workflow.id = "{watched.runs[how]}" }}'

    def found() -> Any:
        return watched.estate.get("tempo", "/api/search", q=asked).json()["traces"]

    (trace,) = eventually(found, SECONDS)
    whole = watched.estate.get("tempo", f"/api/traces/{trace['traceID']}").text
    assert whole.count("step ") >= 4


@pytest.mark.parametrize(("how", "alert"), [("failing", "RunFailed"), ("silent", "RunStalled")])
def test_it_is_told(watched: Watched, how: str, alert: str) -> None:
    """At the alert sink, by way of Alertmanager, with the run's id in the text."""

    def told() -> list[str]:
        notified = watched.estate.http.get(f"{watched.estate.url('alert_sink')}/notifications").text
        return [line for line in notified.splitlines() if alert in line and watched.runs[how] in line]

    eventually(told, SECONDS)


def test_a_stall_is_shown(watched: Watched) -> None:
    """By the command line as by the page: which run, and what is wrong with it."""
    silent = watched.runs["silent"]
    eventually(lambda: watched.api(f"/api/runs/{silent}")["stalls"] == ["silent"], SECONDS)
    rows = watched.pointsman("list")
    assert {each["id"]: each["stalls"] for each in rows if each["id"] in watched.runs.values()} == {
        watched.runs["completing"]: [],
        watched.runs["failing"]: [],
        silent: ["silent"],
    }


def test_the_board_counts_them(watched: Watched) -> None:
    """Ends and the stall are on the dashboard Run Monitor."""

    def shown(title: str) -> dict[str, float]:
        found = frames(watched.estate, run_monitor.NAME, title, points=WIDE)
        return {series_of(each): float(values_of(each)[-1]) for each in found if values_of(each)}

    eventually(lambda: shown("Runs that ended").keys() >= {"testcompleted", "testfailed"}, SECONDS)
    eventually(lambda: shown("Stalls").get("testsilent", 0) >= 1, SECONDS)
    assert shown("Leader") == {"": 1}


def test_it_only_reads(watched: Watched) -> None:
    """The store's folder is mounted read-only, and the monitor is nobody."""
    name = names.container(watched.estate.name, run_monitor.NAME)
    attributes = watched.estate.engine.containers.get(name).attrs
    mounted = [each for each in attributes["Mounts"] if each["Type"] == "bind"]
    assert mounted
    assert not any(each["RW"] for each in mounted)
    assert attributes["Config"]["User"] == "65534:65534"


def test_what_was_given_up_is_tried_again_from_here(watched: Watched) -> None:
    """`runs dead-letters retry` reaches the journal in the container; there is nothing to be retried."""
    assert watched.pointsman("dead-letters", "retry") == [{"retried": 0}]
