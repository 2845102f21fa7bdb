"""One fault is one red check: what only follows from another is not verifiable, and names it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pointsman.checks import Check, Outcome
from pointsman.verify.groups import Group
from pointsman.verify.signal_path import lost_hop

# The checks that look at a service itself, by the beginning of their names; all others look at what it does.
# The first of these that is red explains the others best.
_CAUSES = ("container ", "reached ", "config ", "data ")
# Looked at in the volume and not through the service: they hold whatever became of it.
_INDEPENDENT = ("container ", "config ", "data ")


def folded(checks: Sequence[Check]) -> list[Check]:
    """The checks in the same order, with those that only follow from another red one made not verifiable.

    A service that does not run is not reached, not scraped and sends no logs. Of several signals that are lost at the
    same place the first stays red.
    """
    causes = _causes(checks)
    lost: dict[str, Check] = {}
    result = []
    for check in checks:
        if check.outcome is Outcome.FAIL:
            result.append(_path(check, causes, lost) if check.hops else _follows(check, causes))
        else:
            result.append(check)
    return result


def _causes(checks: Sequence[Check]) -> dict[str, Check]:
    """The red check about each service itself that explains most."""
    causes: dict[str, Check] = {}
    itself = (Group.CONTAINERS, Group.ACCESS)
    red = [check for check in checks if check.outcome is Outcome.FAIL and check.group in itself and check.service]
    for kind in _CAUSES:
        for check in red:
            if check.name.startswith(kind):
                causes.setdefault(check.service, check)
    return causes


def _follows(check: Check, causes: dict[str, Check]) -> Check:
    cause = causes.get(check.service)
    # Grafana's checks of data sources begin like those of volumes, and do go through the service.
    alone = check.group == Group.CONTAINERS and check.name.startswith(_INDEPENDENT)
    if cause is None or cause is check or alone:
        return check
    return replace(
        check, outcome=Outcome.NOT_VERIFIABLE, seen=f"{_named(cause)} ({check.seen})", expected="", remedy=""
    )


def _path(check: Check, causes: dict[str, Check], lost: dict[str, Check]) -> Check:
    hop = lost_hop(check)
    cause = next((causes[name] for name in _suspects(check) if name in causes), None)
    if cause is not None:
        seen = f"{check.seen}; see: {cause.name}"
        check = replace(check, seen=seen, remedy=cause.remedy, service=cause.service)
    # Lost at a service that is down: the same fault at whichever hop. Else the same fault only at the same hop.
    place = cause.name if cause else f"{check.service} {hop.name}" if hop else check.name
    first = lost.setdefault(place, check)
    if first is check:
        return check
    return replace(
        check, outcome=Outcome.NOT_VERIFIABLE, seen=f"{first.name} is lost there too: {check.seen}", remedy=""
    )


def _suspects(check: Check) -> list[str]:
    """Who may have lost a signal: the service that it is laid to, and the next one, which may not have taken it."""
    hop = lost_hop(check)
    after = check.hops[check.hops.index(hop) + 1 :] if hop else ()
    return [check.service, *(each.service for each in after[:1])]


def _named(cause: Check) -> str:
    return f"{cause.name} is {cause.seen.partition(chr(10))[0]}"
