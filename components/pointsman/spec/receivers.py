"""Who may be told of alerts: one model a kind of receiver, chosen by `kind`; without one it is a webhook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from pointsman.spec.base import Model
from pointsman.spec.scalars import HttpUrl, ReceiverName, ServerUrl, Target
from pointsman.spec.secrets import Password, Secret, Token, WebhookAddress

Severity = Literal["critical", "warning", "info"]

MailAddress = Annotated[
    str,
    StringConstraints(pattern=r"^[^\s@<>,]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$"),
    Field(json_schema_extra={"patternErrorMessage": "expected one mail address, such as on-call@example.org"}),
]
RepositoryName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9._-]{1,100}$"),
    Field(json_schema_extra={"patternErrorMessage": "expected OWNER/REPOSITORY, such as acme/app"}),
]
IssueLabel = Annotated[
    str,
    StringConstraints(pattern=r"^[^\s,]([^,\n]{0,48}[^\s,])?$"),
    Field(json_schema_extra={"patternErrorMessage": "expected a label without commas, at most 50 characters"}),
]
Channel = Annotated[
    str,
    StringConstraints(pattern=r"^[#@]?[^\s#@]{1,80}$"),
    Field(json_schema_extra={"patternErrorMessage": 'expected a channel, such as "#alerts"'}),
]


class _Receiver(Model):
    """What all receivers have."""

    name: ReceiverName = Field(description="The receiver's name in Alertmanager.")
    severities: list[Severity] = Field(
        default=["critical", "warning", "info"],
        min_length=1,
        description="The alerts that it gets. One that `routes` names gets what they lead to it instead.",
    )
    send_resolved: bool = Field(default=True, description="Whether it is told that an alert is over.")

    def secrets(self) -> Iterator[tuple[str, Secret]]:
        """Its secrets, each with its key."""
        for key, value in self:
            if isinstance(value, Secret):
                yield key, value

    @property
    def by_notifier(self) -> bool:
        """Whether Alertmanager tells the notifier, which tells it."""
        return False


class Webhook(_Receiver):
    """A receiver that takes Alertmanager's webhook."""

    kind: Literal["webhook"] = Field(default="webhook", description="What kind of receiver it is.")
    url: HttpUrl = Field(description="Where notifications are posted. No secret belongs here: this file is public.")


class Slack(_Receiver):
    """A channel of Slack, or of what takes Slack's webhooks."""

    kind: Literal["slack"]
    webhook_url: WebhookAddress = Field(description="Its incoming webhook.")
    channel: Channel | None = Field(default=None, description="The channel; left out: that of the webhook.")


class Discord(_Receiver):
    """A channel of Discord."""

    kind: Literal["discord"]
    webhook_url: WebhookAddress = Field(description="Its incoming webhook.")
    through: Literal["notifier", "alertmanager"] = Field(
        default="notifier",
        description="notifier: an embed for each alert, with its labels and links; alertmanager: one text for all.",
    )

    @property
    def by_notifier(self) -> bool:
        """As it declares."""
        return self.through == "notifier"


class Email(_Receiver):
    """A mail address."""

    kind: Literal["email"]
    to: MailAddress = Field(description="Who gets the mail.")
    sender: MailAddress = Field(description="Who it is from.")
    smarthost: Target = Field(description="The server that takes the mail, such as smtp.example.org:587.")
    username: str | None = Field(default=None, min_length=1, description="Who logs in there; left out: nobody.")
    password: Password | None = Field(default=None, description="The password of that login.")
    require_tls: bool = Field(default=True, description="Whether a server that offers no encryption is refused.")


class GitHubIssue(_Receiver):
    """An issue for each group of alerts, opened, commented, closed and reopened by the notifier."""

    kind: Literal["github_issue"]
    repository: RepositoryName = Field(description="Where issues are opened.")
    token: Token = Field(description="A token with the right to write issues there.")
    labels: list[IssueLabel] = Field(
        default_factory=list, max_length=20, description="Labels of the issues, beside pointsman-alert."
    )
    server: ServerUrl = Field(default="https://github.com", description="The server that the repository is on.")
    api_url: HttpUrl | None = Field(default=None, description="Its REST API, where it is at no usual place.")

    @property
    def by_notifier(self) -> bool:
        """Alertmanager opens no issues."""
        return True


def _webhook_by_default(value: Any) -> Any:
    return {"kind": "webhook", **value} if isinstance(value, Mapping) and "kind" not in value else value


Receiver = Annotated[
    Annotated[Webhook | Slack | Discord | Email | GitHubIssue, Field(discriminator="kind")],
    BeforeValidator(_webhook_by_default),
]
"""One who is told of alerts."""
