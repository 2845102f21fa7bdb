"""Every panel of Runner Fleet, asked through the board of an environment that has runner hosts."""

from __future__ import annotations

import pytest

from pointsman.signals.dashboards.expectations import MAY_BE_EMPTY
from tests.deployed.estate import eventually
from tests.deployed.fleet import POLL_SECONDS, Fleet
from tests.deployed.panels import shows_data
from tests.unit.signals.dashboards.examples import DASHBOARDS

UID = "runner-fleet"
TITLES = [panel["title"] for panel in DASHBOARDS[UID]["panels"]]
# GitHub was asked, and two scrapes make a rate.
SETTLED_SECONDS = 60 + 3 * POLL_SECONDS


def test_only_what_a_spec_leaves_out_may_be_empty() -> None:
    """This environment leaves nothing out, so that no panel is spared here."""
    assert {title for uid, title in MAY_BE_EMPTY if uid == UID} == {"Age of secrets", "Clock offset"}


@pytest.mark.parametrize("title", TITLES)
def test_a_panel_shows_data(fleet: Fleet, title: str) -> None:
    """In the range that the dashboard opens with."""
    eventually(lambda: shows_data(fleet.estate, UID, title), SETTLED_SECONDS)
