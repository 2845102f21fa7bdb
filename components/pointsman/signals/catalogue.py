"""All rules of an environment, from its spec: the one place that knows which subjects there are."""

from __future__ import annotations

from dataclasses import replace

from pointsman.signals import (
    agents,
    cost,
    deployments,
    run_monitor,
    runners,
    slos,
    stack,
    stores,
    system,
    verification,
    workflows,
)
from pointsman.signals.model import Alert, RuleGroup
from pointsman.spec.models import Environment


def every_group(spec: Environment) -> tuple[RuleGroup, ...]:
    """The alerts of every subject, whether the environment has it or not; those of SLOs stand apart."""
    groups = (
        stack.alerts(spec),
        stores.alerts(spec),
        workflows.alerts(spec),
        agents.alerts(spec),
        system.alerts(spec),
        cost.alerts(spec),
        deployments.alerts(spec),
        run_monitor.alerts(spec),
        *runners.alerts(spec),
        verification.alerts(),
    )
    return tuple(_with_runbooks(group, spec.alerts.runbooks) for group in groups)


def slo_groups(spec: Environment) -> tuple[RuleGroup, ...]:
    """Recording rules and alerts of the objectives that are enabled."""
    return tuple(_with_runbooks(group, spec.alerts.runbooks) for group in slos.groups(spec))


def rule_groups(spec: Environment) -> tuple[RuleGroup, ...]:
    """The rules that an environment loads: none on runner hosts that it does not have."""
    absent = {group.name for group in runners.alerts(spec)} if spec.runners.hosts == "none" else set()
    subjects = tuple(group for group in every_group(spec) if group.name not in absent)
    return subjects + slo_groups(spec)


def alerts(groups: tuple[RuleGroup, ...]) -> tuple[Alert, ...]:
    """The alerts among the rules."""
    return tuple(rule for group in groups for rule in group.rules if isinstance(rule, Alert))


def _with_runbooks(group: RuleGroup, base: str) -> RuleGroup:
    return replace(
        group,
        rules=tuple(replace(rule, runbooks=base) if isinstance(rule, Alert) else rule for rule in group.rules),
    )
