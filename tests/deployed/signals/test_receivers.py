"""Receivers of every kind, told by the Alertmanager that the estate runs: what arrives, and what does when they fail.

Alertmanager runs as a process of this machine in the files of its image, with the config that a spec renders; only the
addresses of its neighbours are moved to loopback.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import docker
import pytest

from pointsman.images.model import Resolution
from pointsman.monitor.alerting.engine import Alerting
from pointsman.monitor.alerting.state import MemoryState
from pointsman.monitor.events import Event, EventKind
from pointsman.monitor.handling import Occurrence
from pointsman.runs.model import Run, RunState
from pointsman.spec.reader import parse, parse_as
from pointsman.spec.run_alerts import RunAlerts
from tests.deployed.receivers import FAILED, Teller, started, unpacked
from tests.standins.github_server.serving import Standin
from tests.standins.sinks import HttpSink, SmtpSink, until
from tests.unit.github.world import TOKEN

SPEC = """\
alertmanager:
  group_by: [alertname]
  group_wait: 100ms
  group_interval: 1s
  receivers:
    - {{name: good, url: "{good}/webhook"}}
    - {{name: flaky, url: "{flaky}/webhook"}}
    - {{name: hanging, url: "{hanging}/webhook"}}
    - {{name: refusing, url: "http://127.0.0.1:9/webhook"}}
    - {{kind: slack, name: chat, webhook_url: {{file: /secret/slack}}, channel: "#alerts"}}
    - {{kind: discord, name: embeds, webhook_url: {{file: /secret/discord}}}}
    - {{kind: discord, name: texts, webhook_url: {{file: /secret/discord}}, through: alertmanager}}
    - {{kind: email, name: duty, to: duty@example.org, sender: pointsman@example.org, smarthost: "{smtp}",
       require_tls: false}}
    - {{kind: github_issue, name: incidents, repository: acme/app, server: "{github}", token: {{file: /secret/token}}}}
    - {{name: night, url: "{good}/night"}}
  routes:
    - {{receiver: night, mute_times: [always]}}
  mute_times:
    - {{name: always, weekdays: [monday, tuesday, wednesday, thursday, friday, saturday, sunday]}}
"""


@dataclass
class World(Teller):
    """Alertmanager, and all that it tells."""

    good: HttpSink
    flaky: HttpSink
    smtp: SmtpSink
    github: Standin
    sink: HttpSink


@pytest.fixture
def root(engine: docker.DockerClient, images: Resolution, tmp_path: Path) -> Path:
    """The files of Alertmanager's image."""
    return unpacked(engine, images, tmp_path / "root")


@pytest.fixture
def world(root: Path) -> Iterator[World]:
    """Everything on loopback, new for each test."""
    with ExitStack() as stack:
        good, sink = stack.enter_context(HttpSink()), stack.enter_context(HttpSink())
        flaky, hanging = stack.enter_context(HttpSink(first=(500, 503))), stack.enter_context(HttpSink(status=0))
        smtp, github = stack.enter_context(SmtpSink(refusals=1)), stack.enter_context(Standin(tokens=[TOKEN.reveal()]))
        text = SPEC.format(good=good.url, flaky=flaky.url, hanging=hanging.url, smtp=smtp.address, github=github.url)
        secrets = {"chat": f"{good.url}/slack", "embeds": f"{good.url}/embeds", "texts": f"{good.url}/texts"}
        moved = {"timeout: 10s": "timeout: 1s"}
        url = started(
            stack, root, parse(text, "stacks/test.yaml"), sink, secrets | {"incidents": TOKEN.reveal()}, moved
        )
        yield World(url, good, flaky, smtp, github, sink)
        assert github.app.violations == []


