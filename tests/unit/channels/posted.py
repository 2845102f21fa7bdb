"""What Alertmanager posts, made by hand."""

from __future__ import annotations

import json
from typing import Any

from pointsman.channels.notification import Notification, parse

START, END, NEVER = "2026-11-21T22:00:00.123456789Z", "2026-11-21T22:30:00Z", "0001-01-01T00:00:00Z"


def alert(name: str = "RunnerOffline", status: str = "firing", starts: str = START, **labels: str) -> dict[str, Any]:
    """An alert; its fingerprint follows from its labels."""
    whole = {"alertname": name, "severity": "critical", "owner": "platform"} | labels
    return {
        "status": status,
        "labels": whole,
        "annotations": {
            "summary": f"{name} of {labels.get('runner', 'something')}",
            "description": "It has not answered for 5m.",
            "runbook_url": f"https://example.org/runbooks/{name}.md",
            "dashboard": "/d/runner-fleet",
        },
        "startsAt": starts,
        "endsAt": NEVER if status == "firing" else END,
        "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
        "fingerprint": f"{abs(hash(tuple(sorted(whole.items())))):016x}",
    }


def posted(*alerts: dict[str, Any], group: str = '{}:{alertname="RunnerOffline"}', **more: Any) -> bytes:
    """A notification of these alerts."""
    over = all(each["status"] == "resolved" for each in alerts)
    head = {"version": "4", "groupKey": group, "receiver": "incidents", "status": "resolved" if over else "firing"}
    rest = {"groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "", "truncatedAlerts": 0}
    return json.dumps(head | rest | {"alerts": alerts} | more).encode()


def notification(*alerts: dict[str, Any], **more: Any) -> Notification:
    """The same, read."""
    return parse(posted(*alerts, **more), "http://127.0.0.1:3003")
