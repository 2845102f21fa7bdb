"""A host for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.runner_exporter.host import Host


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host whose runner is configured and whose systemctl is first in PATH."""
    made = Host.at(tmp_path / "host")
    monkeypatch.setenv("PATH", made.path)
    return made
