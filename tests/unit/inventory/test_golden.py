"""The example inventories, resolved, word for word; `UPDATE_GOLDEN=1` writes them anew."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pointsman.inventory import inventories, read_folder
from pointsman.inventory.building import as_plain

FOLDER = Path(__file__).parent / "golden"
CHECKOUT = Path(__file__).parents[3]
RENEW = "read the difference; if it is wanted: UPDATE_GOLDEN=1 python -m pytest tests/unit/inventory"
# What the comments of the examples say to set.
VARIABLES = {
    "STAGING_BUILD_2_ADDRESS": "192.0.2.12",
    "PRODUCTION_BUILD_4_ADDRESS": "192.0.2.24",
    "PRODUCTION_OPERATORS": "198.51.100.0/24",
}
EXAMPLES = ("ci", "dev", "production", "staging")


def test_every_example_is_here() -> None:
    """An inventory that is added to the repository is looked at as well."""
    assert tuple(inventories()) == EXAMPLES


@pytest.mark.parametrize("environment", EXAMPLES)
def test_examples_are_as_the_golden_files_say(environment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable, default or hash changes unseen: a changed hash plays every host anew."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    plain = as_plain(read_folder(CHECKOUT / "inventory" / environment, environment, f"inventory/{environment}"))
    del plain["path"]  # where this checkout lies
    text = json.dumps(plain, indent=2) + "\n"
    golden = FOLDER / f"{environment}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert golden.read_text() == text, RENEW
