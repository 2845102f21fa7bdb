"""Discord embeds within Discord's limits, delivered or told why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.channels import discord, posting
from pointsman.channels.delivering import NotDelivered
from pointsman.channels.discord import DiscordChannel, message
from pointsman.channels.posting import in_file
from tests.standins.sinks import HttpSink
from tests.unit.channels.posted import alert, notification

TEXTS = st.text(max_size=6000)


def size(embed: dict[str, Any]) -> int:
    """The characters of an embed, as Discord counts them."""
    return (
        len(embed["title"]) + len(embed["description"]) + sum(len(f["name"]) + len(f["value"]) for f in embed["fields"])
    )


def check(body: dict[str, Any]) -> None:
    """No limit of Discord's documentation is passed."""
    assert 0 < len(body["content"]) <= 2000
    assert 0 < len(body["embeds"]) <= 10
    assert sum(size(embed) for embed in body["embeds"]) <= 6000
    for embed in body["embeds"]:
        assert 0 < len(embed["title"]) <= 256
        assert len(embed["description"]) <= 4096
        assert len(embed["fields"]) <= 25
        assert all(0 < len(f["name"]) <= 256 and 0 < len(f["value"]) <= 1024 for f in embed["fields"])
    assert body["allowed_mentions"] == {"parse": []}


def test_an_alert_is_an_embed() -> None:
    """Its summary, description, colour, labels and links; the dashboard's path has become an address."""
    found = message(notification(alert(runner="r1"), alert(runner="r2", status="resolved")))
    check(found)
    firing, resolved = found["embeds"]
    assert (firing["title"], firing["color"]) == ("RunnerOffline of r1", discord.COLOURS["critical"])
    assert (resolved["title"], resolved["color"]) == ("Resolved: RunnerOffline of r2", discord.RESOLVED_COLOUR)
    assert firing["url"] == "https://example.org/runbooks/RunnerOffline.md"
    assert "[Dashboard](http://127.0.0.1:3003/d/runner-fleet)" in firing["fields"][0]["value"]
    assert {"name": "runner", "value": "r1", "inline": True} in firing["fields"]
    assert firing["timestamp"] == "2026-11-21T22:00:00+00:00"
    assert "1 firing, 1 resolved" in found["content"]


@settings(max_examples=50, deadline=None)
@given(summary=TEXTS, description=TEXTS, labels=st.dictionaries(st.text("ab", min_size=1), TEXTS, max_size=40))
def test_limits_hold_for_any_text(summary: str, description: str, labels: dict[str, str]) -> None:
    """Whatever an alert says, and twelve of them at once."""
    told = alert()
    told["annotations"] |= {"summary": summary, "description": description}
    told["labels"] |= labels
    check(message(notification(*[told] * 12)))


def test_what_does_not_fit_is_counted() -> None:
    """Of thirty alerts ten are shown, and the others told of."""
    assert "20 not shown" in message(notification(*(alert(runner=f"r{n}") for n in range(30))))["content"]


@pytest.fixture
def address(tmp_path: Path) -> Path:
    """The file of a webhook's address."""
    file = tmp_path / "address"
    file.touch(mode=0o600)
    return file


@pytest.mark.parametrize(
    ("status", "reason"), [(500, "server_error"), (429, "limited"), (404, "refused"), (0, "timeout")]
)
def test_a_discord_that_does_not_take_it(
    address: Path, monkeypatch: pytest.MonkeyPatch, status: int, reason: str
) -> None:
    """The reason is told; the address, which is a secret, is not."""
    monkeypatch.setattr(posting, "ANSWER_SECONDS", 0.3)
    with HttpSink(status) as sink:
        address.write_text(f"{sink.url}/api/webhooks/1/hunter2")
        with pytest.raises(NotDelivered) as caught:
            DiscordChannel(in_file("address", address)).deliver(notification(alert()))
    assert caught.value.reason == reason
    assert "hunter2" not in str(caught.value)


def test_a_discord_that_is_not_there(address: Path) -> None:
    """A refused connection and an address that is none have reasons of their own."""
    address.write_text("http://127.0.0.1:9/api/webhooks/1/hunter2")
    with pytest.raises(NotDelivered) as caught:
        DiscordChannel(in_file("address", address)).deliver(notification(alert()))
    assert (caught.value.reason, "hunter2" in str(caught.value)) == ("unreachable", False)
    address.write_text("hunter2")
    with pytest.raises(NotDelivered) as caught:
        DiscordChannel(in_file("address", address)).deliver(notification(alert()))
    assert (caught.value.reason, "hunter2" in str(caught.value)) == ("secret", False)


def test_what_arrives(address: Path) -> None:
    """The embeds, at the address that the file holds now."""
    with HttpSink(204) as sink:
        address.write_text(f"{sink.url}/api/webhooks/1/secret\n")
        DiscordChannel(in_file("address", address)).deliver(notification(alert()))
    (got,) = sink.at("/api/webhooks/1/secret")
    check(got.body)
