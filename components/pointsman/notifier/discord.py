"""Alerts as Discord embeds: one an alert, with its labels and links, within Discord's limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pointsman.errors import UsageError
from pointsman.github import read_secret
from pointsman.notifier.delivering import NotDelivered
from pointsman.notifier.notification import Alert, Notification

# Discord's developer documentation, "Message" and "Embed limits".
CONTENT, TITLE, DESCRIPTION, FIELD_NAME, FIELD_VALUE, FIELDS, EMBEDS, TOTAL = 2000, 256, 4096, 256, 1024, 25, 10, 6000
COLOURS = {"critical": 0xD32F2F, "warning": 0xF9A825, "info": 0x1976D2}
OTHER_COLOUR, RESOLVED_COLOUR = 0x757575, 0x2E7D32
CONNECT_SECONDS, ANSWER_SECONDS = 4.0, 8.0


def message(notification: Notification) -> dict[str, Any]:
    """The body to post: as many alerts as fit, those that fire first, and how many do not."""
    embeds: list[dict[str, Any]] = []
    size = 0
    ordered = (*notification.firing, *notification.resolved)
    for alert in ordered[:EMBEDS]:
        embed = _embed(alert)
        if size + _size(embed) > TOTAL:
            break
        size += _size(embed)
        embeds.append(embed)
    left = len(ordered) - len(embeds) + notification.left_out
    counts = f"{len(notification.firing)} firing, {len(notification.resolved)} resolved"
    head = f"**{notification.worst.name}**: {counts}" + (f"; {left} not shown" if left else "")
    # Nobody is called by an @ in an alert's text.
    return {"content": _cut(head, CONTENT), "embeds": embeds, "allowed_mentions": {"parse": []}}


class DiscordReceiver:
    """A webhook of Discord, whose address is in a file, read each time: a new one needs no restart."""

    def __init__(self, url_file: Path) -> None:
        self._url_file = url_file

    def deliver(self, notification: Notification) -> None:
        """Posts the embeds. Raises NotDelivered; the address, which is a secret, is in no message."""
        import httpx

        try:
            url = read_secret("address", self._url_file).reveal()
        except UsageError as error:
            raise NotDelivered("secret", error.message) from None
        seconds = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
        try:
            # Without encryption it is an address nearby: no proxy.
            with httpx.Client(timeout=seconds, trust_env=url.startswith("https")) as client:
                answer = client.post(url, json=message(notification))
        except httpx.TimeoutException as error:
            raise NotDelivered("timeout", f"Discord gave no answer in time ({type(error).__name__})") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotDelivered("unreachable", f"Discord cannot be reached ({type(error).__name__})") from None
        _judge(answer.status_code, answer.headers)


def _judge(status: int, headers: Mapping[str, str]) -> None:
    if status < 300:
        return
    if status == 429:
        raise NotDelivered("limited", f"Discord wants to be left alone for {headers.get('retry-after', 'some')} s")
    if status >= 500:
        raise NotDelivered("server_error", f"Discord answered {status}")
    gone = ": the webhook is gone" if status in (401, 403, 404) else ""
    raise NotDelivered("refused", f"Discord answered {status}{gone}")


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
    for name, value in alert.labels.items():
        if value.strip():
            yield _cut(name, FIELD_NAME), _cut(value, FIELD_VALUE // 4), True


def _size(embed: Mapping[str, Any]) -> int:
    """The characters that count against TOTAL."""
    fields = sum(len(each["name"]) + len(each["value"]) for each in embed["fields"])
    return len(embed["title"]) + len(embed["description"]) + fields


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
