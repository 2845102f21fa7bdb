"""Which alert goes to which receiver."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pointsman.signals import stack, verification
from pointsman.spec.stack import Alertmanager


@dataclass(frozen=True)
class Route:
    """Alerts that match all of `matchers` go to `receiver`; empty timing is the default's.

    `goes_on`: the routes after it are asked as well.
    """

    receiver: str
    matchers: tuple[str, ...]
    group_by: tuple[str, ...] = ()
    group_wait: str = ""
    group_interval: str = ""
    repeat_interval: str = ""
    goes_on: bool = False


def routes(sink: str, declared: Alertmanager) -> Iterator[Route]:
    """The routes in their order: the way of alerts itself, the declared receivers, then the sink for all."""
    yield Route(
        sink,
        (f'alertname="{verification.ALERT}"',),
        group_by=("alertname", "run"),
        group_wait="0s",
        group_interval="1s",
        repeat_interval="1h",
    )
    # Often enough that a receiver of dead man's switches notices within minutes.
    yield Route(sink, (f'alertname="{stack.WATCHDOG}"',), group_wait="0s", group_interval="1m", repeat_interval="1m")
    for receiver in declared.receivers:
        yield Route(receiver.name, (f'severity=~"{"|".join(receiver.severities)}"',), goes_on=True)
    if declared.receivers:
        # An alert that a declared receiver got no longer falls through to the default: the sink must be named again.
        yield Route(sink, ('severity=~".+"',))
