"""What arrives over each channel, and what is told where a receiver answers 500, hangs or refuses."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.channels import mail, posting, slack
from pointsman.channels.console import ConsoleChannel
from pointsman.channels.delivering import Channel, NotDelivered
from pointsman.channels.discord import DiscordChannel
from pointsman.channels.mail import MailChannel, Server
from pointsman.channels.notification import parse, posted
from pointsman.channels.slack import SlackChannel
from pointsman.channels.webhook import EVENT_HEADER, WebhookChannel
from pointsman.github import Secret
from tests.standins.sinks import HttpSink
from tests.standins.tls_mail import TlsMail
from tests.unit.channels.posted import alert, notification

EVENT = "e" * 32
WORD = "hunter2"
HTTP: dict[str, Callable[[posting.Read], Channel]] = {
    "slack": SlackChannel,
    "discord": DiscordChannel,
    "webhook": WebhookChannel,
}


def told() -> dict[str, Any]:
    """An alert with an event's id."""
    made = alert(runner="r1")
    made["annotations"]["event_id"] = EVENT
    return made


def secret(url: str) -> posting.Read:
    """An address that nobody may see."""
    return lambda: Secret(f"{url}/{WORD}", "a test")


@pytest.mark.parametrize("name", HTTP)
def test_the_event_is_in_what_arrives(name: str) -> None:
    """Who is told twice sees that it is the same."""
    with HttpSink() as sink:
        HTTP[name](secret(sink.url)).deliver(notification(told()))
    (got,) = sink.at(f"/{WORD}")
    assert EVENT in json.dumps(got.body)
    assert "RunnerOffline of r1" in json.dumps(got.body)


@pytest.mark.parametrize(
    ("status", "reason"), [(500, "server_error"), (429, "limited"), (404, "refused"), (302, "refused"), (0, "timeout")]
)
@pytest.mark.parametrize("name", HTTP)
def test_a_sink_that_does_not_take_it(
    name: str, status: int, reason: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The reason is told; the address is in neither the message nor a log, not even that of the HTTP client."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(posting, "ANSWER_SECONDS", 0.3)
    with HttpSink(status) as sink, pytest.raises(NotDelivered) as caught:
        HTTP[name](secret(sink.url)).deliver(notification(told()))
    assert caught.value.reason == reason
    assert WORD not in str(caught.value) + caplog.text


@pytest.mark.parametrize("name", HTTP)
def test_a_sink_that_refuses(name: str) -> None:
    """Nobody listens there."""
    with pytest.raises(NotDelivered) as caught:
        HTTP[name](secret("http://127.0.0.1:9")).deliver(notification(told()))
    assert (caught.value.reason, WORD in str(caught.value)) == ("unreachable", False)


def test_a_webhook_gets_what_alertmanager_would_post() -> None:
    """Read as Alertmanager's it is the same notification."""
    made = notification(told(), alert(runner="r2", status="resolved"))
    assert parse(json.dumps(posted(made)).encode()) == made
    assert EVENT_HEADER == "X-Pointsman-Event"


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=5000))
def test_slack_limits_hold_and_no_text_is_markup(text: str) -> None:
    """Whatever an alert says, and thirty of them at once: nobody is mentioned, no link is forged."""
    made = alert(runner=f"{text}<!channel>")
    made["annotations"] |= {"summary": f"<!channel>{text}", "description": f"{text}<https://evil|here>"}
    body = slack.message(notification(*[made] * 30))
    assert len(body["attachments"]) == slack.ATTACHMENTS
    assert "10 not shown" in body["text"]
    for attachment in body["attachments"]:
        for block in attachment["blocks"]:
            said = block["text"]["text"] if block["type"] == "section" else block["elements"][0]["text"]
            assert 0 < len(said) <= (slack.SECTION if block["type"] == "section" else slack.CONTEXT)
            assert "<!channel>" not in said
            assert "<https://evil" not in said


def test_the_console_writes_whole_lines(capfd: pytest.CaptureFixture[str]) -> None:
    """JSON where it is no terminal, with the event's id."""
    ConsoleChannel().deliver(notification(told()))
    line = json.loads(capfd.readouterr().out)
    assert (line["alertname"], line["event_id"]) == ("RunnerOffline", EVENT)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost and its key."""
    return TlsMail.certificate(tmp_path_factory.mktemp("tls"))


def channel(sink: TlsMail, **more: Any) -> MailChannel:
    """A channel to this server, which trusts its certificate."""
    server: dict[str, Any] = {
        "host": "localhost",
        "port": sink.port,
        "authorities": sink.certificate_file,
        "user": "pointsman",
    }
    whole = Server(**(server | {"password": lambda: Secret(WORD)} | more))
    return MailChannel(whole, "pointsman@example.org", ("duty@example.org", "night@example.org"))


def test_a_mail_goes_over_starttls(certificate: tuple[Path, Path]) -> None:
    """Login and mail are encrypted; it has the event's id, and the same Message-ID when it is sent again."""
    with TlsMail(certificate) as sink:
        for _ in range(2):
            channel(sink).deliver(notification(told()))
    first, second = sink.mails
    assert sink.logins == [("pointsman", WORD)] * 2
    assert (sink.encrypted, sink.recipients) == (True, ["duty@example.org", "night@example.org"] * 2)
    assert first["Message-ID"] == second["Message-ID"]
    assert first["X-Pointsman-Event"] == EVENT
    assert EVENT in first.get_content()
    assert first["Subject"].startswith("[critical] RunnerOffline:")


def test_no_mail_goes_unencrypted(certificate: tuple[Path, Path]) -> None:
    """A server without STARTTLS gets neither password nor mail; nor does one with an unknown certificate."""
    with TlsMail(certificate, offers=False) as sink:
        for required in (True, False):
            with pytest.raises(NotDelivered, match="offers no STARTTLS") as caught:
                channel(sink, require_tls=required).deliver(notification(told()))
            assert caught.value.reason == "refused"
        channel(sink, user="", require_tls=False).deliver(notification(told()))
        assert (len(sink.mails), sink.logins) == (1, [])
    with TlsMail(certificate) as sink, pytest.raises(NotDelivered, match="cannot be trusted"):
        channel(sink, authorities=None).deliver(notification(told()))
    assert sink.mails == []


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("busy", "server_error"),
        ("refuses", "refused"),
        ("login", "refused"),
        ("hangs", "timeout"),
        ("hangs up", "unreachable"),
    ],
)
def test_a_mail_server_that_does_not_take_it(
    fault: str, reason: str, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason is told, the password is not."""
    monkeypatch.setattr(mail, "SECONDS", 0.5)
    with TlsMail(certificate, fault=fault) as sink, pytest.raises(NotDelivered) as caught:
        channel(sink).deliver(notification(told()))
    assert (caught.value.reason, WORD in str(caught.value)) == (reason, False)


def test_a_mail_server_that_is_not_there() -> None:
    """Nobody listens there; a host that there is not is one too."""
    for host in ("127.0.0.1", "no-such-host.invalid"):
        with pytest.raises(NotDelivered) as caught:
            MailChannel(Server(host, 9), "a@example.org", ("b@example.org",)).deliver(notification(told()))
        assert caught.value.reason == "unreachable"


def test_no_text_makes_a_header() -> None:
    """A line end in an alert's name stays in the subject."""
    made = notification(alert(name="A\r\nBcc: all@example.org"))
    assert mail.mail(made, "a@example.org", ("b@example.org",))["Bcc"] is None
