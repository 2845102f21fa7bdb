"""What a channel is, and why one did not take what it was told."""

from __future__ import annotations

from typing import Protocol

from pointsman.channels.notification import Notification

REASONS = ("malformed", "busy", "timeout", "unreachable", "server_error", "limited", "refused", "secret", "internal")


class NotDelivered(Exception):
    """A channel did not take a notification, for a `reason` of REASONS; the message has no secret in it.

    Nothing is lost: whoever told it is to tell it again.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Channel(Protocol):
    """A way to tell people. `gathers` says whether alerts about several things may come in one notification."""

    gathers: bool

    def deliver(self, notification: Notification) -> None:
        """Tells it. Raises NotDelivered. Safe to call again: what it is told twice carries the same id."""
        ...
