"""A rule that asks for what nobody sends is refused before anything is applied, with its file and its name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pointsman.errors import UsageError
from pointsman.services import estate
from pointsman.services.model import Machine
from pointsman.signals.catalogue import every_group, rule_groups, slo_groups
from pointsman.signals.known import KNOWN
from pointsman.signals.model import Alert, Record, RuleGroup
from pointsman.signals.rule_lint import checked, faults
from pointsman.spec.models import Environment
from tests.unit.services.cases import CASES

ALERT = Alert(
    name="RunsFail",
    expr='sum by (workflow_name) (workflow_runs_total{workflow_status="failure"}) > 5',
    severity="warning",
    summary="Runs of {{ $labels.workflow_name }} fail",
    description="{{ $value }} of them.",
)
SPECS = {"default": Environment(), "full": CASES["full"].spec}


def group(*rules: Alert | Record) -> RuleGroup:
    """A group of these rules."""
    return RuleGroup("runs", rules)


def problems(*rules: Alert | Record) -> list[str]:
    """What is said of rules."""
    return [fault.problem for fault in faults([group(*rules)])]


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_our_rules_ask_for_what_is_sent(spec: Environment) -> None:
    """Those of every subject, and those of the objectives in both of their modes."""
    assert faults((*every_group(spec), *slo_groups(spec))) == ()


def test_what_is_sent_passes() -> None:
    """The alert that the cases below spoil, as it was handed in."""
    groups = (group(ALERT),)
    assert checked(groups) is groups


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"expr": "workflow_run_total > 5", "summary": "Runs fail"}, "the metric workflow_run_total is unknown"),
        ({"expr": "rate(agent_duration_seconds[5m]) > 0", "summary": "Slow"}, "the metric agent_duration_seconds"),
        ({"expr": 'workflow_runs_total{run_id="7"} > 5'}, "the metric workflow_runs_total has no label run_id"),
        ({"expr": "sum by (run_id) (workflow_runs_total) > 5"}, "no metric in it has the label run_id"),
        ({"expr": '{job="a"} > 5', "summary": "Runs fail"}, "a selector without a metric's name"),
        ({"expr": '{__name__=~"up|down"} == 0', "summary": "Gone"}, "the metric down is unknown"),
        ({"summary": "Runs of {{ $labels.workflow }} fail"}, "it says $labels.workflow, which no metric in it has"),
    ],
)
def test_what_nobody_sends_is_refused(change: dict[str, str], problem: str) -> None:
    """A metric, a part of a histogram, a label that is asked for, grouped by, or said."""
    (found,) = problems(replace(ALERT, **change))  # type: ignore[arg-type]
    assert found.startswith(problem)


def test_a_rule_may_ask_for_what_another_records() -> None:
    """With the labels of its sources and those that it adds; not for what none does."""
    expr = 'slo:runs:all{workflow_name="a", team="b"} > 5'
    asking = replace(ALERT, expr=expr)
    assert problems(asking, Record("slo:runs:all", "workflow_runs_total", {"team": "b"})) == []
    assert problems(asking, Record("slo:runs:all", "workflow_runs_total")) == [
        "the metric slo:runs:all has no label team"
    ]
    assert problems(replace(asking, summary="Runs fail")) == ["the metric slo:runs:all is unknown"]


def test_panels_know_only_what_some_rule_records() -> None:
    """The series of objectives in the list are those of the rules."""
    recorded = {
        rule.name
        for spec in SPECS.values()
        for each in slo_groups(spec)
        for rule in each.rules
        if isinstance(rule, Record)
    }
    assert {name for name in KNOWN if name.startswith("slo:")} <= recorded


def test_it_is_refused_before_anything_is_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    """No service is made of an environment with such rules; every fault is told with its file, as the user's matter."""
    spoilt = (group(replace(ALERT, expr="sent_by_nobody > 0", summary="Gone"), replace(ALERT, expr="nor_this > 0")),)
    monkeypatch.setattr(estate, "rule_groups", lambda spec: (*rule_groups(spec), *spoilt))
    with pytest.raises(UsageError) as refused:
        estate.compose("dev", Environment(), "promtail", Machine())
    assert refused.value.message == "3 faults in rules; nothing was applied"
    assert refused.value.detail.splitlines() == [
        "rules/runs.yml: RunsFail: the metric sent_by_nobody is unknown",
        "rules/runs.yml: RunsFail: the metric nor_this is unknown",
        "rules/runs.yml: RunsFail: it says $labels.workflow_name, which no metric in it has",
    ]
    assert "signals/known.py" in refused.value.remedy
