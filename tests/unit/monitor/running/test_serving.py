"""The monitor's API and pages: what they show, that nobody's text becomes markup, and that they follow what happens."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from pointsman.monitor.bus import Bus, audience
from pointsman.monitor.events import EventKind
from pointsman.monitor.handling import Occurrence, Rejected
from pointsman.monitor.journal import Journal
from pointsman.monitor.limits import Limits
from pointsman.monitor.serving import MonitorServer, Reply, Site
from pointsman.monitor.views import Views
from pointsman.monitor.watching import Watcher
from pointsman.pictures import browser
from pointsman.runs.model import Run, RunState, Step
from pointsman.runs.source import Page
from tests.unit.monitor.world import ManualClock, MemorySource, a_run

EVIL = "<script>alert(1)</script>\"'&\x00"


class Refusing:
    """A handler that takes nothing."""

    name = "refusing"

    def wants(self, kind: EventKind) -> bool:
        return True

    def handle(self, occurrence: Occurrence) -> str:
        raise Rejected(f"never {EVIL}")


class Source(MemorySource):
    """Narrows lists as a database does, and has steps with an error."""

    def runs(self, page: Page) -> Sequence[Run]:
        self._answer("runs")
        found = [run for run in self.rows.values() if not page.states or run.state in page.states]
        return [run for run in found if page.kind in ("", run.kind)][: page.limit]

    def steps(self, run_id: str) -> tuple[Step, ...]:
        return (
            Step(run_id, "build", RunState.COMPLETED),
            Step(run_id, f"agent {EVIL}", RunState.FAILED, 1, "agent", error=f"it broke {EVIL}"),
        )


@pytest.fixture
def source() -> Source:
    """Runs in memory."""
    return Source()


@pytest.fixture
def site(tmp_path: Path, source: Source) -> Iterator[Site]:
    """A site over a journal of the test's own, in which a dead letter lies."""
    journal, clock, handlers = Journal(tmp_path / "journal.db"), ManualClock(), [Refusing()]
    source.write(a_run(RunState.FAILED, id=f"a/../b {EVIL[:-1]}", name=EVIL, error=EVIL, url="javascript:alert(1)"))
    Watcher(source, journal, Limits(), clock, audience(handlers)).step()
    Bus(journal, handlers, clock).turn("refusing")
    yield Site(Views([source], journal), lambda: [], lambda: [], lambda: "")
    journal.close()


def body(reply: Reply) -> str:
    """The text of a good answer."""
    assert reply.status == 200, reply.content
    return reply.content.decode()


def test_nobodys_text_is_markup(site: Site) -> None:
    """Names, errors and addresses of runs are text on every page; links lead to runs whatever their ids are."""
    listed = body(site.get("/"))
    (address,) = set(re.findall(r'href="(/runs/[^"]*)"', listed))
    one = body(site.get(address.replace("&amp;", "&")))
    for page in (listed, one, body(site.get("/dead-letters"))):
        assert page.count("<script") == 1
        assert "javascript:" not in re.sub(r"<[^a][^>]*>", "", "".join(re.findall(r'href="[^"]*"', page)))
        assert "&lt;script&gt;" in page
        assert "\x00" not in page
    assert "Agent runs" in one
    assert "it broke" in one
    assert body(site.get("/dead-letters")).count("never") == 1


