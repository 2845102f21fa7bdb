"""A small checkout for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.plays.sites import Here, here


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    """Its play is still to be written."""
    return here(tmp_path, monkeypatch)
