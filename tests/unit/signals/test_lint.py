"""The lint refuses an alert that lacks anything, says what, and is content with what there is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pointsman.alerts import sources
from pointsman.signals.catalogue import alerts, every_group, slo_groups
from pointsman.signals.lint import Fault, faults
from pointsman.signals.model import Alert
from pointsman.spec.models import Environment

CHECKOUT = Path(__file__).parents[3]
ALERT = Alert(
    name="JobSlow",
    expr="job_seconds > 60",
    severity="warning",
    summary="A job is slow",
    description="It takes {{ $value | humanizeDuration }}.",
    dashboard="jobs",
)
PAGE = """# JobSlow
## Meaning
## Impact
## Diagnose
## Fix
Expected time to remedy: 2–10 minutes.
## Escalate
Level 1.
"""


def check(at: str, *, fires: bool) -> dict[str, Any]:
    """One look of promtool at the alert."""
    return {"alertname": "JobSlow", "eval_time": at, "exp_alerts": [{"exp_labels": {}}] if fires else []}


def case(*checks: dict[str, Any], series: str = 'job_seconds{job="a"}') -> dict[str, Any]:
    """One test of promtool."""
    return {"input_series": [{"series": series, "values": "1"}] if series else [], "alert_rule_test": list(checks)}


FIRES = case(check("1m", fires=True), check("5m", fires=False))
QUIET = case(check("1m", fires=False))
ABSENT = case(check("1m", fires=False), series="")
CASES = [FIRES, QUIET, ABSENT]


def problems(alert: Alert = ALERT, cases: list[dict[str, Any]] | None = None, page: str | None = PAGE) -> list[str]:
    """What the lint has against an alert."""
    pages = {} if page is None else {"JobSlow": page}
    return [fault.problem for fault in faults([alert], CASES if cases is None else cases, pages)]


def test_every_alert_has_what_it_needs() -> None:
    """The alerts of this checkout, with their cases and pages."""
    every = alerts(every_group(Environment()))
    assert len(every) >= 30
    derived = alerts(slo_groups(Environment()))
    assert faults(every, sources.cases(CHECKOUT), sources.pages(CHECKOUT), derived) == ()


def test_a_whole_alert_is_let_through() -> None:
    """Nothing is said of it."""
    assert problems() == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"owner": ""}, "no owner"),
        ({"severity": ""}, "severity missing"),
        ({"severity": "page"}, "severity page"),
        ({"summary": ""}, "no summary of a line"),
        ({"description": "It takes long."}, "a description without a value"),
        ({"dashboard": ""}, "no dashboard"),
    ],
)
def test_what_is_not_said_is_missed(change: dict[str, Any], problem: str) -> None:
    """Each part by itself."""
    assert problems(replace(ALERT, **change)) == [problem]


@pytest.mark.parametrize(
    ("cases", "problem"),
    [
        ([QUIET, ABSENT], ["no case that it fires", "no case that it resolves"]),
        ([case(check("1m", fires=True)), QUIET, ABSENT], ["no case that it resolves"]),
        ([case(check("5m", fires=True), check("1m", fires=False)), QUIET, ABSENT], ["no case that it resolves"]),
        ([FIRES, ABSENT], ["no case that it stays quiet"]),
        ([FIRES, QUIET], ["no case series absent"]),
        # A case of another metric proves nothing of this alert but that it is silent without its own.
        ([FIRES, case(check("1m", fires=False), series="other")], ["no case that it stays quiet"]),
    ],
)
def test_a_missing_case_is_missed(cases: list[dict[str, Any]], problem: list[str]) -> None:
    """By what the cases do, not by how they are called."""
    assert problems(cases=cases) == problem


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        (None, "no runbook"),
        (PAGE.replace("## Impact\n", ""), "runbooks/JobSlow.md has the headings Meaning, Diagnose, Fix, Escalate"),
        (PAGE.replace("Expected", "Usual"), "runbooks/JobSlow.md does not say how long it takes"),
        (PAGE.replace("Level 1", "Somebody"), "runbooks/JobSlow.md names no level of escalation"),
    ],
)
def test_a_runbook_must_be_whole(page: str | None, problem: str) -> None:
    """All headings in their order, the time, and a level."""
    assert problems(page=page) == [problem]


def test_a_page_without_an_alert_is_found() -> None:
    """It was left behind by an alert that is gone or has another name; the overview is no such page."""
    found = faults([ALERT], CASES, {"JobSlow": PAGE, "JobGone": PAGE, "README": ""})
    assert [fault.alert for fault in found] == ["JobGone"]


def test_what_always_fires_needs_only_that() -> None:
    """A dead man's switch has no runbook, no board, and nothing to resolve with."""
    switch = Alert("Switch", "vector(1)", "none", "Fires", "Always.")
    fires = {"alert_rule_test": [{"alertname": "Switch", "eval_time": "0s", "exp_alerts": [{}]}]}
    assert faults([switch], [fires], {}) == ()
    assert faults([switch], [], {}) == (Fault("Switch", "no case that it fires", "a test that expects it"),)