def test_the_api_tells_all_of_it(site: Site) -> None:
    """A list, one run with steps, events and what handlers said, and what was given up."""
    (run,) = json.loads(body(site.get("/api/runs?state=failed,completed&limit=5")))["runs"]
    assert (run["state"], run["kind"], run["source"]) == ("failed", "batch", "store")
    assert json.loads(body(site.get("/api/runs?state=running")))["runs"] == []
    one = json.loads(body(site.get(f"/api/runs/{quote(f'a/../b {EVIL[:-1]}', safe='')}")))
    assert [step["error"][:8] for step in one["steps"]] == ["", "it broke"]
    assert [(event["event"], event["handlers"][0]["state"]) for event in one["events"]] == [("run_failed", "dead")]
    (letter,) = json.loads(body(site.get("/api/dead-letters")))["dead_letters"]
    assert (letter["handler"], letter["event"], letter["run"]) == ("refusing", "run_failed", run["id"])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/runs?limit=0", 400),
        ("/api/runs?limit=x", 400),
        ("/api/runs?state=done", 400),
        ("/?state=done", 400),
        ("/api/runs/none", 404),
        ("/runs/none", 404),
        ("/api/none", 404),
        ("/static/../pages.py", 404),
        ("/none", 404),
    ],
)
def test_what_cannot_be_is_said(site: Site, path: str, status: int) -> None:
    """Each in its own form, and never with a traceback."""
    reply = site.get(path)
    assert reply.status == status
    assert reply.kind.startswith("application/json" if path.startswith("/api") else "text/html")


def test_a_source_that_is_away_is_said(site: Site, source: Source) -> None:
    """503, with the reason."""
    source.down = True
    for path in ("/", "/api/runs", "/api/runs/r"):
        reply = site.get(path)
        assert (reply.status, b"the database is locked" in reply.content) == (503, True)


def test_health_and_readiness_say_why() -> None:
    """503 with a line for each trouble."""
    site = Site(Views([]), lambda: ["it hangs"], lambda: ["no store", "no disk"], lambda: "m 1\n")
    assert (site.get("/healthz").status, site.get("/healthz").content) == (503, b"it hangs\n")
    assert site.get("/readyz").content == b"no store\nno disk\n"
    assert (site.get("/metrics").content, site.get("/metrics").kind[:10]) == (b"m 1\n", "text/plain")


@contextmanager
def served(site: Site) -> Iterator[str]:
    """The address of a server."""
    with MonitorServer("127.0.0.1", 0, site) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.port}"
        server.shutdown()


def test_every_answer_is_guarded(site: Site) -> None:
    """No framing, no foreign script, nothing kept; nothing is written by any method."""
    with served(site) as address, httpx.Client(base_url=address, trust_env=False) as client:
        for path in ("/", "/api/runs", "/none", "/static/monitor.js", "/metrics"):
            headers = client.get(path).headers
            policy = headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'self';")
            assert "unsafe" not in policy
            assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
        assert client.head("/").content == b""
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            assert client.request(method, "/api/runs").status_code == 501


def test_a_page_follows_what_happens(site: Site, source: Source) -> None:
    """In a Chromium, under the page's own policy: what waits for an approval and then goes on is shown as that without
    a reload, within two seconds of the page's time."""
    looks = 0
    run = a_run(RunState.WAITING_FOR_APPROVAL, id="w", name="a deployment that waits")

    class Moving(Source):
        def runs(self, page: Page) -> Sequence[Run]:
            nonlocal looks
            looks += 1
            return [run if looks == 1 else replace(run, state=RunState.COMPLETED, name="a deployment that went on")]

    with served(replace(site, views=Views([Moving()]))) as address:
        shown = _dom(f"{address}/", milliseconds=2000)
    assert looks >= 2
    assert "a deployment that went on" in shown
    assert "a deployment that waits" not in shown
    assert 'class="stale"' not in shown


def test_a_page_says_that_it_is_old() -> None:
    """Where the monitor does not answer any more, what is shown is called old."""
    asked = threading.Event()

    class Failing(Source):
        def runs(self, page: Page) -> Sequence[Run]:
            if asked.is_set():
                raise RuntimeError("for a test")
            asked.set()
            return []

    with served(Site(Views([Failing()]), lambda: [], lambda: [], lambda: "")) as address:
        assert 'class="stale"' in _dom(f"{address}/", milliseconds=6000)


def _dom(url: str, milliseconds: int) -> str:
    """The page after so many milliseconds of its own time."""
    words = [browser(), "--headless", "--disable-gpu", "--dump-dom", f"--virtual-time-budget={milliseconds}"]
    words += ["--no-sandbox"] if os.geteuid() == 0 else []
    done = subprocess.run([*words, url], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout
