"""What an event says as an alert. Pure: an event and a rule in, an alert out; the same ones give the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from pointsman.channels.notification import FIRING, RESOLVED, Alert
from pointsman.monitor.events import Event, EventKind
from pointsman.spec.run_alerts import Rule

TROUBLES = frozenset({EventKind.FAILED, EventKind.STALLED, EventKind.UNHEALTHY})
"""What is on until something ends it; all else is told and over."""
TOLD_FOR = timedelta(minutes=5)
"""How long an alert that only tells of something lasts where Alertmanager is to tell it: longer than it collects."""
# A run's words are for people; what is longer is in its report.
LONGEST = 2000
_SAID = {
    EventKind.STARTED: "has started",
    EventKind.COMPLETED: "has completed",
    EventKind.FAILED: "has failed",
    EventKind.CANCELLED: "was cancelled",
    EventKind.STALLED: "has stalled",
    EventKind.RECOVERED: "gets on again",
    EventKind.WAITING: "waits for approval",
    EventKind.DELETED: "was deleted while it was watched",
    EventKind.UNHEALTHY: "The run monitor is not healthy",
    EventKind.HEALTHY: "The run monitor is healthy again",
}
_ENDS: Mapping[EventKind, frozenset[EventKind]] = {
    EventKind.RECOVERED: frozenset({EventKind.STALLED}),
    EventKind.FAILED: frozenset({EventKind.STALLED}),
    EventKind.CANCELLED: frozenset({EventKind.STALLED}),
    EventKind.COMPLETED: frozenset({EventKind.STALLED, EventKind.FAILED}),
    EventKind.DELETED: frozenset({EventKind.STALLED, EventKind.FAILED}),
    EventKind.HEALTHY: frozenset({EventKind.UNHEALTHY}),
}


def ends(kind: EventKind) -> frozenset[EventKind]:
    """The troubles of a run that an event of this kind ends."""
    return _ENDS.get(kind, frozenset())


def alert(event: Event, name: str, rule: Rule, labels: Mapping[str, str], keep: timedelta) -> Alert:
    """The alert that `rule`, called `name`, makes of an event. Its labels are those of every event of this run that the
    rule makes one of, so that Alertmanager takes what is posted twice for one; what differs is in the annotations."""
    run = event.run
    identity = {
        **labels,
        "alertname": name,
        "severity": rule.severity,
        "service": "monitor",
        "source": run.source,
        "run_id": run.id[:LONGEST],
        "run": run.name[:LONGEST],
        "kind": run.kind[:LONGEST],
    }
    told = {
        "summary": summary(event),
        "description": _description(event),
        "event_id": event.id,
        "attempt": str(run.attempt),
        "run_url": run.url,
        "trace_id": run.trace_id,
        "runbook_url": rule.runbook or "",
    }
    lasts = keep if event.kind in TROUBLES else TOLD_FOR
    return Alert(
        status=FIRING,
        labels={key: value for key, value in identity.items() if value},
        annotations={key: value for key, value in told.items() if value},
        starts=event.at.isoformat(timespec="milliseconds"),
        ends=(event.at + lasts).isoformat(timespec="milliseconds"),
        fingerprint=sha256(repr(sorted(identity.items())).encode()).hexdigest()[:16],
        graph="",
    )


def over(alert: Alert, event: Event) -> Alert:
    """The same alert, ended by an event that is not older than it: Alertmanager refuses an end before the begin."""
    told = {**alert.annotations, "description": f"{summary(event)}. {event.reason}".strip(), "event_id": event.id}
    return replace(alert, status=RESOLVED, ends=event.at.isoformat(timespec="milliseconds"), annotations=told)


def summary(event: Event) -> str:
    """An event in a line."""
    said = _SAID[event.kind]
    if event.kind in (EventKind.UNHEALTHY, EventKind.HEALTHY):
        return said
    run = event.run
    name = run.name if run.name == run.id or not run.name else f"{run.name} ({run.id})"
    stall = f": {event.stall.replace('_', ' ')}" if event.stall else ""
    return f"{run.kind} {name or run.id} {said}{stall}".strip()[:300]


def _description(event: Event) -> str:
    error = event.run.error if event.kind is EventKind.FAILED and event.run.error not in event.reason else ""
    return "\n".join(text[:LONGEST] for text in (event.reason, error) if text)
