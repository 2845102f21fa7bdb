"""Alerts given to Alertmanager, as Prometheus gives its own: it groups, routes, mutes and tells."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pointsman.channels.notification import Alert, Notification
from pointsman.channels.posting import post
from pointsman.github import Secret
from pointsman.monitor.alerting.wording import TOLD_FOR

PATH = "/api/v2/alerts"


class AlertmanagerChannel:
    """Version 2 of Alertmanager's API. What is posted twice is one alert to it: labels alone tell alerts apart."""

    gathers = True

    def __init__(self, url: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._address, self._clock = Secret(f"{url}{PATH}", url), clock

    def deliver(self, notification: Notification) -> None:
        """Posts its alerts. Raises NotDelivered."""
        post("Alertmanager", lambda: self._address, [self._postable(alert) for alert in notification.alerts])

    def _postable(self, alert: Alert) -> dict[str, Any]:
        ends = datetime.fromisoformat(alert.ends)
        if alert.firing:
            # One that only tells of something may come late; over before it came, nobody would be told.
            ends = max(ends, self._clock() + TOLD_FOR)
        return {
            "labels": dict(alert.labels),
            "annotations": dict(alert.annotations),
            "startsAt": alert.starts,
            "endsAt": ends.isoformat(timespec="milliseconds"),
            "generatorURL": alert.annotations.get("run_url", ""),
        }
