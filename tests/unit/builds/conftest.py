"""What the tests of the build engine share: a store in a temporary folder, and captured progress."""

from __future__ import annotations

from pathlib import Path

import pytest

from pointsman.builds import Store
from tests.unit.builds.doubles import Shown


@pytest.fixture
def shown() -> Shown:
    """Plain progress and what it printed."""
    return Shown()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(root=tmp_path / "builds", logs=tmp_path / "logs", scratch=tmp_path / "scratch")
