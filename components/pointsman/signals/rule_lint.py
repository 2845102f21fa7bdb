"""Refuses a rule that asks for a metric or a label that nobody sends: it would stay silent whatever happens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from pointsman.errors import UsageError
from pointsman.signals import promql
from pointsman.signals.known import EVERYWHERE, KNOWN
from pointsman.signals.lint import Fault
from pointsman.signals.model import Alert, Record, RuleGroup

EXPECTED = "a series of signals/known.py with its labels, or one that a rule records"
_SAID = re.compile(r"\$labels\.(\w+)")
Labels = frozenset[str]
Known = Mapping[str, Labels]


def checked(groups: tuple[RuleGroup, ...]) -> tuple[RuleGroup, ...]:
    """The groups, as they are. Raises UsageError with every fault of theirs, by rule file and rule."""
    known = with_recorded(groups)
    told = [f"rules/{group.name}.yml: {each.alert}: {each.problem}" for group in groups for each in _in(group, known)]
    if told:
        raise UsageError(
            f"{len(told)} {'fault' if len(told) == 1 else 'faults'} in rules; nothing was applied",
            detail="\n".join(told),
            remedy=f"mend the rules that are named; expected {EXPECTED}",
        )
    return groups


def faults(groups: Sequence[RuleGroup]) -> tuple[Fault, ...]:
    """What rules ask for that nobody sends."""
    known = with_recorded(groups)
    return tuple(fault for group in groups for fault in _in(group, known))


def with_recorded(groups: Sequence[RuleGroup], sent: Known = KNOWN) -> Known:
    """The series that are sent, and those that groups record of them, which may have all labels of their sources."""
    known = dict(sent)
    records = [(group, rule) for group in groups for rule in group.rules if isinstance(rule, Record)]
    for _ in range(2):  # The second time for what names a series that is recorded after it.
        for group, rule in records:
            labels = _sources(rule.expr, known) | {*group.labels, *rule.labels}
            known[rule.name] = known.get(rule.name, EVERYWHERE) | labels
    return known


def _in(group: RuleGroup, known: Known) -> Iterator[Fault]:
    for rule in group.rules:
        for problem in promql.strangers(rule.expr, known):
            yield Fault(rule.name, problem, EXPECTED)
        if isinstance(rule, Alert):
            there = _sources(rule.expr, known) | {*group.labels, *rule.labels}
            for label in sorted(set(_SAID.findall(rule.summary + rule.description)) - there):
                yield Fault(rule.name, f"it says $labels.{label}, which no metric in it has", EXPECTED)


def _sources(expr: str, known: Known) -> Labels:
    found = (known.get(each.name, frozenset[str]()) for each in promql.selected(expr))
    return frozenset[str]().union(*found)
