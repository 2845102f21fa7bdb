"""The notifier as Alertmanager meets it: over HTTP, with receivers that do not take what they get."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pointsman.channels import console
from pointsman.channels.console import ConsoleChannel
from pointsman.channels.delivering import REASONS, NotDelivered
from pointsman.channels.notification import Notification
from pointsman.errors import UsageError
from pointsman.notifier import delivering
from pointsman.notifier.delivering import Desk
from pointsman.notifier.serving import LARGEST, NotifierServer, desks, server
from pointsman.notifier.settings import Settings, load
from tests.unit.channels.posted import alert, posted

BARE = Settings("127.0.0.1", 0, "http://127.0.0.1:3003", {}, {})


class Client:
    """Asks a notifier that runs in this process."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
        """The status and the text of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def post(self, path: str, body: bytes) -> int:
        """The status that a notification is answered with."""
        return self.ask("POST", path, body)[0]

    def metric(self, line: str) -> float:
        """The value of a series of /metrics."""
        text = self.ask("GET", "/metrics")[1]
        return float(next(each.removeprefix(line) for each in text.splitlines() if each.startswith(f"{line} ")))


@contextmanager
def running(more: dict[str, Desk]) -> Iterator[Client]:
    """A notifier with the console and these receivers."""
    notifier = NotifierServer(BARE, {**dict(desks(BARE)), **more})
    thread = threading.Thread(target=notifier.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield Client(notifier.port)
    finally:
        notifier.shutdown()
        notifier.server_close()


def refusing(reason: str) -> Callable[[Notification], None]:
    """A receiver that takes nothing."""

    def deliver(notification: Notification) -> None:
        raise NotDelivered(reason, "for a test")

    return deliver


def test_every_alert_is_a_line_of_json(capfd: pytest.CaptureFixture[str]) -> None:
    """The console receiver: what an alert is, where to look, and of which group it is."""
    with running({}) as client:
        assert client.post("/console", posted(alert(runner="r1"), alert(runner="r2", status="resolved"))) == 200
        assert client.metric('pointsman_notifier_delivered_total{receiver="console"}') == 1
    firing, resolved = (json.loads(line) for line in capfd.readouterr().out.splitlines())
    assert firing["event"] == "alert"
    assert (firing["alertname"], firing["severity"], firing["owner"]) == ("RunnerOffline", "critical", "platform")
    assert firing["summary"] == "RunnerOffline of r1"
    assert firing["runbook"] == "https://example.org/runbooks/RunnerOffline.md"
    assert firing["dashboard"] == "http://127.0.0.1:3003/d/runner-fleet"
    assert firing["labels"]["runner"] == "r1"
    assert (firing["status"], firing["ends"]) == ("firing", "")
    assert (resolved["status"], resolved["ends"]) == ("resolved", "2026-11-21T22:30:00Z")


@pytest.mark.parametrize("reason", [each for each in REASONS if each != "malformed"])
def test_what_was_not_taken_is_to_be_sent_again(reason: str, capfd: pytest.CaptureFixture[str]) -> None:
    """503, which Alertmanager repeats; counted by receiver and reason, and a line of the log."""
    with running({"/discord/a": Desk("discord/a", refusing(reason))}) as client:
        assert client.post("/discord/a", posted(alert())) == 503
        name = 'pointsman_notifier_failed_total{receiver="discord/a",reason="%s"}'
        assert client.metric(name % reason) == 1
        assert client.metric('pointsman_notifier_received_total{receiver="discord/a"}') == 1
        assert client.metric('pointsman_notifier_delivered_total{receiver="discord/a"}') == 0
    line = json.loads(capfd.readouterr().out)
    assert (line["event"], line["receiver"], line["reason"]) == ("failed", "discord/a", reason)


def test_a_fault_of_ours_is_one_too() -> None:
    """An exception that nobody foresaw loses no notification."""

    def broken(notification: Notification) -> None:
        raise RuntimeError("unforeseen")

    with running({"/github/a": Desk("github/a", broken)}) as client:
        assert client.post("/github/a", posted(alert())) == 503
        assert client.metric('pointsman_notifier_failed_total{receiver="github/a",reason="internal"}') == 1


def test_who_hangs_takes_nobody_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one receiver hangs, with more notifications for it than may wait, the others are told at once."""
    monkeypatch.setattr(delivering, "LONGEST_WAIT", 0.2)
    let_go = threading.Event()

    def hang(notification: Notification) -> None:
        let_go.wait(20)

    hanging = Desk("discord/hangs", hang)
    answers: list[int] = []
    with running({"/discord/hangs": hanging}) as client:
        threads = [
            threading.Thread(target=lambda: answers.append(client.post("/discord/hangs", posted(alert()))))
            for _ in range(delivering.MOST_WAITING + 12)
        ]
        for thread in threads:
            thread.start()
        for _ in range(5):
            assert client.post("/console", posted(alert())) == 200
        assert client.ask("GET", "/healthz") == (200, "ok\n")
        let_go.set()
        for thread in threads:
            thread.join(20)
        busy = client.metric('pointsman_notifier_failed_total{receiver="discord/hangs",reason="busy"}')
    assert len(answers) == len(threads)
    assert set(answers) <= {200, 503}
    assert busy == answers.count(503) > 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'"x"',
        posted(),
        posted(alert(status="burning")),
        posted(alert(), groupKey=5),
        b"[" * 99999,
    ],
    ids=["empty", "half", "list", "nothing", "text", "no alerts", "status", "key", "nested"],
)
def test_what_is_no_notification(body: bytes) -> None:
    """It is refused for good, and counted."""
    with running({}) as client:
        assert client.post("/console", body) == 400
        assert client.metric('pointsman_notifier_failed_total{receiver="console",reason="malformed"}') == 1


