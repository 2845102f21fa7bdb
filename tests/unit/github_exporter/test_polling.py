"""What the exporter makes of GitHub, from poll to poll, in good times and bad."""

from __future__ import annotations

import re
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pointsman.github import Secret
from pointsman.github_exporter.polling import Poller
from pointsman.github_exporter.serving import pages
from tests.standins.github_server.access import Grant
from tests.standins.github_server.world import Secret as KeptSecret
from tests.unit.github.world import TOKEN
from tests.unit.github_exporter.watched import KEEP, REPOSITORY, Watching

GOLDEN = Path(__file__).parent / "golden.txt"
OTHER_TOKEN = "ghp_" + "alsoNotARealToken" * 3


def strike(watching: Watching, **wanted: Any) -> None:
    """Sets a fault."""
    watching.standin.app.faults.add(wanted)


def well(watching: Watching) -> None:
    """Takes all faults away."""
    watching.standin.app.faults.set.clear()


def test_the_whole_page(watching: Watching) -> None:
    """Two runners, a queue, two secrets of which one is missing, a token that ends: line by line."""
    world, access = watching.standin.app.world, watching.standin.app.access
    watching.now = world.now().replace(microsecond=0)
    watching.enlist("one", "deploy", "linux-x64")
    watching.enlist("two", "deploy", shown="offline")
    world.runner_named(REPOSITORY, "one").busy_shown = True  # type: ignore[union-attr]
    _, (job, _) = watching.queue(["deploy"], ["ubuntu-latest"])
    job.created = watching.now - timedelta(seconds=90)
    aged = watching.now - timedelta(days=90)
    world.secrets[REPOSITORY] = {"API_KEY": KeptSecret("API_KEY", aged, aged, "", "")}
    access.grants[TOKEN.reveal()] = Grant(expires=watching.now + timedelta(days=7))
    poller = watching.poller(secrets=["API_KEY", "MISSING"])
    poller.poll()
    epoch = int(watching.now.timestamp())
    shown = watching.page(poller).replace(str(epoch + 7 * 86400), "IN 7 DAYS").replace(f"{epoch}\n", "NOW\n")
    resets = str(int(watching.values(poller, "rate_limit_reset")['rate_limit_reset_timestamp_seconds{bucket="core"}']))
    shown = shown.replace(resets, "RESET")
    shown = re.sub(r"^(pointsman_github_poll_seconds) .*$", r"\1 SOME", shown, flags=re.MULTILINE)
    assert shown == GOLDEN.read_text()


def test_a_removed_runner_is_gone(watching: Watching) -> None:
    """With all its series, at the next poll; a new one is there."""
    watching.enlist("one", "deploy")
    poller = watching.poller()
    watching.polled(poller)
    world = watching.standin.app.world
    world.dismiss(world.of(REPOSITORY)[0])
    watching.enlist("two", "deploy", shown="offline")
    got = watching.polled(poller, "runner_", after=30)
    assert got.pop('runner_online{runner="two"}') == 0
    assert got.pop('runner_busy{runner="two"}') == 0
    assert [name for name in got if 'runner="two"' not in name] == []


def test_the_queue_goes_down(watching: Watching) -> None:
    """A job that is taken leaves it at once: its run has changed. The age grows between polls."""
    watching.enlist("one", "deploy")
    _, (job, *_) = watching.queue(["deploy"], ["deploy"], age=60)
    poller = watching.poller()
    assert watching.polled(poller, "queue_jobs")['queue_jobs{labels="deploy"}'] == 2
    before = watching.values(poller, "queue_oldest")['queue_oldest_seconds{labels="deploy"}']
    watching.now += timedelta(seconds=20)
    assert watching.values(poller, "queue_oldest")['queue_oldest_seconds{labels="deploy"}'] == before + 20
    world = watching.standin.app.world
    assert world.take(world.of(REPOSITORY)[0]) is job
    assert watching.polled(poller, "queue_jobs")['queue_jobs{labels="deploy"}'] == 1
    for each in world.jobs.values():
        world.finish(each, "success")
    got = watching.polled(poller, "queue_", after=30)
    assert got['queue_jobs{labels="deploy"}'] == got['queue_oldest_seconds{labels="deploy"}'] == 0


