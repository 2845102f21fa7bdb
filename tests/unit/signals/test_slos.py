"""The SLOs' rules, word for word in golden files, and what holds for each of them.

Whether they judge as they should is asked of Prometheus itself, in tests/deployed/signals/test_slo_rules.py.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from pointsman.signals import slo_reference, slos
from pointsman.signals.burn_rates import LOW_VOLUME, STANDARD, windows
from pointsman.signals.model import Alert, Record, RuleGroup
from pointsman.signals.slis import SLIS
from pointsman.spec.mistakes import SpecError
from pointsman.spec.models import Environment
from pointsman.spec.reader import parse
from pointsman.spec.slos import DAY, DURATION_BOUNDS, FASTEST_BURN

FOLDER = Path(__file__).parent / "golden" / "slos"
CHECKOUT = Path(__file__).parents[3]
RENEW = "read the difference; if it is wanted: UPDATE_GOLDEN=1 python -m pytest tests/unit/signals"
RUNNERS = "runners: {hosts: containers}"


def groups(text: str = RUNNERS) -> dict[str, RuleGroup]:
    """The groups of a spec, by the SLO's name."""
    return {each.name.removeprefix("slo-"): each for each in slos.groups(parse(text, "stacks/dev.yaml"))}


def alerts(group: RuleGroup) -> dict[str, Alert]:
    """Alerts by name; of two with the same name the last."""
    return {each.name: each for each in group.alerts}


def records(group: RuleGroup) -> dict[str, Record]:
    """Recorded series by name."""
    return {each.name: each for each in group.rules if isinstance(each, Record)}


@pytest.mark.parametrize("name", groups())
def test_the_rules_are_as_the_golden_file_says(name: str) -> None:
    """No window, threshold or text of the default spec changes unseen."""
    path, text = FOLDER / f"{name}.yml", groups()[name].rendered()
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert path.read_text() == text, f"{path.name}: {RENEW}"


def test_the_factors_are_the_workbook_s() -> None:
    """14.4, 6, 3 and 1 follow from shares of the budget and windows, and the spec knows the fastest of each mode."""
    assert [burn.factor("30d") for burn in STANDARD] == [14.4, 6, 3, 1]
    assert [burn.factor("30d") for burn in LOW_VOLUME] == [6, 2, 1.5, 1]
    assert FASTEST_BURN["standard"] * 30 == pytest.approx(max(burn.factor("30d") for burn in STANDARD))
    assert FASTEST_BURN["low_volume"] * 30 == pytest.approx(max(burn.factor("30d") for burn in LOW_VOLUME))


@pytest.mark.parametrize("name", groups())
def test_all_six_have_their_rules(name: str) -> None:
    """Each has the four alerts and the field's series, every one of them with the SLO's labels."""
    sli, group = next(each for each in SLIS if each.name == name), groups()[name]
    assert set(alerts(group)) == set(slos.ALERTS)
    wanted = {"slo:objective:ratio", "slo:error_budget:ratio", "slo:time_period:days", slos.EXHAUSTED_IN}
    wanted |= {f"slo:{kind}_burn_rate:ratio" for kind in ("current", "period")}
    wanted |= {f"slo:sli_error:ratio_rate{window}" for window in windows(sli.of(Environment().slos))}
    assert wanted | {"slo:period_error_budget_remaining:ratio"} <= set(records(group))
    assert all(sli.labels.items() <= each.labels.items() for each in group.rules)


