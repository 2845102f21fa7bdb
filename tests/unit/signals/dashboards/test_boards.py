"""What holds for every dashboard and every panel of it."""

from __future__ import annotations

import json
import os
import re
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pointsman.signals.dashboards import boards, lint, reference, subset
from pointsman.signals.dashboards.expectations import GOOD_AT_ZERO, MAY_BE_EMPTY
from pointsman.signals.dashboards.model import Board
from pointsman.signals.dashboards.thresholds import thresholds
from pointsman.spec.models import Environment
from pointsman.spec.reader import parse
from tests.unit.signals.dashboards.examples import BOARDS, DASHBOARDS, TEXTS

FOLDER = Path(__file__).parents[1] / "golden" / "dashboards"
RENEW = "read the difference; if it is wanted: UPDATE_GOLDEN=1 python -m pytest tests/unit/signals/dashboards"
# Links, bookmarks and the alerts' annotations hold these.
PANELS = {
    "workflow-overview": 6,
    "agent-performance": 6,
    "system-health": 6,
    "cost-tracking": 4,
    "deployment-pipeline": 10,
    "run-monitor": 13,
    "runner-fleet": 13,
    "stack-health": 12,
    "slo-overview": 7,
}
EVERY_PANEL = [(uid, panel) for uid, dashboard in DASHBOARDS.items() for panel in dashboard["panels"]]
PLACES = {(uid, panel["title"]) for uid, panel in EVERY_PANEL}

every_board = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
every_panel = pytest.mark.parametrize(
    ("uid", "panel"), EVERY_PANEL, ids=[f"{uid}/{panel['title']}" for uid, panel in EVERY_PANEL]
)


def test_uids_and_panels_are_those_that_were_promised() -> None:
    """A uid that changes breaks every link to `/d/<uid>`, silently."""
    assert {uid: len(dashboard["panels"]) for uid, dashboard in DASHBOARDS.items()} == PANELS


@pytest.mark.parametrize("name", TEXTS)
def test_dashboards_are_as_the_golden_files_say(name: str) -> None:
    """Word for word, sorted and indented, so that a review sees what changes."""
    if os.environ.get("UPDATE_GOLDEN"):
        (FOLDER / name).write_text(TEXTS[name])
    assert (FOLDER / name).read_text() == TEXTS[name], RENEW


def test_a_dashboard_that_is_gone_has_no_golden_file() -> None:
    """Nor is one without."""
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(TEXTS), RENEW


@every_board
def test_the_lint_finds_nothing(board: Board) -> None:
    """Neither a metric that nobody sends, nor what the board cannot draw."""
    assert lint.faults(DASHBOARDS[board.uid]) == []


@every_panel
def test_a_panel_says_all_that_a_reader_needs(uid: str, panel: dict[str, Any]) -> None:
    """Title, unit, what it shows and what good looks like, limits that rise, a link, a data source, a query."""
    defaults = panel["fieldConfig"]["defaults"]
    assert panel["title"]
    assert defaults["unit"]
    about, _, good = panel["description"].partition(" Good: ")
    assert len(about.split()) >= 3
    assert good.endswith(".")
    values = [step["value"] for step in defaults["thresholds"]["steps"]]
    assert values[0] is None
    assert values[1:] == sorted(set(values[1:]))
    (link,) = panel["links"]
    assert link["title"].startswith(("Runbook: ", "Logs: "))
    assert link["targetBlank"]
    assert panel["targets"]
    assert panel["datasource"]["uid"] in subset.SOURCES
    assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
    assert all(target.get("legendFormat") for target in panel["targets"] if "expr" in target and "range" in target)


@every_panel
def test_a_link_leads_to_a_runbook_or_into_the_logs(uid: str, panel: dict[str, Any]) -> None:
    """A runbook's address ends with the alert's name; Explore gets a query that it can read."""
    (link,) = panel["links"]
    if link["title"].startswith("Runbook: "):
        alert = link["title"].removeprefix("Runbook: ")
        assert re.fullmatch("[A-Z][A-Za-z]+", alert)
        assert link["url"] == f"{thresholds(Environment()).runbooks}/{alert}.md"
    else:
        address = urlsplit(link["url"])
        (panes,) = parse_qs(address.query)["panes"]
        assert address.path == "/explore"
        assert json.loads(panes)["logs"]["queries"][0]["expr"].startswith("{")


@every_board
def test_panels_do_not_lie_on_one_another(board: Board) -> None:
    """And none beyond the 24 columns."""
    places = [panel["gridPos"] for panel in DASHBOARDS[board.uid]["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below


@every_board
def test_few_variables_and_all_at_first(board: Board) -> None:
    """At most one to choose, and a dashboard that is opened shows everything."""
    variables = DASHBOARDS[board.uid]["templating"].get("list", [])
    assert len(variables) <= 1
    assert all(each["current"]["value"] == "$__all" and each["allValue"] == ".*" for each in variables)
    assert all(f"${each['name']}" in json.dumps(DASHBOARDS[board.uid]["panels"]) for each in variables)


def test_what_is_expected_of_panels_names_panels_that_there_are() -> None:
    """A panel that is renamed is not excused by its old name."""
    assert set(MAY_BE_EMPTY) | GOOD_AT_ZERO <= PLACES


def test_thresholds_are_the_spec_s() -> None:
    """A limit of the spec is the second limit of its panel."""
    spec = parse("alerts: {series: 50000}\nprometheus: {evaluation_interval: 10s}", "stacks/dev.yaml")
    panels = {panel.title: panel for board in boards(thresholds(spec)) for panel in board.panels}
    for title, limit in (("Series", 50_000), ("Rule evaluation", 10)):
        limits = panels[title].limits
        assert limits is not None
        assert limits.critical == limit


def test_the_reference_page_lists_every_panel() -> None:
    """Each in a row of its dashboard's table; that the page is up to date is tested with all generated pages."""
    page = "\n\n".join(reference.parts())
    assert [title for _, title in PLACES if f"\n| {title} | " not in page] == []
