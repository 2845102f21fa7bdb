"""Alerts as a message of Slack: one attachment an alert, coloured by severity, within Slack's limits."""

from __future__ import annotations

from typing import Any

from pointsman.channels.notification import Alert, Notification
from pointsman.channels.posting import Read, post

# Slack's reference of Block Kit: 3,000 characters of a section's text, 2,000 of a context element's. Slack advises
# against more than 20 attachments, and cuts texts of more than 40,000 characters off.
SECTION, CONTEXT, HEAD, ATTACHMENTS = 3000, 2000, 1000, 20
COLOURS = {"critical": "#d32f2f", "warning": "#f9a825", "info": "#1976d2"}
OTHER_COLOUR, RESOLVED_COLOUR = "#757575", "#2e7d32"
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def message(notification: Notification) -> dict[str, Any]:
    """The body to post: as many alerts as fit, those that fire first, and how many do not."""
    shown = notification.ordered[:ATTACHMENTS]
    left = len(notification.alerts) - len(shown) + notification.left_out
    said = notification.headline or notification.counts
    more = f"; {left} not shown" if left else ""
    return {
        "text": f"*{_escaped(notification.worst.name, HEAD)}*: {_escaped(said, HEAD)}{more}",
        "attachments": [_attachment(alert) for alert in shown],
    }


class SlackChannel:
    """An incoming webhook of Slack, or of what takes them."""

    gathers = True

    def __init__(self, address: Read) -> None:
        self._address = address

    def deliver(self, notification: Notification) -> None:
        """Posts the message. Raises NotDelivered."""
        post("Slack", self._address, message(notification))


def _attachment(alert: Alert) -> dict[str, Any]:
    head = f"*{'' if alert.firing else 'Resolved: '}{_escaped(alert.summary, SECTION // 4)}*"
    description = _escaped(alert.annotations.get("description", ""), SECTION // 2)
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"{head}\n{description}".strip()}}
    ]
    links = " · ".join(f"<{url}|{title}>" for title, url in alert.links.items() if "|" not in url)
    labels = " ".join(f"`{_escaped(name, 60)}={_escaped(value, 200)}`" for name, value in alert.labels.items() if value)
    event = f"event `{alert.event_id}`" if alert.event_id else ""
    # The id first: what is long is cut.
    for text in (event, links, labels):
        if 0 < len(text) <= CONTEXT:
            blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": text}]})
    return {"color": COLOURS.get(alert.severity, OTHER_COLOUR) if alert.firing else RESOLVED_COLOUR, "blocks": blocks}


def _escaped(text: str, most: int) -> str:
    """A text that is no link, no mention and no end of code, with at most `most` characters before it was escaped
    and at most that many after."""
    safe = text.replace("`", "'").translate(_ESCAPES)
    if len(safe) <= most:
        return safe
    cut = safe[: most - 1]
    # Not within an escape.
    ampersand = cut.rfind("&")
    return f"{cut[:ampersand] if ampersand > cut.rfind(';') else cut}…"