@pytest.mark.parametrize("name", groups())
def test_alerts_ask_only_for_what_is_recorded(name: str) -> None:
    """No alert is without a value for a window that nobody records, or for another SLO's series."""
    group = groups()[name]
    recorded = set(records(group))
    for alert in group.alerts:
        asked = re.findall(r'(slo:[a-z_]+:[a-z_0-9]+)\{slo="([a-z-]+)"', alert.expr)
        assert asked
        assert {series for series, _ in asked} <= recorded
        assert {slo for _, slo in asked} == {name}


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("{}", {"runner-availability"}),
        ("slos: {api_availability: {enabled: false}}\n" + RUNNERS, {"api-availability"}),
        ("runners: {hosts: containers, exporter: {enabled: false}}", {"runner-availability"}),
    ],
)
def test_what_is_not_there_is_not_judged(text: str, left_out: set[str]) -> None:
    """An SLO that is switched off, and that of runners where nobody tells of any."""
    assert set(groups()) - set(groups(text)) == left_out


@pytest.mark.parametrize(("told", "name"), [("page", slos.FAST), ("ticket", slos.SLOW), ("forecast", slos.FORECAST)])
def test_each_severity_has_its_switch(told: str, name: str) -> None:
    """Only the alerts that are named are there, and always the one on missing data."""
    group = groups(f"slos: {{workflow_success: {{alerts: [{told}]}}}}")["workflow-success"]
    assert set(alerts(group)) == {name, slos.NO_DATA}


def test_another_window_has_other_factors() -> None:
    """In 60 days the same share of the budget is twice the rate."""
    group = groups("slos: {api_availability: {window: 60d, objective: 0.98}}")["api-availability"]
    assert "28.8 * 0.02" in alerts(group)[slos.FAST].expr
    assert "slo:sli_error:ratio_rate60d" in records(group)


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("slos: {workflow_latency: {within: 7m}}", "slos.workflow_latency.within", "no bound of the"),
        ("slos: {api_availability: {objective: 0.9}}", "slos.api_availability.objective", "can never page"),
        ("slos: {agent_success: {objective: 0.8}}", "slos.agent_success.objective", "can never page"),
        ("slos: {api_availability: {window: 7d}}", "slos.api_availability.window", "does not fit the burn rates"),
        ("slos: {api_availability: {window: 30d12h}}", "slos.api_availability.window", "does not fit the burn rates"),
        ("slos: {api_availability: {objective: 1}}", "slos.api_availability.objective", "out of range"),
        ("slos: {api_availabilty: {}}", "slos.api_availabilty", "unknown key"),
        ("slos: {api_availability: {alerts: [pages]}}", "slos.api_availability.alerts[0]", "pages"),
        ("slos: {api_availability: {minimum_events: 0}}", "slos.api_availability.minimum_events", "out of range"),
    ],
)
def test_what_could_not_work_is_refused(text: str, key: str, words: str) -> None:
    """With its key and why, before anything is made: among them an alert that could never fire."""
    with pytest.raises(SpecError) as refused:
        parse(text, "stacks/dev.yaml")
    assert any(each.key == key and words in str(each.problem) for each in refused.value.mistakes)


def test_an_objective_without_page_may_be_low() -> None:
    """What can never page is fine where nobody is to be paged."""
    assert groups("slos: {api_availability: {objective: 0.9, alerts: [ticket]}}")


def test_the_bounds_are_said_in_words() -> None:
    """What is refused names the bounds that there are."""
    assert [f"{each // 60}m" if each < 3600 else f"{each // 3600}h" for each in DURATION_BOUNDS] == (
        ["1m", "2m", "5m", "10m", "15m", "30m", "1h", "2h"]
    )
    assert DAY == 24 * 3600


def test_the_reference_page_is_up_to_date() -> None:
    """It is what its code writes now."""
    renew = "run: python -m pointsman.signals.slo_reference > docs/reference/slos.md"
    assert (CHECKOUT / "docs/reference/slos.md").read_text() == slo_reference.page(Environment()), renew


@pytest.mark.parametrize("name", slos.ALERTS)
def test_each_alert_has_its_runbook(name: str) -> None:
    """With the headings that all have, in their order."""
    text = (CHECKOUT / "runbooks" / f"{name}.md").read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Meaning", "Impact", "Diagnose", "Fix", "Escalate"]
    assert "Expected time to remedy:" in text
