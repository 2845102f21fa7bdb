"""What the board can show: the list and the script agree, and all else is refused."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pointsman.board import subset
from tests.unit.board.world import provisioned

SCRIPT = Path(subset.__file__).with_name("static") / "board.js"
TEXT = SCRIPT.read_text()


def table(name: str) -> set[str]:
    """The keys of a table of the script, as far as they stand at the beginning of a line or after a comma."""
    start = TEXT.index(f"const {name} = {{")
    body = TEXT[start : TEXT.index("\n};" if TEXT.index("\n", start) < TEXT.index("}", start) else "}", start)]
    flat = re.sub(r"\([^()]*\)|\[[^\[\]]*\]|`[^`]*`", "", body)
    return set(re.findall(r"(?:^\s*|[,{]\s*)\"?([\wµ-]+)\"?:", flat, re.MULTILINE))


def test_the_script_is_short() -> None:
    """One file that a person can read."""
    assert len(TEXT.splitlines()) <= 400


def test_the_script_draws_just_the_panels_of_the_list() -> None:
    """No more and no less; rows and texts are the server's."""
    found = re.search(r"const PANELS = \{(.*?)\};", TEXT)
    assert found
    names = {each.split(":")[0].strip().strip('"') for each in found[1].split(",")}
    assert names == subset.DRAWN


@pytest.mark.parametrize(
    ("names", "listed"),
    [
        (("UNITS", "RATES", "SPANS"), subset.UNITS),
        (("CALCS",), subset.REDUCERS),
        (("TRANSFORMATIONS",), subset.TRANSFORMATIONS),
    ],
)
def test_the_script_knows_all_that_is_listed(names: tuple[str, ...], listed: frozenset[str]) -> None:
    """A unit that is allowed and not drawn would show bare numbers without a word."""
    found = set().union(*(table(name) for name in names))
    assert listed <= found, listed - found


def test_the_fixtures_have_every_panel_and_keep_to_the_list() -> None:
    """They are what the board is looked at with."""
    boards = provisioned().boards
    assert [each for board in boards for each in subset.beyond(board.model)] == []
    panels = [panel for board in boards for panel in board.model["panels"]]
    types = {each["type"] for panel in panels for each in (panel, *panel.get("panels", []))}
    assert types == subset.PANELS


Change = Callable[[dict[str, Any], dict[str, Any]], object]
CHANGES: dict[str, tuple[Change, str]] = {
    "a panel type": (lambda board, panel: panel.update(type="geomap"), "type: geomap"),
    "repeat": (lambda board, panel: panel.update(repeat="workflow"), "repeat"),
    "a unit": (lambda board, panel: panel["fieldConfig"]["defaults"].update(unit="lengthm"), "unit: lengthm"),
    "a unit of an override": (
        lambda board, panel: panel["fieldConfig"]["overrides"].append(
            {"matcher": {"id": "byName", "options": "x"}, "properties": [{"id": "unit", "value": "lux"}]}
        ),
        "unit: lux",
    ),
    "a matcher": (
        lambda board, panel: panel["fieldConfig"]["overrides"].append({"matcher": {"id": "byValue"}, "properties": []}),
        "override: byValue",
    ),
    "a transformation": (
        lambda board, panel: panel.update(transformations=[{"id": "pivot"}]),
        "transformations: pivot",
    ),
    "a calculation": (
        lambda board, panel: panel["options"]["reduceOptions"].update(calcs=["variance"]),
        "calcs: variance",
    ),
    "a data source": (
        lambda board, panel: panel["targets"][0].update(datasource={"type": "mysql", "uid": "x"}),
        "datasource.type: mysql",
    ),
    "a format": (lambda board, panel: panel["targets"][0].update(expr="${workflow:lucene}"), "format: lucene"),
    "a global": (lambda board, panel: panel["targets"][0].update(expr="x[$__timeFilter]"), "variable: __timeFilter"),
    "an interval": (lambda board, panel: panel["targets"][0].update(interval="soon"), "interval: 'soon'"),
    "two ids": (lambda board, panel: panel.update(id=3), "id 3 is there twice"),
    "a variable type": (lambda board, panel: board["templating"]["list"][0].update(type="adhoc"), "type: adhoc"),
    "a variable query": (
        lambda board, panel: board["templating"]["list"][0].update(query="metrics(x)"),
        "'metrics(x)'",
    ),
    "annotations": (lambda board, panel: board["annotations"]["list"].append({"name": "mine"}), "annotations: mine"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_lies_outside_is_refused(name: str) -> None:
    """One sentence, which names the place and what there is instead."""
    board = provisioned().board("workflow-overview")
    assert board
    model = copy.deepcopy(json.loads(json.dumps(board.model)))
    change, says = CHANGES[name]
    change(model, model["panels"][1])
    (found,) = subset.beyond(model)
    assert says in found
