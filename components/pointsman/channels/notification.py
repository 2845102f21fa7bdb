"""A notification in the form of Alertmanager's webhook, version 4: read as it is posted, and written so."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_ADDRESS = re.compile(r"https?://[^\s<>()]+")
FIRING, RESOLVED = "firing", "resolved"


class Malformed(ValueError):
    """What was posted is no notification of Alertmanager."""


@dataclass(frozen=True)
class Alert:
    """One alert of a group. Times are as Alertmanager writes them, RFC 3339."""

    status: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts: str
    ends: str
    fingerprint: str
    graph: str

    @property
    def name(self) -> str:
        """What the rule calls it."""
        return self.labels.get("alertname", "an alert without a name")

    @property
    def severity(self) -> str:
        """How bad it is; empty where the rule does not say."""
        return self.labels.get("severity", "")

    @property
    def summary(self) -> str:
        """It in one line."""
        return self.annotations.get("summary", "") or self.name

    @property
    def firing(self) -> bool:
        """Whether it is not over."""
        return self.status == FIRING

    @property
    def moment(self) -> str:
        """When it began, or was over, to the second; empty where the time cannot be read."""
        try:
            return datetime.fromisoformat(self.starts if self.firing else self.ends).isoformat(timespec="seconds")
        except ValueError:
            return ""

    @property
    def event_id(self) -> str:
        """The id of the event that it tells of, where it has one: who is told twice sees that it is the same."""
        return self.annotations.get("event_id", "")

    @property
    def links(self) -> dict[str, str]:
        """The addresses of where to look next, by what is found there."""
        there = {
            "Run": self.annotations.get("run_url", ""),
            "Runbook": self.annotations.get("runbook_url", ""),
            "Dashboard": self.annotations.get("dashboard", ""),
            "Graph": self.graph,
        }
        return {title: url for title, url in there.items() if _ADDRESS.fullmatch(url)}


@dataclass(frozen=True)
class Notification:
    """A group of alerts. `status` is resolved when all of them are; `group_key` names the group for as long as the
    route stays what it is; `left_out` alerts were too many to send; `headline` is what stands above all of them."""

    group_key: str
    status: str
    receiver: str
    alerts: tuple[Alert, ...]
    left_out: int = 0
    headline: str = ""

    @property
    def counts(self) -> str:
        """How many alerts fire and how many are over."""
        return f"{len(self.firing)} firing, {len(self.resolved)} resolved"

    @property
    def firing(self) -> tuple[Alert, ...]:
        """The alerts that are not over."""
        return tuple(alert for alert in self.alerts if alert.firing)

    @property
    def resolved(self) -> tuple[Alert, ...]:
        """Those that are."""
        return tuple(alert for alert in self.alerts if not alert.firing)

    @property
    def ordered(self) -> tuple[Alert, ...]:
        """Those that fire, then those that are over."""
        return (*self.firing, *self.resolved)

    @property
    def worst(self) -> Alert:
        """The alert that the group is called by: the worst that fires, or else the first."""
        ranks = {"critical": 0, "warning": 1, "info": 2}
        return min(self.firing or self.alerts, key=lambda alert: ranks.get(alert.severity, 3))


def parse(content: bytes, dashboards: str = "") -> Notification:
    """Reads what was posted; a dashboard that is told as a path is below `dashboards`. Raises Malformed."""
    try:
        got = json.loads(content)
        alerts = tuple(_alert(each, dashboards) for each in got["alerts"])
        found = Notification(
            group_key=_text(got["groupKey"]),
            status=_status(got["status"]),
            receiver=_text(got["receiver"]),
            alerts=alerts,
            left_out=int(got.get("truncatedAlerts", 0)),
        )
    except (KeyError, TypeError, ValueError, RecursionError, AttributeError) as error:
        raise Malformed(f"no notification of Alertmanager: {type(error).__name__}: {error}"[:200]) from None
    if not alerts:
        raise Malformed("a notification without alerts")
    return found


def posted(notification: Notification) -> dict[str, Any]:
    """What Alertmanager would post of it; receivers that are made for the one take the other."""
    return {
        "version": "4",
        "groupKey": notification.group_key,
        "status": notification.status,
        "receiver": notification.receiver,
        "truncatedAlerts": notification.left_out,
        "groupLabels": {},
        "commonLabels": _common([alert.labels for alert in notification.alerts]),
        "commonAnnotations": _common([alert.annotations for alert in notification.alerts]),
        "externalURL": "",
        "alerts": [
            {
                "status": alert.status,
                "labels": dict(alert.labels),
                "annotations": dict(alert.annotations),
                "startsAt": alert.starts,
                "endsAt": alert.ends,
                "generatorURL": alert.graph,
                "fingerprint": alert.fingerprint,
            }
            for alert in notification.alerts
        ],
    }


def _common(every: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {name: value for name, value in every[0].items() if all(each.get(name) == value for each in every)}


def _alert(got: Mapping[str, Any], dashboards: str) -> Alert:
    annotations = _texts(got.get("annotations") or {})
    if annotations.get("dashboard", "").startswith("/"):
        annotations["dashboard"] = f"{dashboards}{annotations['dashboard']}"
    return Alert(
        status=_status(got["status"]),
        labels=_texts(got["labels"]),
        annotations=annotations,
        starts=_text(got["startsAt"]),
        ends=_text(got.get("endsAt", "")),
        fingerprint=_text(got["fingerprint"]),
        graph=_text(got.get("generatorURL", "")),
    )


def _status(value: object) -> str:
    if value not in (FIRING, RESOLVED):
        raise ValueError("the status is neither firing nor resolved")
    return str(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("expected a text")
    return value


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in values.items()}
