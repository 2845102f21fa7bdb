"""The reference page of all alerts, written from the alerts themselves.

`python -m pointsman.signals.reference` prints the text of docs/reference/alerts.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from pointsman.signals.catalogue import every_group
from pointsman.signals.model import Alert, RuleGroup
from pointsman.spec.models import Environment

_HEAD = """\
<!-- Written by `python -m pointsman.signals.reference`; edit components/pointsman/signals/. -->

# Alerts

Every alert of an environment with the default thresholds; `alerts` in the [spec](spec.md) moves them. Groups of runners
are loaded where the environment has runner hosts. Severity *none* is for alerts that are meant to fire. *For* is how
long the expression must hold. Each leads to its runbook, and by its annotation `dashboard` to the board to look at.

Shares, quantiles and counts are judged over a window, and shares only from a least number of events on: one run that
fails at night wakes nobody. An alert whose series are not there is silent, but for `PrometheusIngestionStopped` and
`LokiIngestionStopped`; that a target is gone is told by `TargetDown`.
"""


def page(groups: tuple[RuleGroup, ...]) -> str:
    """The page of these rules."""
    return "\n".join([_HEAD, *(part for group in groups for part in _group(group))]).rstrip("\n") + "\n"


def _group(group: RuleGroup) -> Iterator[str]:
    alerts = [rule for rule in group.rules if isinstance(rule, Alert)]
    if not alerts:
        return
    yield f"## {group.name}\n"
    yield "| alert | severity | for | owner | says | board |"
    yield "| --- | --- | --- | --- | --- | --- |"
    yield from (_row(alert) for alert in alerts)
    yield ""
    for alert in alerts:
        yield f"### {alert.name}\n"
        yield f"{alert.description}\n"
        yield f"```promql\n{alert.expr}\n```\n"


def _row(alert: Alert) -> str:
    name = alert.name if alert.severity == "none" else f"[{alert.name}](../../runbooks/{alert.name}.md)"
    cells = (name, alert.severity, alert.hold, alert.owner, alert.summary.replace("|", "\\|"), alert.dashboard)
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    print(page(every_group(Environment())), end="")