def test_requests_of_a_poll(watching: Watching) -> None:
    """Few: one for the runners, two for the runs, one for each run that is new or changed; the rest rarely."""
    watching.enlist("one", "deploy")
    for _ in range(3):
        watching.queue(["deploy"])
    poller = watching.poller(secrets=["API_KEY"])
    kinds = []
    for after in (0, 30, 30, 90, 480):
        watching.polled(poller, after=after)
        kinds.append(Counter(name.rpartition("/")[2] for name in watching.asked()))
    free = "get"
    always = {"list-self-hosted-runners-for-repo": 1, "list-workflow-runs-for-repo": 2}
    jobs = {"list-jobs-for-workflow-run": 3}
    assert kinds[0] == always | jobs | {"list-repo-secrets": 1, free: 2}
    assert kinds[1] == kinds[2] == always | {free: 1}
    assert kinds[3] == always | jobs | {free: 1}
    assert kinds[4] == always | jobs | {"list-repo-secrets": 1, free: 2}


def test_a_long_queue_is_scanned_bit_by_bit(watching: Watching) -> None:
    """No more requests than the limit says; what is not looked into is told, and is next."""
    watching.enlist("one", "deploy")
    for _ in range(5):
        watching.queue(["deploy"])
    poller = watching.poller(queue_scans=2)
    lengths = []
    for _ in range(3):
        watching.asked()
        got = watching.polled(poller, "queue_", after=30)
        assert watching.asked().count("actions/list-jobs-for-workflow-run") <= 2
        lengths.append((got['queue_jobs{labels="deploy"}'], got["queue_unscanned_runs"]))
    assert lengths == [(2, 3), (4, 1), (5, 0)]


def test_the_rate_limit_is_left_to_others(watching: Watching) -> None:
    """Below a fifth of it the queue is not scanned; its last values stand for a while, then go."""
    watching.enlist("one", "deploy")
    watching.queue(["deploy"])
    poller = watching.poller()
    assert watching.polled(poller, "queue_jobs")['queue_jobs{labels="deploy"}'] == 1
    for _ in range(2):
        watching.polled(poller, after=30)
    # Ten requests so far.
    watching.standin.app.world.settings.limit = 12
    watching.asked()
    got = watching.polled(poller, after=30)
    assert watching.asked() == ["rate-limit/get", "actions/list-self-hosted-runners-for-repo"]
    assert got['queue_jobs{labels="deploy"}'] == 1
    assert got["poll_success"] == 1
    watching.now += KEEP
    assert watching.polled(poller, "queue_") == {}


def test_an_organisation(watching: Watching) -> None:
    """Its own runners; the queue of the repositories that are named, none without them."""
    runner = watching.standin.app.world.enlist("acme", "one", ["deploy"])
    runner.shown = "online"
    watching.queue(["deploy"])
    watching.queue(["deploy"], repository="acme/web")
    poller = watching.poller("acme")
    assert watching.polled(poller)['runner_online{runner="one"}'] == 1
    assert watching.values(poller, "queue_") == {}
    poller = watching.poller("acme", repositories=["acme/app", "acme/web"])
    assert watching.polled(poller, "queue_jobs")['queue_jobs{labels="deploy"}'] == 2


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ({"kind": "status", "status": 401, "message": "Bad credentials"}, "bad_token"),
        ({"kind": "limit", "status": 429, "reset_in": 900}, "rate_limited"),
        ({"kind": "limit", "status": 403, "reset_in": 900}, "rate_limited"),
        ({"kind": "status", "status": 404, "message": "Not Found", "path": ".*/actions/runners"}, "not_found"),
        ({"kind": "status", "status": 503}, "down"),
        ({"kind": "status", "status": 200, "html": True}, "down"),
        ({"kind": "down"}, "down"),
    ],
    ids=["401", "429", "403 limit", "404", "503", "a proxy answers", "down"],
)
def test_trouble(fault: dict[str, Any], name: str, watching: Watching, capsys: pytest.CaptureFixture[str]) -> None:
    """Is counted by class and told; values stand for a while, then go: an old "online" is worse than none."""
    watching.enlist("one", "deploy")
    poller = watching.poller()
    watching.polled(poller)
    good = watching.values(poller, "poll_last")
    strike(watching, **fault)
    got = watching.polled(poller, after=30)
    assert got[f'errors_total{{class="{name}"}}'] == 1
    assert sum(value for key, value in got.items() if key.startswith("errors_total")) == 1
    assert got["poll_success"] == 0
    assert watching.values(poller, "poll_last") == good
    assert got['runner_online{runner="one"}'] == 1
    watching.polled(poller, after=30)
    said = capsys.readouterr().err
    assert said.count("error: ") == 1
    assert "next: " in said
    assert TOKEN.reveal() not in said
    assert watching.polled(poller, after=KEEP.total_seconds()).get('runner_online{runner="one"}') is None
    well(watching)
    got = watching.polled(poller, after=30)
    assert (got["poll_success"], got['runner_online{runner="one"}']) == (1, 1)


