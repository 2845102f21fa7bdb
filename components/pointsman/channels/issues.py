"""What an issue says of a group of alerts. Pure: a notification in, texts out.

A hidden mark at the end of the issue's text tells which group it is about and which alerts it has told of, so that it
is found again by whoever looks, and nothing is told twice.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from pointsman.channels.notification import Alert, Notification

LABEL = "pointsman-alert"
# GitHub's own limits: 256 characters of a title, 65,536 of a text.
TITLE, TEXT = 256, 60_000
MOST_ALERTS = 50
_MARK = re.compile(r"<!-- pointsman group=([0-9a-f]{32}) state=([0-9a-f]{32}) -->\s*$")


@dataclass(frozen=True)
class Mark:
    """Of which group an issue is, and which firing alerts it has told of."""

    group: str
    state: str

    def __str__(self) -> str:
        return f"<!-- pointsman group={self.group} state={self.state} -->"

    @classmethod
    def of(cls, notification: Notification) -> Mark:
        """The mark of an issue that has told of a notification; those that are over are soon sent no more."""
        alerts = sorted((alert.fingerprint, alert.starts) for alert in notification.firing)
        return cls(_digest(notification.group_key), _digest(repr((alerts, notification.left_out))))

    @classmethod
    def read(cls, text: str) -> Mark | None:
        """The mark at the end of an issue's text; None in one of somebody else."""
        found = _MARK.search(text)
        return cls(found[1], found[2]) if found else None


def title(notification: Notification) -> str:
    """The worst alert in a line."""
    worst = notification.worst
    severity = f"[{worst.severity}] " if worst.severity else ""
    text = " ".join(f"{severity}{worst.name}: {worst.summary}".split())
    return text if len(text) <= TITLE else f"{text[: TITLE - 1]}…"


def body(notification: Notification) -> str:
    """The issue's text, with the mark."""
    return f"{_told(notification)}\n\n{Mark.of(notification)}\n"


def comment(notification: Notification, head: str) -> str:
    """What has changed: `head` in a line, then the alerts as they are now."""
    return f"{head}\n\n{_told(notification)}\n"


def _told(notification: Notification) -> str:
    ordered = notification.ordered
    parts: list[str] = []
    room = TEXT
    for alert in ordered[:MOST_ALERTS]:
        part = _section(alert)
        room -= len(part)
        if room < 0:
            break
        parts.append(part)
    if left := len(ordered) - len(parts) + notification.left_out:
        parts.append(f"… and {left} more alerts.")
    return "\n\n".join(parts)


def _section(alert: Alert) -> str:
    when = f"since {alert.starts}" if alert.firing else f"from {alert.starts} to {alert.ends}"
    links = " · ".join(f"[{name}]({url})" for name, url in alert.links.items() if url.startswith("http"))
    labels = " ".join(f"`{name}={_plain(value, 100)}`" for name, value in alert.labels.items())
    event = f", event `{alert.event_id}`" if alert.event_id else ""
    lines = (
        f"### {alert.status}: {_plain(alert.summary, 300)}",
        _plain(alert.annotations.get("description", ""), 4000),
        f"{when}, {labels}{event}",
        links,
    )
    return "\n\n".join(line for line in lines if line)


def _plain(text: str, most: int) -> str:
    """A text without what would end a mark or begin one, shortened."""
    safe = text.replace("<!--", "&lt;!--").replace("`", "'")
    return safe if len(safe) <= most else f"{safe[: most - 1]}…"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
