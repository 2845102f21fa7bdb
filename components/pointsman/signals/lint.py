"""What an alert must have before it is loaded: an owner, words with values, a runbook, a board, and four cases."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pointsman.signals.model import Alert, Severity
from pointsman.spec.run_alerts import BUILT_IN
from pointsman.spec.scalars import duration_seconds

HEADINGS = ("Meaning", "Impact", "Diagnose", "Fix", "Escalate")
REMEDY = re.compile(r"^Expected time to remedy: (\d+.\d+ minutes|a working day)\b", re.MULTILINE)
LEVEL = re.compile(r"\bLevel [1-4]\b")
OTHER_PAGES = frozenset({"README", "quick-reference", *BUILT_IN})
"""Pages of no rule of Prometheus: what the run monitor tells by itself has one as well."""
ALWAYS_FIRES = "vector(1)"
"""The expression of a dead man's switch: it has no series that could be absent, and nothing that it resolves with."""
SUMMARY_CHARACTERS = 80
_VALUE = re.compile(r"\{\{ \$(value|labels\.)")
_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_CASES = {
    "fires": "a test that expects it",
    "stays quiet": "a test with its series in which it never fires",
    "resolves": "a test that expects it, and later no more",
    "series absent": "a test without any of its series",
}

Case = Mapping[str, Any]
"""One test of a file for `promtool test rules`."""


@dataclass(frozen=True)
class Fault:
    """Something that an alert lacks."""

    alert: str
    problem: str
    expected: str


def faults(
    alerts: Sequence[Alert], cases: Sequence[Case], pages: Mapping[str, str], derived: Sequence[Alert] = ()
) -> tuple[Fault, ...]:
    """All that the alerts lack, with promtool's `cases` and the texts of the runbooks by their names.

    `derived` are the alerts of SLOs: their cases are derived from the same tables as they are, not written by hand.
    """
    names = {alert.name for alert in (*alerts, *derived) if alert.severity != "none"}
    strays = sorted(set(pages) - names - OTHER_PAGES)
    return (
        *(fault for alert in (*alerts, *derived) for fault in (*_said(alert), *_paged(alert, pages))),
        *(fault for alert in alerts for fault in _tested(alert, cases)),
        *(Fault(page, f"runbooks/{page}.md is of no alert", "a page an alert, called like it") for page in strays),
    )


def _said(alert: Alert) -> Iterator[Fault]:
    if not alert.owner:
        yield Fault(alert.name, "no owner", "the team that answers")
    if alert.severity not in get_args(Severity):
        yield Fault(alert.name, f"severity {alert.severity or 'missing'}", f"one of {', '.join(get_args(Severity))}")
    if not 0 < len(alert.summary) <= SUMMARY_CHARACTERS or alert.summary.endswith("."):
        yield Fault(alert.name, "no summary of a line", f"up to {SUMMARY_CHARACTERS} characters without a full stop")
    if alert.severity == "none":
        return
    if not _VALUE.search(alert.description):
        yield Fault(alert.name, "a description without a value", "{{ $value }}, or a label where that is always 0 or 1")
    if not alert.dashboard:
        yield Fault(alert.name, "no dashboard", "the uid of the board to look at")


def _paged(alert: Alert, pages: Mapping[str, str]) -> Iterator[Fault]:
    """What is meant to fire needs no runbook."""
    if alert.severity == "none":
        return
    where = f"runbooks/{alert.name}.md"
    if (page := pages.get(alert.name)) is None:
        yield Fault(alert.name, "no runbook", where)
        return
    found = tuple(re.findall(r"^## (.*)$", page, re.MULTILINE))
    if found != HEADINGS:
        yield Fault(alert.name, f"{where} has the headings {', '.join(found) or 'of nothing'}", ", ".join(HEADINGS))
    if not REMEDY.search(page):
        yield Fault(alert.name, f"{where} does not say how long it takes", "`Expected time to remedy: 5–15 minutes.`")
    if not LEVEL.search(page.partition("## Escalate")[2]):
        yield Fault(alert.name, f"{where} names no level of escalation", "Level 1 to 4 of runbooks/README.md")


def _tested(alert: Alert, cases: Sequence[Case]) -> Iterator[Fault]:
    wanted = ("fires",) if alert.expr == ALWAYS_FIRES else tuple(_CASES)
    found = {kind for case in cases for kind in _kinds(alert, case)}
    for kind in wanted:
        if kind not in found:
            yield Fault(
                alert.name, f"no case that it {kind}" if kind != "series absent" else f"no case {kind}", _CASES[kind]
            )


def _kinds(alert: Alert, case: Case) -> Iterator[str]:
    """What one test proves of an alert."""
    checks = [check for check in case.get("alert_rule_test") or () if check["alertname"] == alert.name]
    if not checks:
        return
    words = set(_WORD.findall(alert.expr))
    has_series = any(_metric(each["series"]) in words for each in case.get("input_series") or ())
    fires = [duration_seconds(check["eval_time"]) for check in checks if check.get("exp_alerts")]
    quiet = [duration_seconds(check["eval_time"]) for check in checks if not check.get("exp_alerts")]
    if not has_series:
        yield "series absent"
    if fires and (has_series or alert.expr == ALWAYS_FIRES):
        yield "fires"
        if quiet and max(quiet) > min(fires):
            yield "resolves"
    if has_series and not fires:
        yield "stays quiet"


def _metric(series: str) -> str:
    found = _WORD.match(series)
    return found[0] if found else ""
