"""The channels that the monitor may tell of alerts: one model a kind; what is left out is read from the environment."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field

from pointsman.spec.base import Model
from pointsman.spec.receivers import IssueLabel, MailAddress, RepositoryName, Severity
from pointsman.spec.scalars import HttpUrl, Port, ServerUrl
from pointsman.spec.secrets import FilePath, Password, Token, WebhookAddress

EVERY: list[Severity] = ["critical", "warning", "info"]


class _Channel(Model):
    """What all channels have."""

    severities: list[Severity] = Field(
        default=EVERY, min_length=1, description="The alerts that it gets of rules that name no channels."
    )


class Console(_Channel):
    """Standard output of the monitor. It is always on."""

    kind: Literal["console"]


class Slack(_Channel):
    """A channel of Slack, or of what takes Slack's webhooks."""

    kind: Literal["slack"]
    webhook_url: WebhookAddress = Field(
        default=WebhookAddress(environment="SLACK_WEBHOOK_URL"), description="Its incoming webhook."
    )


class Discord(_Channel):
    """A channel of Discord."""

    kind: Literal["discord"]
    webhook_url: WebhookAddress = Field(
        default=WebhookAddress(environment="DISCORD_WEBHOOK_URL"), description="Its incoming webhook."
    )


class Webhook(_Channel):
    """An address that takes Alertmanager's webhook."""

    kind: Literal["webhook"]
    url: WebhookAddress = Field(
        default=WebhookAddress(environment="ALERT_WEBHOOK_URL"), description="Where alerts are posted."
    )


class Email(_Channel):
    """Mail addresses, told through a server that encrypts."""

    kind: Literal["email"]
    to: list[MailAddress] = Field(default_factory=list, description="Who gets the mail; left out: ALERT_EMAIL_TO.")
    sender: MailAddress | None = Field(default=None, description="Who it is from; left out: ALERT_EMAIL_FROM.")
    host: str | None = Field(default=None, min_length=1, description="The mail server; left out: SMTP_HOST.")
    port: Port | None = Field(default=None, description="Its port; left out: SMTP_PORT, else 587.")
    username: str | None = Field(
        default=None, min_length=1, description="Who logs in there; left out: SMTP_USER, else nobody."
    )
    password: Password = Field(
        default=Password(environment="SMTP_PASSWORD"), description="The password of that login, where there is one."
    )
    require_tls: bool = Field(default=True, description="Whether a server that offers no encryption is refused.")
    authorities: FilePath | None = Field(
        default=None, description="A file of certificates to trust; left out: SMTP_CA_FILE, else the machine's."
    )


class GitHubIssue(_Channel):
    """An issue for each run that something is wrong with: opened, commented, closed when it is over."""

    kind: Literal["github_issue"]
    severities: list[Severity] = Field(
        default=["critical", "warning"], min_length=1, description="The alerts that it gets of rules without channels."
    )
    repository: RepositoryName | None = Field(
        default=None, description="Where issues are opened; left out: ALERT_GITHUB_REPOSITORY."
    )
    token: Token = Field(
        default=Token(environment="ALERT_GITHUB_TOKEN"), description="A token with the right to write issues there."
    )
    labels: list[IssueLabel] = Field(
        default_factory=list, max_length=20, description="Labels of the issues, beside pointsman-alert."
    )
    server: ServerUrl = Field(default="https://github.com", description="The server that the repository is on.")
    api_url: HttpUrl | None = Field(default=None, description="Its REST API, where it is at no usual place.")


class Plugin(_Channel):
    """A channel that another package brings, under the entry-point group `pointsman.channels`."""

    kind: Literal["plugin"]
    entry_point: str = Field(min_length=1, description="Its name in the group.")
    options: dict[str, str] = Field(default_factory=dict, description="What it is made with. No secret belongs here.")


Channel = Annotated[Console | Slack | Discord | Webhook | Email | GitHubIssue | Plugin, Field(discriminator="kind")]
"""One way to tell people."""


@lru_cache(maxsize=1)
def built_in() -> dict[str, Channel]:
    """The channels that there are without a file, each read from its variables."""
    return {
        "console": Console(kind="console"),
        "slack": Slack(kind="slack"),
        "discord": Discord(kind="discord"),
        "email": Email(kind="email"),
        "webhook": Webhook(kind="webhook"),
        "github-issue": GitHubIssue(kind="github_issue"),
    }
