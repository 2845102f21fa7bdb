"""A stand-in runner and the GitHub that it is for, new for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.standins.github_server.serving import Standin
from tests.standins.running import Installed


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Installed]:
    """A fresh runner beside a GitHub that knows no runner."""
    with Standin() as standin:
        yield Installed.at(tmp_path / "runner", standin)
        assert standin.app.violations == []