def test_a_rate_limit_is_waited_for(watching: Watching) -> None:
    """No poll before GitHub says so, nothing is asked meanwhile; else the interval."""
    poller = watching.poller(interval=30)
    assert poller.poll() == 30
    strike(watching, kind="limit", status=429, reset_in=900)
    watching.asked()
    assert 800 < poller.poll() <= 901
    assert len(watching.asked()) == 1


def test_a_right_that_is_missing(watching: Watching) -> None:
    """Only what takes it is missing; the page says which."""
    token = TOKEN.reveal()
    watching.standin.app.access.grants[token] = Grant({"administration": "read", "actions": "read"})
    watching.enlist("one", "deploy")
    poller = watching.poller(secrets=["API_KEY"])
    got = watching.polled(poller)
    assert got['reading_failed{reading="secrets"}'] == got['errors_total{class="missing_permission"}'] == 1
    assert got['reading_failed{reading="runners"}'] == 0
    assert got['runner_online{runner="one"}'] == 1
    assert "secret_present" not in watching.page(poller)
    status, reason = pages(watching.settings(), poller)["/healthz"]()
    assert status == 503
    assert 'repository permission "Secrets: read"' in reason


def test_a_new_token_needs_no_restart(watching: Watching) -> None:
    """The file is read at each poll: one that is gone is told, one that is new is used."""
    poller = watching.poller()
    watching.polled(poller)
    del watching.standin.app.access.grants[TOKEN.reveal()]
    watching.standin.app.access.grants[OTHER_TOKEN] = Grant()
    assert watching.polled(poller)['errors_total{class="bad_token"}'] == 1
    watching.token_file.unlink()
    got = watching.polled(poller)
    assert (got['errors_total{class="bad_token"}'], got['reading_failed{reading="token"}']) == (2, 1)
    watching.token(OTHER_TOKEN)
    assert watching.polled(poller)["poll_success"] == 1


def test_what_nobody_thought_of(watching: Watching, capsys: pytest.CaptureFixture[str]) -> None:
    """Is told and counted; the poll goes on."""

    def broken(token: Secret) -> Any:
        raise RuntimeError("no such luck")

    poller = Poller(watching.settings(), broken)
    poller.poll()
    assert watching.values(poller)['errors_total{class="other"}'] == 1
    assert "RuntimeError: no such luck" in capsys.readouterr().err


def test_a_slow_github_does_not_slow_the_page(watching: Watching) -> None:
    """The page and the health answer at once, whatever the poll waits for."""
    watching.enlist("one", "deploy")
    strike(watching, kind="slow", seconds=1.0)
    poller = watching.poller()
    told = pages(watching.settings(), poller)
    poller.start()
    begun = time.monotonic()
    assert told["/metrics"]()[0] == 200
    assert told["/healthz"]() == (503, "no good poll yet: the first poll is under way\n")
    assert time.monotonic() - begun < 0.2
    well(watching)
    while told["/healthz"]()[0] != 200 and time.monotonic() - begun < 20:
        time.sleep(0.05)
    assert told["/healthz"]() == (200, "ok\n")
    poller.stop()
