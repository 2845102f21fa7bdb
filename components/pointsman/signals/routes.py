"""Which alert goes to which receiver."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pointsman.signals import stack, verification
from pointsman.spec.alerting import Alertmanager
from pointsman.spec.alerting import Route as Declared

EVERY = 'severity=~".*"'
"""Matches whatever an alert's severity is: misspelled, in capitals, or not there."""


@dataclass(frozen=True)
class Route:
    """Alerts that match all of `matchers` go to `receiver`; empty timing is the default's.

    `goes_on`: the routes after it are asked as well. In `mute_times` it tells nobody.
    """

    receiver: str
    matchers: tuple[str, ...]
    group_by: tuple[str, ...] = ()
    group_wait: str = ""
    group_interval: str = ""
    repeat_interval: str = ""
    mute_times: tuple[str, ...] = ()
    goes_on: bool = False


def routes(sink: str, console: str, declared: Alertmanager) -> Iterator[Route]:
    """The routes in their order: the way of alerts itself, the declared receivers, then console and sink for all.

    `console` is empty where there is none.
    """
    yield Route(
        sink,
        (f'alertname="{verification.ALERT}"',),
        group_by=("alertname", "run"),
        group_wait="0s",
        group_interval="1s",
        repeat_interval="1h",
    )
    if declared.dead_man:
        yield _watchdog(declared.dead_man, goes_on=True)
    yield _watchdog(sink)
    routed = {route.receiver for route in declared.routes}
    for receiver in declared.receivers:
        if receiver.name not in routed:
            yield Route(receiver.name, _one_of("severity", receiver.severities), goes_on=True)
    for route in declared.routes:
        yield _declared(route)
    if console:
        yield Route(console, (EVERY,), goes_on=True)
    # An alert that a route matched no longer falls through to the default: the sink must be named again.
    yield Route(sink, (EVERY,))


def _watchdog(receiver: str, goes_on: bool = False) -> Route:
    """Sent again each minute, so that who waits for it notices within minutes.

    Alertmanager looks at a group once in its interval: a repeat of the same length would be late each second time.
    """
    matchers = (f'alertname="{stack.WATCHDOG}"',)
    return Route(receiver, matchers, (), "0s", "1m", "50s", goes_on=goes_on)


def _declared(route: Declared) -> Route:
    return Route(
        route.receiver,
        (*_one_of("severity", route.severities), *_one_of("owner", route.owners), *route.matchers),
        group_by=tuple(route.group_by),
        group_wait=route.group_wait or "",
        group_interval=route.group_interval or "",
        repeat_interval=route.repeat_interval or "",
        mute_times=tuple(route.mute_times),
        goes_on=True,
    )


def _one_of(label: str, values: Sequence[str]) -> tuple[str, ...]:
    return (f'{label}=~"{"|".join(values)}"',) if values else ()
