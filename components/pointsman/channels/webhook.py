"""Any receiver of webhooks: gets what Alertmanager would post, so that what takes the one takes the other."""

from __future__ import annotations

from pointsman.channels.notification import Notification, posted
from pointsman.channels.posting import Read, post

EVENT_HEADER = "X-Pointsman-Event"
"""The ids of the events that a request tells of, with commas; the same again when it is sent again."""


class WebhookChannel:
    """An address that takes version 4 of Alertmanager's webhook."""

    gathers = True

    def __init__(self, address: Read) -> None:
        self._address = address

    def deliver(self, notification: Notification) -> None:
        """Posts it. Raises NotDelivered."""
        events = [alert.event_id for alert in notification.alerts if alert.event_id]
        post("the webhook", self._address, posted(notification), {EVENT_HEADER: ",".join(events)} if events else {})
