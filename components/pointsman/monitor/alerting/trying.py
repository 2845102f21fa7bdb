"""One alert to each channel, so that people see whether they would be told."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from pointsman.channels.delivering import NotDelivered
from pointsman.channels.notification import FIRING, Alert, Notification
from pointsman.monitor.alerting.channels import Opened

NAME = "PointsmanTest"
SUMMARY = "A test: this channel is told of runs"


@dataclass(frozen=True)
class Tried:
    """How a channel took it: `why` says what is unset or what went wrong."""

    channel: str
    result: Literal["sent", "disabled", "failed"]
    why: str = ""


def try_each(channels: Sequence[Opened], now: datetime | None = None) -> list[Tried]:
    """Tells every channel at the same time, in the order given; takes as long as the slowest."""
    made = notification(now or datetime.now(UTC))
    with ThreadPoolExecutor(max(1, len(channels))) as pool:
        return list(pool.map(lambda each: _try(each, made), channels))


def notification(now: datetime) -> Notification:
    """The test, with an id of its own."""
    event = uuid.uuid4().hex
    made = Alert(
        status=FIRING,
        labels={"alertname": NAME, "severity": "info", "service": "monitor"},
        annotations={
            "summary": SUMMARY,
            "description": "Sent by `pointsman alerts test`. Nothing is wrong.",
            "event_id": event,
        },
        starts=now.isoformat(timespec="milliseconds"),
        ends=(now + timedelta(minutes=1)).isoformat(timespec="milliseconds"),
        fingerprint=event[:16],
        graph="",
    )
    return Notification(f"test:{event}", FIRING, "test", (made,), headline=SUMMARY)


def _try(opened: Opened, made: Notification) -> Tried:
    if opened.channel is None:
        return Tried(opened.name, "disabled", opened.disabled)
    try:
        opened.channel.deliver(made)
    except NotDelivered as error:
        return Tried(opened.name, "failed", str(error))
    except Exception as error:
        # A channel of another package; what it says could hold a secret.
        return Tried(opened.name, "failed", type(error).__name__)
    return Tried(opened.name, "sent")
