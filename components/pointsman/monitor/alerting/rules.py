"""Which rule speaks for an event on a channel, and whether the channel wants quiet now. Pure."""

from __future__ import annotations

from datetime import datetime
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from pointsman.monitor.alerting.wording import ends
from pointsman.monitor.events import Event, EventKind
from pointsman.spec.run_alerts import QuietHours, Rule, RunAlerts

_RANKS = {"critical": 0, "warning": 1, "info": 2}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CONSOLE = "console"


def rule_for(alerts: RunAlerts, event: Event, channel: str | None) -> tuple[str, Rule] | None:
    """The rule that speaks: of those that match, the worst, and of these the last. None where none does.

    `channel` None asks for no channel in particular, as Alertmanager is told.
    """
    fits = [
        (name, rule)
        for name, rule in alerts.all_rules().items()
        if _matches(rule, event) and (channel is None or _goes_to(alerts, rule, channel))
    ]
    return min(reversed(fits), key=lambda each: _RANKS[each[1].severity], default=None)


def concerns(alerts: RunAlerts, kind: EventKind, channel: str | None) -> bool:
    """Whether events of a kind can become an alert on a channel, or end one."""
    kinds = {kind, *ends(kind)}
    rules = [rule for rule in alerts.all_rules().values() if channel is None or _goes_to(alerts, rule, channel)]
    return any(each.value in rule.events for each in kinds for rule in rules)


def quiet(alerts: RunAlerts, channel: str, severity: str, now: datetime) -> bool:
    """Whether alerts of this severity wait on a channel now; `now` is UTC."""
    return channel != CONSOLE and any(
        severity in each.severities and (not each.channels or channel in each.channels) and _during(each, now)
        for each in alerts.quiet_hours
    )


def _matches(rule: Rule, event: Event) -> bool:
    return (
        event.kind.value in rule.events
        and (not rule.kinds or any(fnmatchcase(event.run.kind, pattern) for pattern in rule.kinds))
        and (not rule.stalls or event.stall is None or event.stall.value in rule.stalls)
    )


def _goes_to(alerts: RunAlerts, rule: Rule, channel: str) -> bool:
    if channel == CONSOLE:
        return True
    return channel in rule.channels if rule.channels else rule.severity in alerts.all_channels()[channel].severities


def _during(times: QuietHours, now: datetime) -> bool:
    local = now.astimezone(ZoneInfo(times.time_zone))
    if times.weekdays and _DAYS[local.weekday()] not in times.weekdays:
        return False
    moment = f"{local:%H:%M}"
    return not times.hours or any(each.begin <= moment < each.end for each in times.hours)
