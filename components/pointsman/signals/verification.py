"""The alert that `pointsman verify` makes fire, to follow it to its receiver."""

from __future__ import annotations

from pointsman.signals.model import Alert, RuleGroup

ALERT = "PointsmanVerify"
METRIC = "pointsman_verify_alert"
"""A sample of 1 makes the alert fire for its label `run`; a sample of 0 ends it."""


def alerts() -> RuleGroup:
    """Evaluated every second: a proof should not wait for the interval of the others."""
    return RuleGroup(
        "verify",
        (
            Alert(
                name=ALERT,
                expr=f"{METRIC} == 1",
                severity="none",
                summary="A proof of the way of alerts",
                description="Run {{ $labels.run }} of `pointsman verify` follows this alert to its receiver.",
            ),
        ),
        interval="1s",
    )
