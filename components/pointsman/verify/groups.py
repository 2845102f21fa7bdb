"""The sets in which checks are shown: the six end-to-end tests of the systems replaced by Pointsman, in their order,
and the hosts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from pointsman.checks import Check, Outcome


class Group(StrEnum):
    """One of them; the order of the members is that of the report."""

    CONTAINERS = "container health"
    ACCESS = "service access"
    METRICS = "Prometheus metrics"
    GRAFANA = "Grafana connectivity"
    DASHBOARDS = "dashboards"
    FLOW = "end-to-end flow"
    HOSTS = "hosts"


_RANKS = {str(group): rank for rank, group in enumerate(Group)}


def grouped(group: Group, checks: Sequence[Check]) -> tuple[Check, ...]:
    """The checks as members of a group."""
    return tuple(replace(check, group=str(group)) for check in checks)


def ordered(checks: Sequence[Check], services: Sequence[str]) -> list[Check]:
    """The checks in the order in which they are shown.

    What is about one service's container stands together, a wrong config or lost data before the death that it causes.
    """
    places = {name: place for place, name in enumerate(services)}

    def key(check: Check) -> tuple[int, int, bool]:
        rank = _RANKS[check.group]
        if check.group != Group.CONTAINERS:
            return rank, 0, False
        wrong = check.outcome is Outcome.FAIL and not check.name.startswith("container ")
        return rank, places.get(check.service, len(places)), not wrong

    return sorted(checks, key=key)
