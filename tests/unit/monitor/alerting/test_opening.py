"""Channels from variables and files: sent, disabled with the variable's name, or a mistake that is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from pointsman.errors import UsageError
from pointsman.monitor.alerting.channels import opened
from pointsman.monitor.alerting.engine import read
from pointsman.monitor.alerting.trying import try_each
from pointsman.spec.mistakes import SpecError
from pointsman.spec.reader import parse_as
from pointsman.spec.run_alerts import RunAlerts
from tests.standins.sinks import HttpSink

VARIABLES = (
    "SLACK_WEBHOOK_URL",
    "DISCORD_WEBHOOK_URL",
    "ALERT_WEBHOOK_URL",
    "SMTP_HOST",
    "SMTP_PORT",
    "SMTP_USER",
    "SMTP_PASSWORD",
    "SMTP_PASSWORD_FILE",
    "SMTP_CA_FILE",
    "ALERT_EMAIL_FROM",
    "ALERT_EMAIL_TO",
    "ALERT_GITHUB_REPOSITORY",
    "ALERT_GITHUB_TOKEN",
    "SLACK_WEBHOOK_URL_FILE",
    "ALERT_GITHUB_TOKEN_FILE",
)
WORD = "hunter2"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the variables is there."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_what_is_unset_is_named() -> None:
    """All variables that a channel lacks; the console is always on."""
    assert {each.name: each.disabled for each in opened(RunAlerts())} == {
        "console": "",
        "slack": "SLACK_WEBHOOK_URL unset",
        "discord": "DISCORD_WEBHOOK_URL unset",
        "email": "SMTP_HOST, ALERT_EMAIL_FROM, ALERT_EMAIL_TO unset",
        "webhook": "ALERT_WEBHOOK_URL unset",
        "github-issue": "ALERT_GITHUB_REPOSITORY, ALERT_GITHUB_TOKEN unset",
    }


def test_an_empty_variable_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a compose file leaves it."""
    monkeypatch.setenv("SLACK_WEBHOOK_URL", " ")
    assert {each.name: each.disabled for each in opened(RunAlerts())}["slack"] == "SLACK_WEBHOOK_URL unset"


def test_a_user_needs_a_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """SMTP_PASSWORD_FILE is what is named."""
    values = {
        "SMTP_HOST": "mail",
        "SMTP_USER": "me",
        "ALERT_EMAIL_FROM": "a@b.org",
        "ALERT_EMAIL_TO": "c@d.org, e@f.org",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    assert {each.name: each.disabled for each in opened(RunAlerts())}["email"] == "SMTP_PASSWORD_FILE unset"
    monkeypatch.setenv("SMTP_PASSWORD_FILE", str(tmp_path / "password"))
    assert {each.name: each.disabled for each in opened(RunAlerts())}["email"] == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [("SMTP_PORT", "smtp"), ("SMTP_PORT", "0"), ("ALERT_EMAIL_TO", "nobody"), ("ALERT_EMAIL_FROM", "a b@c")],
)
def test_a_wrong_variable_is_told(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name, with what to set it to."""
    good = {"SMTP_HOST": "mail", "ALERT_EMAIL_FROM": "a@b.org", "ALERT_EMAIL_TO": "c@d.org"}
    for each, text in (good | {name: value}).items():
        monkeypatch.setenv(each, text)
    with pytest.raises(UsageError, match=name):
        list(opened(RunAlerts()))


def test_each_is_tried_and_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Sent, disabled and failed side by side; a secret in a file is read when it is used, and shown nowhere."""
    file = tmp_path / "address"
    file.touch(mode=0o600)
    with HttpSink() as good, HttpSink(500) as bad:
        monkeypatch.setenv("SLACK_WEBHOOK_URL_FILE", str(file))
        monkeypatch.setenv("DISCORD_WEBHOOK_URL", f"{bad.url}/{WORD}")
        monkeypatch.setenv("ALERT_WEBHOOK_URL", f"http://127.0.0.1:9/{WORD}")
        found = list(opened(RunAlerts()))
        file.write_text(f"{good.url}/{WORD}\n")
        tried = {each.channel: (each.result, each.why) for each in try_each(found)}
    assert tried["slack"] == ("sent", "")
    assert tried["discord"] == ("failed", "Discord answered 500")
    assert tried["webhook"] == ("failed", "the webhook cannot be reached (ConnectError)")
    assert tried["email"][0] == tried["github-issue"][0] == "disabled"
    assert len(good.posted) == 1
    assert WORD not in repr((found, tried))


def test_a_channel_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second Slack with a variable of its own; a plug-in that is not installed is told."""
    monkeypatch.setenv("SLACK_ONCALL", "https://example.org/x")
    text = "channels: {oncall: {kind: slack, webhook_url: {environment: SLACK_ONCALL}}}"
    assert {each.name: each.disabled for each in opened(parse_as(RunAlerts, text, "alerts.yaml"))}["oncall"] == ""
    plugin = parse_as(RunAlerts, "channels: {pager: {kind: plugin, entry_point: pager}}", "alerts.yaml")
    with pytest.raises(UsageError, match=r"no entry point pager in pointsman\.channels"):
        list(opened(plugin))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "rules: {RunFailed: {channels: [slak]}}",
            "rules.RunFailed.channels[0]  there is no channel slak; expected one of",
        ),
        ("rules: {Own: {severity: info}}", "rules.Own  nothing makes Own an alert; expected at least one event"),
        ("rules: {own: {events: [run_failed]}}", 'rules.own  the key "own" does not fit; expected a rule\'s name'),
        ("rules: {RunFailed: {severity: bad}}", "bad does not fit; expected one of critical, warning, info"),
        ("rules: {RunFailed: {stalls: [silent]}}", "RunFailed is about no run_stalled"),
        ("rules: {RunFailed: {throttel: 5m}}", "unknown key; did you mean throttle?"),
        ("channels: {slack: {kind: discord}}", "slack is a built-in channel of the kind slack"),
        ("channels: {x: {kind: slak}}", "channels.x.kind  slak does not fit"),
        ("quiet_hours: [{}]", "these quiet hours never end"),
        ("quiet_hours: [{weekdays: [monday], time_zone: Europe/Nowhere}]", "expected a time zone's name"),
        ("throttle: soon", "throttle  soon does not fit; expected a duration"),
        ("rules: [", "alerts.yaml:1:"),
    ],
)
def test_mistakes_in_the_file(text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File, place, key and what was expected, as in every spec."""
    monkeypatch.chdir(tmp_path)
    Path("alerts.yaml").write_text(text)
    with pytest.raises(SpecError) as caught:
        read()
    assert words in str(caught.value)
    assert str(caught.value).startswith("alerts.yaml:1:")


def test_no_file_is_no_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The built-in rules hold; a file that is named must be there."""
    monkeypatch.chdir(tmp_path)
    assert read() == RunAlerts()
    with pytest.raises(UsageError, match="cannot be read"):
        read(Path("gone.yaml"))
