"""What a signal is: alerts and recorded series in groups, as Prometheus evaluates them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pointsman.spec.alerts import RUNBOOKS
from pointsman.yaml_text import yaml_text

Severity = Literal["critical", "warning", "info", "none"]


def runbook(name: str, base: str = RUNBOOKS) -> str:
    """Where the page of the alert `name` is read: the one place that knows how pages are called."""
    return f"{base}/{name}.md"


@dataclass(frozen=True)
class Alert:
    """One alerting rule. `hold` is how long `expr` must hold before it fires, a Prometheus duration, empty for at once.

    `severity` none is for alerts that are meant to fire: they are about the way of alerts itself. `owner` is the team
    that answers, `dashboard` the uid of the board to look at, `runbooks` the address that runbooks lie below.
    """

    name: str
    expr: str
    severity: Severity
    summary: str
    description: str
    hold: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    owner: str = "platform"
    dashboard: str = ""
    runbooks: str = RUNBOOKS

    def rendered(self) -> dict[str, Any]:
        """The rule as Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expr,
            **({"for": self.hold} if self.hold else {}),
            "labels": {"severity": self.severity, "owner": self.owner, **self.labels},
            "annotations": {"summary": self.summary, "description": self.description, **self._ways()},
        }

    def _ways(self) -> dict[str, str]:
        """Where to read on; what is meant to fire leads nowhere."""
        if self.severity == "none":
            return {}
        board = {"dashboard": f"/d/{self.dashboard}"} if self.dashboard else {}
        return {"runbook_url": runbook(self.name, self.runbooks), **board}


@dataclass(frozen=True)
class Record:
    """One recording rule: the value of `expr`, kept as the series `name` with `labels` added."""

    name: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def rendered(self) -> dict[str, Any]:
        """The rule as Prometheus reads it."""
        return {"record": self.name, "expr": self.expr, **({"labels": dict(self.labels)} if self.labels else {})}


@dataclass(frozen=True)
class RuleGroup:
    """Rules that are evaluated together, in their order, every `interval`; empty for Prometheus's own interval.

    `labels` are added to all of them.
    """

    name: str
    rules: tuple[Alert | Record, ...]
    interval: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Those of its rules that are alerts."""
        return tuple(rule for rule in self.rules if isinstance(rule, Alert))

    def rendered(self) -> str:
        """The group as a rule file of its own."""
        group: dict[str, Any] = {"name": self.name}
        if self.interval:
            group["interval"] = self.interval
        if self.labels:
            group["labels"] = dict(self.labels)
        group["rules"] = [rule.rendered() for rule in self.rules]
        return yaml_text({"groups": [group]})
