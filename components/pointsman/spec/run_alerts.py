"""What may be declared of the alerts on runs, in a file of their own: which events are one, and who is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, StringConstraints

from pointsman.spec.alerting import Hours, TimeZone, Weekday
from pointsman.spec.alerts import RUNBOOKS
from pointsman.spec.base import Misfit, Model
from pointsman.spec.receivers import Severity
from pointsman.spec.run_channels import Channel, built_in
from pointsman.spec.scalars import Duration, HttpUrl, LabelName, ReceiverName, ServerUrl

EventName = Literal[
    "run_started",
    "run_completed",
    "run_failed",
    "run_cancelled",
    "run_stalled",
    "run_recovered",
    "run_waiting",
    "run_deleted",
    "monitor_unhealthy",
    "monitor_healthy",
]
StallName = Literal["queued_too_long", "silent", "running_too_long", "approval_too_long"]
RuleName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]{0,62}$"),
    Field(
        json_schema_extra={
            "patternErrorMessage": "expected a rule's name: letters and digits, a capital first, such as DeployFailed"
        }
    ),
]
KindPattern = Annotated[
    str,
    StringConstraints(pattern=r"^[^\s]([^\n]{0,98}[^\s])?$"),
    Field(json_schema_extra={"patternErrorMessage": 'expected a kind of run, where * stands for anything: "deploy-*"'}),
]


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("expected a time zone's name, such as UTC or Europe/Berlin")
    return name


class Rule(Model):
    """Events that become an alert. What a built-in rule of this name says holds for every key that is left out."""

    enabled: bool = Field(default=True, description="false: no alert comes of it.")
    events: list[EventName] = Field(default_factory=list, description="What happened; a rule of your own needs one.")
    kinds: list[KindPattern] = Field(default_factory=list, description="To runs of which kinds; left out: of all.")
    stalls: list[StallName] = Field(default_factory=list, description="Of run_stalled, which ways; left out: all.")
    severity: Severity = Field(default="warning", description="How bad that is.")
    channels: list[ReceiverName] = Field(
        default_factory=list, description="Who is told; left out: every channel whose severities have this one."
    )
    throttle: Duration | None = Field(
        default=None,
        description="A channel is told once in this time; what comes meanwhile comes together at its end. "
        "Left out: as for all.",
    )
    send_resolved: bool = Field(default=True, description="Whether it is told when it is over.")
    runbook: HttpUrl | None = Field(default=None, description="What to do then.")


def _told(name: str, event: EventName, severity: Severity) -> Rule:
    return Rule(events=[event], severity=severity, runbook=f"{RUNBOOKS}/{name}.md")


BUILT_IN: Mapping[str, Rule] = {
    "RunCompleted": _told("RunCompleted", "run_completed", "info"),
    "RunFailed": _told("RunFailed", "run_failed", "critical"),
    "RunStalled": _told("RunStalled", "run_stalled", "warning"),
    "MonitorUnhealthy": _told("MonitorUnhealthy", "monitor_unhealthy", "critical"),
}
"""The rules that hold without a file, each with its page in runbooks/."""


class QuietHours(Model):
    """Times in which some alerts wait. What waited comes together when they are over; the console never waits."""

    weekdays: list[Weekday] = Field(default_factory=list, description="On which days; left out: on all.")
    hours: list[Hours] = Field(default_factory=list, description="In which hours of them; left out: in all.")
    time_zone: Annotated[TimeZone, AfterValidator(_known_zone)] = Field(
        default="UTC", description="Whose days and hours they are."
    )
    severities: list[Severity] = Field(
        default=["warning", "info"], min_length=1, description="Which alerts wait; critical ones do not by default."
    )
    channels: list[ReceiverName] = Field(default_factory=list, description="Whose alerts wait; left out: all.")

    def misfits(self) -> Iterator[Misfit]:
        """Hours that are always: what waits then never comes."""
        if not self.hours and len(set(self.weekdays)) in (0, 7):
            yield Misfit((("weekdays",), ("hours",)), "these quiet hours never end", "weekdays, hours, or both")


class Stack(Model):
    """The Alertmanager that groups, routes and tells, in place of throttling and channels of the monitor's own."""

    url: ServerUrl = Field(default="http://alertmanager:9093", description="Where it is.")


class RunAlerts(Model):
    """alerts.yaml: rules, channels, and when nobody is told."""

    rules: dict[RuleName, Rule] = Field(
        default_factory=dict, description=f"Rules by name, beside {', '.join(BUILT_IN)}, or to change one of them."
    )
    channels: dict[ReceiverName, Channel] = Field(
        default_factory=dict, description="Channels by name, beside the built-in ones, or to change one of them."
    )
    throttle: Duration = Field(default="5m", description="A rule tells a channel once in this time, unless it differs.")
    quiet_hours: list[QuietHours] = Field(default_factory=list, description="When some alerts wait.")
    keep_open: Duration = Field(default="7d", description="How long an alert is held to be on when nothing ends it.")
    labels: dict[LabelName, str] = Field(default_factory=dict, description="Labels of every alert.")
    alertmanager: Stack | None = Field(
        default=None,
        description="Give all alerts to an Alertmanager; only the console is told beside it. Left out: tell them here.",
    )

    def all_rules(self) -> dict[str, Rule]:
        """Every rule that is enabled: the built-in ones as they were changed, then those of the file."""
        merged = {**BUILT_IN, **{name: _merged(name, rule) for name, rule in self.rules.items()}}
        return {name: rule for name, rule in merged.items() if rule.enabled}

    def all_channels(self) -> dict[str, Channel]:
        """Every channel by name: the built-in ones as they were changed, then those of the file."""
        return {**built_in(), **self.channels}

    def misfits(self) -> Iterator[Misfit]:
        """Channels that there are not, and rules that no event fits."""
        known = self.all_channels()
        for name, rule in self.rules.items():
            key = ("rules", name)
            if not _merged(name, rule).events:
                yield Misfit(((*key, "events"), key), f"nothing makes {name} an alert", "at least one event")
            if rule.stalls and "run_stalled" not in _merged(name, rule).events:
                yield Misfit(((*key, "stalls"),), f"{name} is about no run_stalled", "run_stalled among its events")
            yield from _unknown((*key, "channels"), rule.channels, known)
        for place, quiet in enumerate(self.quiet_hours):
            yield from _unknown(("quiet_hours", place, "channels"), quiet.channels, known)
        for name, channel in self.channels.items():
            own = built_in().get(name)
            if own and own.kind != channel.kind:
                yield Misfit(
                    (("channels", name, "kind"), ("channels", name)),
                    f"{name} is a built-in channel of the kind {own.kind}",
                    f"kind: {own.kind}, or another name",
                )


def _merged(name: str, rule: Rule) -> Rule:
    """A rule with what the built-in one of its name says."""
    own = BUILT_IN.get(name)
    return own.model_copy(update={key: getattr(rule, key) for key in rule.model_fields_set}) if own else rule


def _unknown(key: tuple[str | int, ...], names: list[str], known: Mapping[str, object]) -> Iterator[Misfit]:
    for place, name in enumerate(names):
        if name not in known:
            yield Misfit(((*key, place),), f"there is no channel {name}", f"one of {', '.join(known)}")
