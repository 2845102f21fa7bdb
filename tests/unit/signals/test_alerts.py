"""What holds for every alert: a person can act on it, and every threshold is the spec's.

Whether each fires when it should is asked of Prometheus itself, in tests/deployed/signals/test_alert_rules.py.
"""

from __future__ import annotations

import re
from typing import get_args

import pytest
import yaml

from pointsman.services.estate import compose
from pointsman.services.log_agent import Agent
from pointsman.services.model import HttpReload, Machine
from pointsman.signals import stack, verification
from pointsman.signals.catalogue import alerts, every_group, rule_groups
from pointsman.signals.model import Alert, RuleGroup, Severity, runbook
from pointsman.spec.models import Environment
from pointsman.spec.reader import parse
from pointsman.spec.scalars import duration_seconds

SPEC = Environment()
GROUPS = every_group(SPEC)
ALERTS = alerts(GROUPS)
WINDOW = re.compile(r"rate\([^\[]*\[([^\]]+)\]")

every_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)


def rules(text: str) -> dict[str, Alert]:
    """The alerts of a spec, by name."""
    return {alert.name: alert for alert in alerts(every_group(parse(text, "stacks/dev.yaml")))}


@every_alert
def test_a_person_can_act_on_it(alert: Alert) -> None:
    """It has a severity, a summary of a line and a description in sentences."""
    assert alert.severity in get_args(Severity)
    assert 0 < len(alert.summary) <= 80
    assert not alert.summary.endswith(".")
    assert len(alert.description.split()) >= 5
    assert alert.description.endswith(".")
    rendered = alert.rendered()
    assert rendered["labels"]["severity"] == alert.severity
    assert rendered["labels"]["owner"] == alert.owner
    ways = set[str]() if alert.severity == "none" else {"runbook_url", "dashboard"}
    assert set(rendered["annotations"]) == {"summary", "description", *ways}
    if alert.hold:
        assert duration_seconds(alert.hold) > 0


def test_names_are_unique() -> None:
    """Alertmanager groups and silences by name; a file is called like its group."""
    assert len({alert.name for alert in ALERTS}) == len(ALERTS)
    assert len({group.name for group in GROUPS}) == len(GROUPS)
    assert all(re.fullmatch("[A-Z][A-Za-z]+", alert.name) for alert in ALERTS)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_a_group_is_a_rule_file(group: RuleGroup) -> None:
    """As Prometheus reads it: one group, each rule with the expression as it was written."""
    (found,) = yaml.safe_load(group.rendered())["groups"]
    assert found["name"] == group.name
    assert found.get("interval", "") == group.interval
    assert [(rule["alert"], rule["expr"]) for rule in found["rules"]] == [
        (each.name, each.expr) for each in group.rules
    ]


def test_the_way_to_a_runbook_is_the_spec_s() -> None:
    """One address for all, and each page called like its alert."""
    found = rules("alerts: {runbooks: 'https://wiki.example.org/ops'}")["TargetDown"].rendered()["annotations"]
    assert found["runbook_url"] == "https://wiki.example.org/ops/TargetDown.md"
    assert found["dashboard"] == "/d/stack-health"
    assert runbook("Any", "http://a") == "http://a/Any.md"


