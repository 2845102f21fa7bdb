"""The channels of alerts.yaml made ready: each a client, or the variables without which it is disabled."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

from pointsman.channels.console import ConsoleChannel
from pointsman.channels.delivering import Channel
from pointsman.channels.discord import DiscordChannel
from pointsman.channels.github_issues import IssueChannel
from pointsman.channels.mail import MailChannel, Server
from pointsman.channels.posting import Read, in_file
from pointsman.channels.slack import SlackChannel
from pointsman.channels.webhook import WebhookChannel
from pointsman.errors import UsageError
from pointsman.github import Scope, read_secret, read_token
from pointsman.spec import run_channels as spec
from pointsman.spec.run_alerts import RunAlerts
from pointsman.spec.secrets import Secret, Token

ENTRY_POINTS = "pointsman.channels"
"""Each is a function that takes a mapping of options and returns a `Channel`; raises UsageError."""
SMTP_PORT = 587


@dataclass(frozen=True)
class Opened:
    """A channel by its name. Where `channel` is None it is disabled, and `disabled` says why: `NAME unset`."""

    name: str
    channel: Channel | None
    disabled: str = ""


class _Unset(Exception):
    """Variables that are not there, so that a channel is disabled."""


def opened(alerts: RunAlerts) -> Iterator[Opened]:
    """Every channel, in the order of the file, the console first. Raises UsageError for a variable that is wrong.

    No secret is read here but to see that it is there: it is read anew whenever it is used.
    """
    for name, declared in alerts.all_channels().items():
        try:
            yield Opened(name, _channel(name, declared))
        except _Unset as error:
            yield Opened(name, None, f"{error} unset")


def _channel(name: str, declared: spec.Channel) -> Channel:
    match declared:
        case spec.Console():
            return ConsoleChannel()
        case spec.Slack():
            return SlackChannel(_secret(declared.webhook_url))
        case spec.Discord():
            return DiscordChannel(_secret(declared.webhook_url))
        case spec.Webhook():
            return WebhookChannel(_secret(declared.url))
        case spec.Email():
            return _mail(declared)
        case spec.GitHubIssue():
            return _issues(declared)
        case spec.Plugin():
            return _plugin(name, declared)


def _secret(secret: Secret) -> Read:
    """Where a secret is: its file, its variable, or the file that the variable with `_FILE` behind it names."""
    what = secret.called
    read = read_token if isinstance(secret, Token) else partial(read_secret, what)
    if secret.file:
        return partial(read, Path(secret.file).expanduser())
    name = secret.environment or ""
    if os.environ.get(name, "").strip():
        return partial(read, environment=name)
    return partial(read, Path(_text(f"{name}_FILE", f"{name}")).expanduser())


def _text(name: str, shown: str = "") -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise _Unset(shown or name)
    return value


def _mail(declared: spec.Email) -> MailChannel:
    wanted: dict[str, Callable[[], str]] = {
        "host": lambda: declared.host or _text("SMTP_HOST"),
        "sender": lambda: declared.sender or _text("ALERT_EMAIL_FROM"),
        "to": lambda: ",".join(declared.to) or _text("ALERT_EMAIL_TO"),
    }
    got = _all(wanted)
    user = declared.username or os.environ.get("SMTP_USER", "").strip()
    authorities = declared.authorities or os.environ.get("SMTP_CA_FILE", "").strip()
    server = Server(
        host=got["host"],
        port=declared.port or _port(os.environ.get("SMTP_PORT", "").strip()),
        user=user,
        password=_password(declared) if user else None,
        require_tls=declared.require_tls,
        authorities=Path(authorities).expanduser() if authorities else None,
    )
    to = tuple(each.strip() for each in got["to"].split(",") if each.strip())
    for variable, address in (("ALERT_EMAIL_FROM", got["sender"]), *(("ALERT_EMAIL_TO", each) for each in to)):
        if "@" not in address or any(letter.isspace() or not letter.isprintable() for letter in address):
            raise UsageError(
                f"{variable} is {address!r}", remedy="set it to a mail address, such as on-call@example.org"
            )
    return MailChannel(server, got["sender"], to)


def _password(declared: spec.Email) -> Read:
    name = declared.password.environment or ""
    if not declared.password.file and not os.environ.get(name) and (file := os.environ.get(f"{name}_FILE")):
        return in_file("password", Path(file).expanduser())
    try:
        return _secret(declared.password)
    except _Unset:
        raise _Unset(f"{name}_FILE") from None


def _port(text: str) -> int:
    if not text:
        return SMTP_PORT
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise UsageError(f"SMTP_PORT is {text!r}", remedy="set it to a port from 1 to 65535, such as 587, or unset it")
    return int(text)


def _issues(declared: spec.GitHubIssue) -> IssueChannel:
    tokens: list[Read] = []

    def token() -> str:
        tokens.append(_secret(declared.token))
        return ""

    got = _all({"repository": lambda: declared.repository or _text("ALERT_GITHUB_REPOSITORY"), "token": token})
    scope = Scope.parse(f"{declared.server}/{got['repository']}", str(declared.api_url or ""))
    return IssueChannel(scope, tokens[0], tuple(declared.labels))


def _all(wanted: Mapping[str, Callable[[], str]]) -> dict[str, str]:
    """Every value. Raises _Unset with the names of all variables that are not there."""
    got: dict[str, str] = {}
    unset = []
    for key, value in wanted.items():
        try:
            got[key] = value()
        except _Unset as error:
            unset.append(str(error))
    if unset:
        raise _Unset(", ".join(unset))
    return got


def _plugin(name: str, declared: spec.Plugin) -> Channel:
    found = entry_points(group=ENTRY_POINTS)
    if declared.entry_point not in found.names:
        there = ", ".join(sorted(found.names)) or "none is installed"
        raise UsageError(
            f"the channel {name}: there is no entry point {declared.entry_point} in {ENTRY_POINTS}",
            remedy=f"install the package that brings it; there is: {there}",
        )
    made: Channel = found[declared.entry_point].load()(dict(declared.options))
    return made
