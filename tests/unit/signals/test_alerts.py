"""What holds for every alert: a person can act on it, and every threshold is the spec's.

Whether each fires when it should is asked of Prometheus itself, in tests/deployed/test_alert_rules.py.
"""

from __future__ import annotations

import re
from typing import get_args

import pytest
import yaml

from pointsman.services.estate import compose
from pointsman.services.log_agent import Agent
from pointsman.services.model import HttpReload, Machine
from pointsman.services.scraping import probe_job_names
from pointsman.signals import stack, verification
from pointsman.signals.model import Alert, RuleGroup, Severity
from pointsman.spec.models import Environment
from pointsman.spec.reader import parse
from pointsman.spec.scalars import duration_seconds

SPEC = Environment()
GROUPS = (stack.alerts(SPEC, probe_job_names(SPEC)), verification.alerts())
ALERTS = [alert for group in GROUPS for alert in group.rules]
WINDOW = re.compile(r"rate\([^\[]*\[([^\]]+)\]")

every_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)


def rules(text: str) -> RuleGroup:
    """The stack's alerts of a spec."""
    spec = parse(text, "stacks/dev.yaml")
    return stack.alerts(spec, probe_job_names(spec))


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
    assert set(rendered["annotations"]) == {"summary", "description"}
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


@pytest.mark.parametrize(
    ("text", "alert", "said"),
    [
        ("alerts: {target_down_for: 7m}", "TargetDown", "7m"),
        ("alerts: {disk_free: 0.25}", "DiskFilling", "25%"),
        ("alerts: {disk_full_within: 2d}", "DiskFilling", "2d"),
        ("alerts: {series: 1234}", "ManySeries", "1234"),
        ("alerts: {ingestion_stopped_for: 9m}", "PrometheusIngestionStopped", "9m"),
        ("alerts: {ingestion_stopped_for: 9m}", "LokiIngestionStopped", "9m"),
    ],
)
def test_a_threshold_of_the_spec_is_the_rule_s(text: str, alert: str, said: str) -> None:
    """It changes what is judged, and what people read of it, in the alert that it belongs to and in no other."""
    pairs = {"ingestion": {"PrometheusIngestionStopped", "LokiIngestionStopped"}, "down_for": {"ProbeFailed"}}
    together = {name for word, names in pairs.items() if word in text for name in names}
    before = {each.name: each for each in stack.alerts(SPEC, probe_job_names(SPEC)).rules}
    after = {each.name: each for each in rules(text).rules}
    assert said in after[alert].description + after[alert].expr
    assert (after[alert].expr, after[alert].hold) != (before[alert].expr, before[alert].hold)
    assert {name for name in after if after[name] != before[name]} <= {alert, *together}


@pytest.mark.parametrize("interval", ["1s", "15s", "1m", "5m"])
def test_rates_see_enough_samples(interval: str) -> None:
    """A rate needs two samples in its window, also when one was missed: four intervals, a minute at least."""
    group = rules(f"prometheus: {{scrape_interval: {interval}, scrape_timeout: 1s}}")
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
    (alert,) = group.rules
    assert (group.interval, alert.hold) == ("1s", "")
    assert verification.METRIC in alert.expr
