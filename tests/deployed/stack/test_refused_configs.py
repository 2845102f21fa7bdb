"""A config that its service's own validator refuses: told with file and line, and nothing applied."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deployed.estate import Estate

# Text of a service's module → what a careless change makes of it, and what its validator then says.
CARELESS = {
    "tempo": ('"trace_idle_period": "2s"', '"trace_idle_periods": "2s"', ("tempo.yml", "line ", "trace_idle_periods")),
    "collector": ('"error_mode": "ignore"', '"error_mood": "ignore"', ("filter/own_containers", "error_mood")),
    "alertmanager": (
        '"group_wait": declared.group_wait',
        '"group_weight": declared.group_wait',
        ("alertmanager.yml", "line ", "group_weight"),
    ),
}


@pytest.mark.parametrize("service", CARELESS)
def test_a_refused_config_changes_nothing(whole_estate: Estate, service: str) -> None:
    """The update fails with the validator's words; every container is the same, on the release from before."""
    right, wrong, words = CARELESS[service]
    module: Path = whole_estate.clone.root / "components" / "pointsman" / "services" / f"{service}.py"
    before, text = whole_estate.ids(), module.read_text()
    assert right in text
    module.write_text(text.replace(right, wrong))
    try:
        refused = whole_estate.pulumi("up", "--yes", "--skip-preview")
    finally:
        module.write_text(text)
    assert refused.code != 0
    assert "nothing was applied" in refused.said
    for word in words:
        assert word in refused.said
    assert "Traceback" not in refused.said
    assert whole_estate.ids() == before


def test_nothing_of_what_was_refused_is_left(whole_estate: Estate) -> None:
    """With the right text back there is nothing to do: the release in force was never another one."""
    assert whole_estate.pulumi_up() == set()
    assert whole_estate.helpers() == []