def test_every_kind_of_receiver_is_told(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    """What fires arrives everywhere, beside receivers that hang and refuse, and so does its end."""
    alert = {"alertname": "RunnerOffline", "severity": "critical", "owner": "platform", "environment": "dev"}
    world.fire(alert)
    issues = world.github.app.world.issues
    until(lambda: issues.get("acme/app"), "an issue")
    until(lambda: world.smtp.mails, "a mail, of which the first was refused")
    for path in ("/webhook", "/slack", "/embeds", "/texts"):
        until(lambda path=path: world.good.at(path), path)  # type: ignore[misc]
    until(lambda: world.sink.posted, "the alert sink")
    assert issues["acme/app"][1].title == "[critical] RunnerOffline: RunnerOffline is on"
    assert world.smtp.mails[0]["Subject"] == "[FIRING:1] RunnerOffline in dev"
    slack = world.good.at("/slack")[0].body
    assert slack["channel"] == "#alerts"
    assert slack["attachments"][0]["title"] == "[FIRING:1] RunnerOffline in dev"
    assert "<https://example.org/r.md|Runbook>" in slack["attachments"][0]["text"]
    assert world.good.at("/embeds")[0].body["embeds"][0]["title"] == "RunnerOffline is on"
    assert "RunnerOffline is on" in json.dumps(world.good.at("/texts")[0].body)
    world.fire(alert, seconds=0)
    until(lambda: not issues["acme/app"][1].open, "the issue closed")
    until(lambda: any("[RESOLVED]" in mail["Subject"] for mail in world.smtp.mails), "a mail of the end")
    until(lambda: world.good.at("/webhook")[-1].body["status"] == "resolved", "the end at the webhook")
    assert world.good.at("/night") == []
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {line["status"] for line in lines if line["event"] == "alert"} == {"firing", "resolved"}


def test_a_failed_deployment_is_told_in_chat_and_by_an_incident(world: World) -> None:
    """One whose success comes next: a message and an issue that fire, then a message of the end and a closed issue."""
    alert = {
        **{"alertname": "DeploymentFailed", "severity": "warning", "owner": "platform"},
        **{"deployment_environment_name": "production", "deployment_service": "shop"},
    }
    world.fire(alert)
    issues = world.github.app.world.issues
    until(lambda: issues.get("acme/app"), "an issue")
    assert "DeploymentFailed" in issues["acme/app"][1].title
    until(lambda: world.good.at("/slack"), "a message")
    assert "DeploymentFailed" in world.good.at("/slack")[0].body["attachments"][0]["title"]
    world.fire(alert, seconds=0)
    until(lambda: not issues["acme/app"][1].open, "the issue closed")
    until(lambda: "RESOLVED" in world.good.at("/slack")[-1].body["attachments"][0]["title"], "a message of the end")


def test_who_fails_is_told_again(world: World) -> None:
    """After 500 and 503 the notification arrives; what hangs and what refuses is counted, and nobody else waits.

    Counted from zero on, for every kind of receiver: the rate that NotificationsFailing asks for sees the first.
    """
    before = world.counted(FAILED)
    assert set(before.values()) == {0.0}
    for kind in ("webhook", "slack", "email", "discord"):
        assert f'{{integration="{kind}",reason="serverError"}}' in before
    world.fire({"alertname": "Slow", "severity": "info"})
    until(lambda: world.good.at("/webhook"), "the good one", 5.0)
    until(lambda: [each.status for each in world.flaky.posted][:3] == [500, 503, 200], "the third try")
    until(lambda: world.failures(), "failures are counted", 30.0)
    until(lambda: len(world.sink.posted) == 1, "the sink, once")
    assert all('integration="webhook"' in labels for labels in world.failures())
    assert set(world.failures()) <= set(before)


def test_what_is_worse_silences_the_lesser(world: World) -> None:
    """A critical alert hides the warning and the info about the same instance, and of no other."""
    about = {"alertname": "Filling", "instance": "a"}
    world.fire(*({**about, "severity": severity} for severity in ("critical", "warning", "info")))
    world.fire({"alertname": "Filling", "instance": "b", "severity": "warning"})
    world.fire(
        {"alertname": "Filling", "instance": "c", "severity": "info"}, {"alertname": "Last", "severity": "Critical"}
    )

    def told() -> set[tuple[str, str]]:
        alerts = [alert["labels"] for each in world.sink.posted for alert in each.body["alerts"]]
        return {(labels.get("instance", ""), labels["severity"]) for labels in alerts}

    wanted = {("a", "critical"), ("b", "warning"), ("c", "info"), ("", "Critical")}
    until(lambda: told() >= wanted, "all that nothing hides")
    time.sleep(2.5)  # two more looks at each group
    assert told() == wanted


def test_a_github_that_is_down_for_a_while_misses_nothing(world: World) -> None:
    """The notifier says so to Alertmanager, which sends it again: one issue, once GitHub is back."""
    world.github.app.faults.add({"kind": "status", "status": 502})
    world.fire({"alertname": "Down", "severity": "critical"})
    until(lambda: world.sink.posted, "the others are told")
    assert not world.github.app.world.issues
    world.github.app.faults.set.clear()
    until(lambda: world.github.app.world.issues.get("acme/app"), "the issue", 40.0)
    assert len(world.github.app.world.issues["acme/app"]) == 1


def test_five_hundred_alerts_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each its own group: none is lost on the way to the webhook, the sink and the log; how long it took is printed."""
    names = {f"Alert{number}" for number in range(500)}
    # pytest's own capture loses what is written while it is read.
    log = io.StringIO()
    monkeypatch.setattr(sys, "stdout", log)
    began = time.monotonic()
    world.fire(*({"alertname": name, "severity": "none"} for name in sorted(names)))

    def logged() -> bool:
        lines = map(json.loads, log.getvalue().splitlines())
        return {line["alertname"] for line in lines if line["event"] == "alert"} == names

    def arrived() -> set[str]:
        return {alert["labels"]["alertname"] for each in world.sink.posted for alert in each.body["alerts"]}

    until(lambda: arrived() == names, "all at the sink", 60.0)
    seconds = time.monotonic() - began
    until(logged, "all in the log", 60.0)
    os.write(2, f"\n500 alerts: {len(world.sink.posted)} notifications at the sink in {seconds:.1f} s\n".encode())


def test_alerts_of_the_run_monitor(world: World) -> None:
    """Posted by two that know nothing of each other: receivers are told once that it fires and once of its end."""
    alerts = parse_as(RunAlerts, f"alertmanager: {{url: '{world.url}'}}", "alerts.yaml")
    states = (MemoryState(), MemoryState())
    for kind, status in ((EventKind.STALLED, "firing"), (EventKind.RECOVERED, "resolved")):
        at = datetime.now(UTC)
        run = Run("r1", "nightly", "pipeline", RunState.RUNNING, at, at)
        for state in states:
            engine = Alerting(alerts, state)
            handler = next(each for each in engine.handlers if each.name == "alerts-alertmanager")
            handler.handle(Occurrence(Event(kind, run, at, "for a test")))
            engine.close()
        until(partial(told_once, world.good, status), f"RunStalled {status}")
    time.sleep(3)
    assert told(world.good, "RunStalled") == ["firing", "resolved"]


def told_once(sink: HttpSink, status: str) -> bool:
    """Whether the receiver was told it of the stalled run."""
    return status in told(sink, "RunStalled")


def told(sink: HttpSink, name: str) -> list[str]:
    """What a receiver was told of an alert, by status."""
    every = (alert for each in sink.at("/webhook") for alert in each.body["alerts"])
    return [alert["status"] for alert in every if alert["labels"]["alertname"] == name]