def test_an_environment_without_runner_hosts_has_no_rules_on_them() -> None:
    """They could never fire; all others are loaded everywhere."""
    runners = {"runners-offline", "runners-degraded", "runners-secrets", "runners-network"}
    assert {group.name for group in GROUPS} - {group.name for group in rule_groups(SPEC)} == runners
    hosted = parse("runners: {hosts: containers}", "stacks/dev.yaml")
    assert {group.name for group in GROUPS} <= {group.name for group in rule_groups(hosted)}


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("{target_down_for: 7m}", "TargetDown ProbeFailed"),
        ("{disk_free: 0.25}", "DiskFilling"),
        ("{disk_full_within: 2d}", "DiskFilling"),
        ("{series: 1234}", "ManySeries"),
        ("{ingestion_stopped_for: 9m}", "PrometheusIngestionStopped LokiIngestionStopped"),
        ("{queue_full: 0.5}", "CollectorQueueFilling"),
        ("{store_errors: 0.5}", "LokiRequestErrors TempoRequestErrors"),
        ("{workflows: {window: 2h}}", "WorkflowFailureRateHigh WorkflowSlow"),
        ("{workflows: {least: 2}}", "WorkflowFailureRateHigh WorkflowSlow"),
        ("{workflows: {failure_rate: 0.5}}", "WorkflowFailureRateHigh"),
        ("{workflows: {slow: 1h}}", "WorkflowSlow"),
        ("{workflows: {approval_wait: 1h}}", "WorkflowApprovalStuck"),
        ("{workflows: {stuck: 1h}}", "WorkflowStuck"),
        ("{agents: {window: 2h}}", "AgentFailureRateHigh AgentErrors AgentRetriesHigh AgentSlow"),
        ("{agents: {least: 2}}", "AgentFailureRateHigh AgentRetriesHigh AgentSlow"),
        ("{agents: {failure_rate: 0.5}}", "AgentFailureRateHigh"),
        ("{agents: {retries: 3}}", "AgentRetriesHigh"),
        ("{agents: {errors: 3}}", "AgentErrors"),
        ("{agents: {slow: 20m}}", "AgentSlow"),
        (
            "{system: {window: 1h}}",
            "ApiLatencyHigh ApiErrorRateHigh DatabaseLatencyHigh EventLoopLagHigh TelemetryDropped",
        ),
        ("{system: {least: 2}}", "ApiLatencyHigh ApiErrorRateHigh DatabaseLatencyHigh EventLoopLagHigh"),
        ("{system: {api_latency: 2s}}", "ApiLatencyHigh"),
        ("{system: {api_errors: 0.5}}", "ApiErrorRateHigh"),
        ("{system: {database_latency: 2s}}", "DatabaseLatencyHigh"),
        ("{system: {memory: 2GiB}}", "ProcessMemoryHigh"),
        ("{system: {container_memory: 0.5}}", "ContainerMemoryHigh"),
        ("{system: {event_loop_lag: 1s}}", "EventLoopLagHigh"),
        ("{cost: {spike: 9}}", "CostSpike"),
        ("{cost: {spike_least: 9}}", "CostSpike"),
        ("{cost: {daily_budget: 9}}", "DailyCostOverBudget"),
        ("{deployments: {window: 2h}}", "DeploymentFailed DeploymentsFailing DeploymentSlow"),
        ("{deployments: {least: 9}}", "DeploymentSlow"),
        ("{deployments: {failures: 9}}", "DeploymentsFailing"),
        ("{deployments: {slow: 1h}}", "DeploymentSlow"),
        ("{deployments: {stuck: 1h}}", "DeploymentStuck"),
        (
            "{monitor: {window: 1h}}",
            "RunsStalling RunHandlerFailing RunDetectionSlow RunRowsUnreadable",
        ),
        ("{monitor: {least: 2}}", "RunDetectionSlow"),
        ("{monitor: {not_polling: 9m}}", "RunMonitorNotPolling"),
        ("{monitor: {source_down_for: 9m}}", "RunSourceDown"),
        ("{monitor: {no_leader_for: 9m}}", "RunMonitorNoLeader"),
        ("{monitor: {detection: 9s}}", "RunDetectionSlow"),
        ("{monitor: {stalls: 9}}", "RunsStalling"),
        ("{monitor: {handler_failures: 9}}", "RunHandlerFailing"),
        ("{monitor: {queue: 9}}", "RunDeliveriesWaiting"),
        ("{monitor: {queue_for: 9m}}", "RunDeliveriesWaiting"),
        (
            "{runners: {offline_for: 9m}}",
            "RunnerOffline RunnerNotActive RunnerNotRegistered RunnerNetworkUnreachable",
        ),
        ("{runners: {queue_wait: 9m}}", "QueueWaiting QueueUnserved"),
        ("{runners: {disk_free: 0.5}}", "RunnerDiskLow"),
        ("{runners: {clock_offset: 9s}}", "RunnerClockOff"),
        ("{runners: {failed_jobs: 9}}", "RunnerJobsFailing"),
        ("{runners: {version_days: 9}}", "RunnerVersionExpiring"),
        ("{runners: {secret_age: 30d}}", "SecretExpiring SecretExpired"),
        ("{runners: {secret_warning: 9d}}", "SecretExpiring"),
        ("{runners: {token_warning: 9d}}", "GitHubTokenExpiring"),
        ("{runners: {unreachable_for: 9m}}", "GitHubUnreachable"),
        ("{runners: {rate_limit: 0.5}}", "RateLimitLow"),
    ],
)
def test_a_threshold_of_the_spec_is_the_rule_s(text: str, changed: str) -> None:
    """It changes what is judged in the alerts that it belongs to, and in no other."""
    before, after = {alert.name: alert for alert in ALERTS}, rules(f"alerts: {text}")
    judged = {name for name in after if (after[name].expr, after[name].hold) != (before[name].expr, before[name].hold)}
    assert judged == set(changed.split())
    assert {name for name in after if after[name] != before[name]} == judged


@pytest.mark.parametrize(
    ("routes", "seconds"),
    [("", 300), ("group_interval: 5m", 600), ("routes: [{receiver: a, group_interval: 10m}]", 1200)],
)
def test_failed_notifications_are_seen_as_long_as_they_fail(routes: str, seconds: int) -> None:
    """Alertmanager counts a failure in each interval of a group: two of the longest are looked back at."""
    text = f"alertmanager: {{receivers: [{{name: a, url: 'http://a'}}], {routes}}}"
    for name in ("NotificationsFailing", "NotifierFailing"):
        assert f"_failed_total[{seconds}s]" in rules(text)[name].expr


@pytest.mark.parametrize("interval", ["1s", "15s", "1m", "5m"])
def test_rates_see_enough_samples(interval: str) -> None:
    """A rate needs two samples in its window, also when one was missed: four intervals, a minute at least."""
    group = stack.alerts(parse(f"prometheus: {{scrape_interval: {interval}, scrape_timeout: 1s}}", "stacks/dev.yaml"))
    windows = [duration_seconds(found) for each in group.rules for found in WINDOW.findall(each.expr)]
    assert windows
    assert min(windows) >= max(60, 4 * duration_seconds(interval))


@pytest.mark.parametrize("agent", ["promtail", "alloy"])
def test_no_refused_reload_goes_unseen(agent: Agent) -> None:
    """Whatever a service tells of its last reload is watched."""
    services = compose("dev", SPEC, agent, Machine()).services
    told = {
        each.config.reload.succeeded
        for each in services
        if each.config is not None and isinstance(each.config.reload, HttpReload)
    }
    assert told <= set(stack.RELOADS)


def test_what_is_meant_to_fire_wakes_nobody() -> None:
    """The dead man's switch and verify's own alert have no severity that a receiver can ask for."""
    quiet = {alert.name for alert in ALERTS if alert.severity == "none"}
    assert quiet == {stack.WATCHDOG, verification.ALERT}


def test_verify_does_not_wait_for_the_others() -> None:
    """Its group is judged every second, at once, for each run by itself."""
    group = verification.alerts()
    (alert,) = group.alerts
    assert (group.interval, alert.hold) == ("1s", "")
    assert verification.METRIC in alert.expr