def test_requests_that_are_none() -> None:
    """An unknown receiver, a body without a length and one that is too large."""
    with running({}) as client:
        assert client.ask("POST", "/github/gone", posted(alert()))[0] == 404
        assert client.ask("POST", "/console", None, Content_Length=str(LARGEST + 1))[0] == 413
        assert client.ask("POST", "/console", None, Content_Length="-1")[0] == 411
        assert client.ask("GET", "/nothing")[0] == 404


def test_five_hundred_groups_at_once_are_all_logged(capfd: pytest.CaptureFixture[str]) -> None:
    """Sent by as many clients as Alertmanager may be, each until it is taken: none is lost, none comes twice."""
    left = list(range(500))
    with running({}) as client:

        def send() -> None:
            while True:
                try:
                    number = left.pop()
                except IndexError:
                    return
                body = posted(alert(runner=f"r{number}"), group=str(number))
                while True:
                    try:
                        if client.post("/console", body) == 200:
                            break
                    except OSError:
                        continue

        threads = [threading.Thread(target=send) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert client.metric('pointsman_notifier_delivered_total{receiver="console"}') == 500
    told = [json.loads(line)["labels"]["runner"] for line in capfd.readouterr().out.splitlines()]
    assert sorted(told) == sorted(f"r{number}" for number in range(500))


def write(folder: Path, **settings: object) -> Path:
    """A settings file."""
    file = folder / "settings.json"
    file.write_text(json.dumps({"port": 0} | settings))
    return file


def test_settings(tmp_path: Path) -> None:
    """As the estate renders them; each receiver has its path."""
    from tests.unit.services.cases import CASES, named

    config = named(CASES["full"], "notifier").config
    assert config is not None
    file = tmp_path / "settings.json"
    file.write_text(config.files["settings.json"])
    assert list(dict(desks(load(file)))) == ["/console", "/github/incidents", "/discord/lounge"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"github": {"a": {"url": "https://github.com/acme/app"}}}, "github"),
        ({"discord": {"a": {"url_file": "relative"}}}, "discord"),
        ({"discord": []}, "discord"),
        ({"slack": {}}, "slack"),
        ({"port": "9002"}, "port"),
    ],
)
def test_wrong_settings_are_told(tmp_path: Path, settings: dict[str, object], words: str) -> None:
    """By key, before anything listens."""
    with pytest.raises(UsageError, match=words):
        server(write(tmp_path, **{"port": 9002} | settings))


def test_the_log_is_whole_lines(capfd: pytest.CaptureFixture[str]) -> None:
    """Line ends in an alert's text stay inside its line."""
    console.write("test", text="a\nb\u2028c")
    assert len(capfd.readouterr().out.split("\n")) == 2


def test_the_page_names_every_metric_and_reason() -> None:
    """What the how-to tells of /metrics is what is there."""
    page = (Path(__file__).parents[3] / "docs/how-to/route-alerts.md").read_text()
    assert set(re.findall(r"^\| `(pointsman_notifier_\w+)` \|", page, re.MULTILINE)) == {
        family.name for family in delivering.families([Desk("console", ConsoleChannel().deliver)])
    }
    assert [reason for reason in REASONS if reason not in page] == []
