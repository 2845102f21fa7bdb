"""The console: one JSON object a line on standard output, written whole; who watches at a terminal gets plain lines."""

from __future__ import annotations

import json
import sys
import threading
from datetime import UTC, datetime
from typing import Any

from pointsman.channels.delivering import NotDelivered
from pointsman.channels.notification import Alert, Notification

_WRITING = threading.Lock()


def write(event: str, **fields: Any) -> None:
    """Writes a line; `event` says what it is about."""
    line = json.dumps({"time": datetime.now(UTC).isoformat(), "event": event, **fields}, ensure_ascii=False)
    with _WRITING:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


class ConsoleChannel:
    """Standard output: a line for each alert, for people where it is a terminal."""

    gathers = True

    def deliver(self, notification: Notification) -> None:
        """Writes the lines. Raises NotDelivered where nobody reads them any more."""
        try:
            if sys.stdout.isatty():
                with _WRITING:
                    sys.stdout.write("".join(f"{_readable(alert)}\n" for alert in notification.alerts))
                    sys.stdout.flush()
                return
            for alert in notification.alerts:
                write("alert", **_fields(notification, alert))
        except (OSError, ValueError) as error:
            raise NotDelivered("unreachable", f"standard output is closed ({type(error).__name__})") from None


def _readable(alert: Alert) -> str:
    """A line without what moves a terminal's cursor."""
    over = "" if alert.firing else "over: "
    text = f"{alert.moment}  {alert.severity or '-':8}  {alert.name}: {over}{alert.summary}"
    event = f"  (event {alert.event_id})" if alert.event_id else ""
    return "".join(letter if letter.isprintable() else " " for letter in text + event)


def _fields(notification: Notification, alert: Alert) -> dict[str, Any]:
    return {
        "status": alert.status,
        "alertname": alert.name,
        "severity": alert.severity,
        "owner": alert.labels.get("owner", ""),
        "summary": alert.summary,
        "description": alert.annotations.get("description", ""),
        "starts": alert.starts,
        # Alertmanager writes the year 1 for an alert that is not over.
        "ends": "" if alert.firing else alert.ends,
        "runbook": alert.annotations.get("runbook_url", ""),
        "dashboard": alert.annotations.get("dashboard", ""),
        "labels": dict(alert.labels),
        "fingerprint": alert.fingerprint,
        "group": notification.group_key,
        **({"event_id": alert.event_id} if alert.event_id else {}),
    }
