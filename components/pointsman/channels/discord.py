"""Alerts as Discord embeds: one an alert, with its labels and links, within Discord's limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pointsman.channels.notification import Alert, Notification
from pointsman.channels.posting import Read, post

# Discord's developer documentation, "Message" and "Embed limits".
CONTENT, TITLE, DESCRIPTION, FIELD_NAME, FIELD_VALUE, FIELDS, EMBEDS, TOTAL = 2000, 256, 4096, 256, 1024, 25, 10, 6000
COLOURS = {"critical": 0xD32F2F, "warning": 0xF9A825, "info": 0x1976D2}
OTHER_COLOUR, RESOLVED_COLOUR = 0x757575, 0x2E7D32


def message(notification: Notification) -> dict[str, Any]:
    """The body to post: as many alerts as fit, those that fire first, and how many do not."""
    embeds: list[dict[str, Any]] = []
    size = 0
    ordered = notification.ordered
    for alert in ordered[:EMBEDS]:
        embed = _embed(alert)
        if size + _size(embed) > TOTAL:
            break
        size += _size(embed)
        embeds.append(embed)
    left = len(ordered) - len(embeds) + notification.left_out
    said = notification.headline or notification.counts
    head = f"**{notification.worst.name}**: {said}" + (f"; {left} not shown" if left else "")
    # Nobody is called by an @ in an alert's text.
    return {"content": _cut(head, CONTENT), "embeds": embeds, "allowed_mentions": {"parse": []}}


class DiscordChannel:
    """A webhook of Discord."""

    gathers = True

    def __init__(self, address: Read) -> None:
        self._address = address

    def deliver(self, notification: Notification) -> None:
        """Posts the embeds. Raises NotDelivered."""
        post("Discord", self._address, message(notification))


def _embed(alert: Alert) -> dict[str, Any]:
    """An embed that fits alone."""
    colour = COLOURS.get(alert.severity, OTHER_COLOUR) if alert.firing else RESOLVED_COLOUR
    embed: dict[str, Any] = {
        "title": _cut(f"{'' if alert.firing else 'Resolved: '}{alert.summary}", TITLE),
        "description": _cut(alert.annotations.get("description", ""), DESCRIPTION // 2),
        "color": colour,
        **({"timestamp": alert.moment} if alert.moment else {}),
        **({"url": alert.links["Runbook"]} if "Runbook" in alert.links else {}),
        "fields": [],
    }
    for name, value, inline in _fields(alert):
        if len(embed["fields"]) == FIELDS or _size(embed) + len(name) + len(value) > TOTAL:
            break
        embed["fields"].append({"name": name, "value": value, "inline": inline})
    return embed


def _fields(alert: Alert) -> Iterator[tuple[str, str, bool]]:
    """Links, then labels: name, value, and whether others may stand beside it."""
    links = " · ".join(f"[{title}]({url})" for title, url in alert.links.items())
    if 0 < len(links) <= FIELD_VALUE:
        yield "Look at", links, False
    for name, value in (*alert.labels.items(), ("event", alert.event_id)):
        if value.strip():
            yield _cut(name, FIELD_NAME), _cut(value, FIELD_VALUE // 4), True


def _size(embed: Mapping[str, Any]) -> int:
    """The characters that count against TOTAL."""
    fields = sum(len(each["name"]) + len(each["value"]) for each in embed["fields"])
    return len(embed["title"]) + len(embed["description"]) + fields


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
