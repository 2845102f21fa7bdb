"""What may be declared of the way of alerts: who is told of which, how they are grouped, and when nobody is told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from pointsman.spec.base import ExporterResources, Misfit, Model
from pointsman.spec.receivers import Email, Receiver, Severity
from pointsman.spec.scalars import Duration, LabelName, ReceiverName

BUILT_IN = ("alert-sink", "console")
"""The receivers that every environment has."""
MATCHER = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)(=~|!~|!=|=)"([^"\\\n]*)"')
"""A label, an operator and a value, as Alertmanager reads them."""
_MATCHER_WORDS = (
    'expected a label, =, !=, =~ or !~, and a value in double quotes without backslashes, such as job="api"'
)

ALERT_LABELS = ["alertname", "environment", "service"]
THING_LABELS = [*ALERT_LABELS, "instance", "host", "runner", "slo", "workflow_name", "agent_name"]


def _sound(text: str) -> str:
    found = MATCHER.fullmatch(text)
    if found and "~" in found[2]:
        try:
            re.compile(found[3])
        except re.error as error:
            raise ValueError(f"the pattern is wrong: {error}; {_MATCHER_WORDS}") from None
    return text


Matcher = Annotated[
    str,
    StringConstraints(pattern=f"^{MATCHER.pattern}$"),
    AfterValidator(_sound),
    Field(json_schema_extra={"patternErrorMessage": _MATCHER_WORDS}),
]
Owner = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$"),
    Field(json_schema_extra={"patternErrorMessage": "expected an owner: letters, digits, _ and -, at most 63"}),
]
ClockTime = Annotated[
    str,
    StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"),
    Field(json_schema_extra={"patternErrorMessage": 'expected a time of day in quotes, such as "06:30" or "24:00"'}),
]
TimeZone = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z]+(/[A-Za-z0-9_+-]+)*$"),
    Field(json_schema_extra={"patternErrorMessage": "expected a time zone's name, such as UTC or Europe/Berlin"}),
]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Hours(Model):
    """A part of a day."""

    begin: ClockTime = Field(description="When it begins.")
    end: ClockTime = Field(description="When it is over, on the same day.")

    def misfits(self) -> Iterator[Misfit]:
        """Hours that go over midnight, or are none."""
        if self.end <= self.begin:
            yield Misfit(
                keys=(("end",), ("begin",)),
                problem=f"{self.begin} to {self.end} ends before it has begun",
                expected=f'an end on the same day; a night is two: "{self.begin}" to "24:00", "00:00" to "{self.end}"',
            )


class MuteTime(Model):
    """Times in which routes that name them tell nobody. The built-in receivers are told all the same."""

    name: ReceiverName = Field(description="What routes call it.")
    weekdays: list[Weekday] = Field(default_factory=list, description="On which days; left out: on all.")
    hours: list[Hours] = Field(default_factory=list, description="In which hours of them; left out: in all.")
    time_zone: TimeZone = Field(default="UTC", description="Whose days and hours they are.")

    def misfits(self) -> Iterator[Misfit]:
        """One that is always."""
        if not self.weekdays and not self.hours:
            yield Misfit(
                keys=(("name",), ("weekdays",), ("hours",)),
                problem=f"{self.name} is at all times",
                expected="weekdays, hours, or both",
            )


class Route(Model):
    """Alerts that fit all that is said here are told to `receiver`; every route is asked, in this order."""

    receiver: ReceiverName = Field(description="Who is told.")
    severities: list[Severity] = Field(default_factory=list, description="Left out: all, misspelled ones too.")
    owners: list[Owner] = Field(default_factory=list, description="Values of the label owner; left out: all.")
    matchers: list[Matcher] = Field(default_factory=list, description="What other labels must be.")
    group_by: list[LabelName] = Field(default_factory=list, description="Left out: as for all.")
    group_wait: Duration | None = Field(default=None, description="Left out: as for all.")
    group_interval: Duration | None = Field(default=None, description="Left out: as for all.")
    repeat_interval: Duration | None = Field(default=None, description="Left out: as for all.")
    mute_times: list[ReceiverName] = Field(default_factory=list, description="When it tells nobody.")


class Alertmanager(Model):
    """Notifications of alerts: grouping, routes and receivers. The alert sink gets them all."""

    enabled: bool = Field(
        default=True, description="false leaves Alertmanager and the alert sink out: alerts show in Prometheus only."
    )
    group_by: list[LabelName] = Field(
        default=ALERT_LABELS, min_length=1, description="Alerts alike in these labels come in one notification."
    )
    group_wait: Duration = Field(default="10s", description="How long alerts of a new group are collected.")
    group_interval: Duration = Field(default="1m", description="How long until more alerts of a group are sent.")
    repeat_interval: Duration = Field(default="4h", description="How long until a firing alert is sent again.")
    inhibit_by: list[LabelName] = Field(
        default=THING_LABELS,
        min_length=1,
        description="A critical alert silences warnings, and a warning infos, that are alike in these labels.",
    )
    receivers: list[Receiver] = Field(
        default_factory=list, description="Who is told beside the alert sink and the notifier's log."
    )
    routes: list[Route] = Field(default_factory=list, description="Which alerts lead to which of the receivers.")
    mute_times: list[MuteTime] = Field(default_factory=list, description="Times that routes may name.")
    dead_man: ReceiverName | None = Field(
        default=None, description="The receiver that gets the Watchdog each minute, and raises alarm when it stops."
    )
    resources: ExporterResources = ExporterResources(memory="128MiB")

    def misfits(self) -> Iterator[Misfit]:
        """Names taken twice, names that nothing has, logins without a password."""
        yield from self._taken("receivers", [each.name for each in self.receivers], BUILT_IN)
        yield from self._taken("mute_times", [each.name for each in self.mute_times])
        known = {*BUILT_IN, *(each.name for each in self.receivers)}
        for place, route in enumerate(self.routes):
            yield from self._route_misfits(place, route, known)
        if self.dead_man and self.dead_man not in known - {*BUILT_IN}:
            yield _missing(("dead_man",), "receiver", self.dead_man, known - {*BUILT_IN})
        for place, receiver in enumerate(self.receivers):
            key = ("receivers", place)
            if isinstance(receiver, Email) and (receiver.username is None) != (receiver.password is None):
                given, missing = ("username", "password") if receiver.username else ("password", "username")
                yield Misfit(((*key, given),), f"{given} is declared without {missing}", f"{missing} as well")
            routed = any(route.receiver == receiver.name for route in self.routes)
            if routed and "severities" in receiver.model_fields_set:
                yield Misfit(
                    keys=((*key, "severities"),),
                    problem=f"routes say what {receiver.name} gets, and severities say it again",
                    expected="severities in the routes, and none here",
                )

    def without_notifier(self) -> Iterator[Misfit]:
        """What would be told through a notifier that is not there; keys begin at the environment."""
        for place, receiver in enumerate(self.receivers):
            if receiver.by_notifier:
                yield Misfit(
                    keys=(("notifier", "enabled"), ("alertmanager", "receivers", place, "name")),
                    problem=f"the receiver {receiver.name} is told by the notifier, which is not enabled",
                    expected="enabled: true, or another kind of receiver",
                )

    def _route_misfits(self, place: int, route: Route, known: set[str]) -> Iterator[Misfit]:
        if route.receiver not in known:
            yield _missing(("routes", place, "receiver"), "receiver", route.receiver, known)
        times = {each.name for each in self.mute_times}
        for index, name in enumerate(route.mute_times):
            if name not in times:
                yield _missing(("routes", place, "mute_times", index), "mute time", name, times)
        if route.receiver in BUILT_IN:
            yield Misfit(
                keys=(("routes", place, "receiver"),),
                problem=f"{route.receiver} gets every alert without a route",
                expected="one of alertmanager.receivers",
            )

    @staticmethod
    def _taken(key: str, names: list[str], built_in: tuple[str, ...] = ()) -> Iterator[Misfit]:
        counts = Counter([*built_in, *names])
        one = key.removesuffix("s").replace("_", " ")
        built = f"; {' and '.join(built_in)} are built in" if built_in else ""
        for place, name in enumerate(names):
            if counts[name] > 1:
                yield Misfit(
                    keys=((key, place, "name"),),
                    problem=f"the name {name} is taken",
                    expected=f"a name of its own for each {one}{built}",
                )


def _missing(key: tuple[str | int, ...], kind: str, name: str, there: set[str]) -> Misfit:
    listed = ", ".join(sorted(there - {*BUILT_IN})) or "none is declared"
    return Misfit(keys=(key,), problem=f"there is no {kind} {name}", expected=f"one that is declared: {listed}")


class Notifier(Model):
    """The notifier: logs every alert as a line of JSON, and turns alerts into GitHub issues and Discord embeds."""

    enabled: bool = Field(default=True, description="false leaves the notifier out, and with it the alerts' log.")
    resources: ExporterResources = ExporterResources(memory="96MiB")
