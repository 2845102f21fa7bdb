"""`pointsman alerts`: what people and scripts are told of alerts that lack something, and of how they fared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pointsman.alerts import live
from pointsman.alerts.history import Fared
from pointsman.errors import UnreachableError
from pointsman.signals import known, rule_lint
from tests.standins.sinks import HttpSink
from tests.unit.cli.world import checkout, provide, run

CHECKOUT = Path(__file__).parents[3]
FARED = [
    Fared("Loud", "warning", 12, 7200.0, 0.75, 4, ()),
    Fared("Blind", "critical", 0, 0.0, 0.0, 0, ("gone_total",)),
]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout without cases and pages, and a world that answers."""
    monkeypatch.setenv("POINTSMAN_ROOT", str(checkout(tmp_path / "clone", dev="{}")))
    provide(monkeypatch)


def test_lint_of_this_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is good."""
    monkeypatch.setenv("POINTSMAN_ROOT", str(CHECKOUT))
    result = run("alerts", "lint")
    assert result.exit_code == 0
    assert "alerts have all that they need" in result.stdout


def test_lint_tells_every_fault_and_fails() -> None:
    """In a checkout without cases and runbooks every alert lacks both."""
    result = run("alerts", "lint", "--output", "json")
    assert result.exit_code == 1
    rows = json.loads(result.stdout)["rows"]
    assert {"alert": "TargetDown", "problem": "no runbook", "expected": "runbooks/TargetDown.md"} in rows
    assert "no case that it fires" in {row["problem"] for row in rows if row["alert"] == "TargetDown"}


def test_lint_tells_of_series_that_nobody_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    """By rule and metric, beside what else it lacks."""
    monkeypatch.setenv("POINTSMAN_ROOT", str(CHECKOUT))
    sent = {name: labels for name, labels in known.KNOWN.items() if name != "probe_success"}
    monkeypatch.setattr(rule_lint.with_recorded, "__defaults__", (sent,))
    result = run("alerts", "lint", "--output", "json")
    assert result.exit_code == 1
    assert [(row["alert"], row["problem"].partition(",")[0]) for row in json.loads(result.stdout)["rows"]] == [
        ("ProbeFailed", "the metric probe_success is unknown"),
        ("ProbeFailed", "it says $labels.instance"),
    ]


def test_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """The window asked for, every rule, and what there is to say of it, as a table and as a document."""
    windows = []

    def report(address: str, window: float, now: float) -> list[Fared]:
        windows.append(window)
        return FARED

    monkeypatch.setattr(live, "report", report)
    shown = run("alerts", "report", "--window", "2d").stdout
    assert "flapping, dominant" in shown
    assert "cannot fire" in shown
    assert "gone_total" in shown
    document = json.loads(run("alerts", "report", "--output", "json").stdout)
    assert windows == [2 * 86400, 7 * 86400]
    assert document["document"] == "pointsman.alerts/1"
    loud, blind = document["alerts"]
    assert (loud["verdicts"], loud["returns"], loud["share"]) == (["flapping", "dominant"], 4, 0.75)
    assert (blind["verdicts"], blind["missing"]) == (["cannot fire"], ["gone_total"])


@pytest.mark.parametrize("window", ["a week", "1s"])
def test_a_wrong_window_is_refused(window: str) -> None:
    """As a mistake of usage, with an example."""
    result = run("alerts", "report", "--window", window)
    assert result.exit_code == 2
    assert "--window 7d" in result.stderr


def test_a_prometheus_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends with 3."""

    def report(*_: object) -> list[Fared]:
        raise UnreachableError("Prometheus does not tell")

    monkeypatch.setattr(live, "report", report)
    assert run("alerts", "report").exit_code == 3


def test_one_alert_to_each_channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sent, disabled and failed, as a table and as a document; a channel that fails is a fault, one without is none."""
    monkeypatch.chdir(tmp_path)
    for name in ("SLACK_WEBHOOK_URL", "DISCORD_WEBHOOK_URL", "ALERT_WEBHOOK_URL", "SMTP_HOST", "ALERT_GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with HttpSink() as sink:
        monkeypatch.setenv("SLACK_WEBHOOK_URL", f"{sink.url}/hunter2")
        good = run("alerts", "test")
        assert good.exit_code == 0
        assert "disabled: DISCORD_WEBHOOK_URL unset" in good.stdout
        monkeypatch.setenv("ALERT_WEBHOOK_URL", "http://127.0.0.1:9/hunter2")
        bad = run("alerts", "test", "--output", "json")
    assert bad.exit_code == 1
    rows = {row["channel"]: row["result"] for row in json.loads(bad.stdout)["rows"]}
    assert rows["slack"] == "sent"
    assert rows["webhook"] == "failed: the webhook cannot be reached (ConnectError)"
    assert "hunter2" not in good.output + bad.output
    (tmp_path / "alerts.yaml").write_text("rules: {RunFailed: {channels: [slak]}}")
    wrong = run("alerts", "test")
    assert wrong.exit_code == 2
    assert "there is no channel slak" in wrong.output
