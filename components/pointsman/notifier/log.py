"""The notifier's log: one JSON object a line on standard output, written whole."""

from __future__ import annotations

import json
import sys
import threading
from datetime import UTC, datetime
from typing import Any

from pointsman.notifier.notification import Alert, Notification

_WRITING = threading.Lock()


def write(event: str, **fields: Any) -> None:
    """Writes a line; `event` says what it is about."""
    line = json.dumps({"time": datetime.now(UTC).isoformat(), "event": event, **fields}, ensure_ascii=False)
    with _WRITING:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def console(notification: Notification) -> None:
    """The receiver that is this log: a line for each alert."""
    for alert in notification.alerts:
        write("alert", **_fields(notification, alert))


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
    }
