"""The drawing: well-formed, the same every time, complete, and the one in the documentation is today's."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pointsman.paths import checkout
from pointsman.services.flows import Signal, topology
from pointsman.topology import Health, as_declared, draw
from pointsman.topology.svg import COLOURS, GRID, MARGIN
from tests.unit.services.cases import CASES, Case, every_case

NAMESPACE = "{http://www.w3.org/2000/svg}"
PICTURE = Path(__file__).parents[3] / "docs/images/topology.svg"
# Of DejaVu Sans, the widest font that is common: em a character.
REGULAR, BOLD = 0.61, 0.67


def drawn(case: Case, health: dict[str, Health] | None = None) -> ElementTree.Element:
    """The drawing of a case, read back."""
    return ElementTree.fromstring(draw(topology(case.estate, case.spec), health))


def texts(picture: ElementTree.Element, kind: str) -> list[str]:
    """The texts of one kind."""
    return [each.text or "" for each in picture.iter(f"{NAMESPACE}text") if each.get("class") == kind]


def test_the_picture_in_the_documentation_is_todays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Renew it: pointsman topology --env dev --declared --svg docs/images/topology.svg"""
    monkeypatch.delenv("POINTSMAN_ROOT", raising=False)
    assert checkout() == PICTURE.parents[2]
    assert draw(as_declared("dev")) == PICTURE.read_text(encoding="utf-8")


@every_case
def test_every_place_and_flow_is_drawn(case: Case) -> None:
    """A box for each place, a line for each flow that is not about its own place, and a mark for each that is."""
    found, picture = topology(case.estate, case.spec), drawn(case)
    assert len(list(picture.iter(f"{NAMESPACE}rect"))) == len(found.places)
    lines = [each for each in picture.iter(f"{NAMESPACE}path") if each.find(f"{NAMESPACE}title") is not None]
    assert len(lines) == sum(not flow.own for flow in found.flows)
    marks = len({flow.source for flow in found.flows if flow.own})
    assert len(list(picture.iter(f"{NAMESPACE}circle"))) == marks + bool(marks)
    assert {flow.signal.value for flow in found.flows} <= set(texts(picture, "key"))


@every_case
def test_text_fits_in_its_box(case: Case) -> None:
    """In the widest common font; nothing is cut at the picture's edge."""
    picture = drawn(case, {each.name: Health(False, "word " * 30) for each in case.estate.services})
    for kind, size, em in (("title", 14, BOLD), ("note", 11.5, REGULAR), ("why", 11.5, REGULAR)):
        for text in texts(picture, kind):
            assert len(text) * size * em <= GRID.width - 20, text
    width = float(picture.get("width") or 0)
    corners = [float(each.get("x") or 0) for each in picture.iter(f"{NAMESPACE}rect")]
    assert max(corners) + GRID.width + 2 * MARGIN <= width


def test_health_colours_boxes() -> None:
    """Green, red with the reason, and uncoloured where nothing is known."""
    case = CASES["default"]
    picture = drawn(case, {"loki": Health(False, "paused <now>"), "tempo": Health(True)})
    kinds = [each.get("class") for each in picture.iter(f"{NAMESPACE}rect")]
    assert (kinds.count("box ill"), kinds.count("box well")) == (1, 1)
    assert texts(picture, "why") == ["paused <now>"]
    assert texts(drawn(case), "why") == []


def test_colours_stand_out_on_light_and_dark_pages() -> None:
    """At least 3 to 1 on white and on near-black, as WCAG 2.2 (1.4.11) asks of graphics."""

    def luminance(colour: str) -> float:
        parts = (int(part, 16) / 255 for part in re.findall("[0-9a-f]{2}", colour))
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    assert set(COLOURS) == set(Signal)
    for colour in COLOURS.values():
        for page in ("#ffffff", "#0d1117"):
            low, high = sorted((luminance(colour), luminance(page)))
            assert (high + 0.05) / (low + 0.05) >= 3, (colour, page)
