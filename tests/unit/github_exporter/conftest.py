"""A stand-in under watch for each test; no request or answer may break the published slice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.standins.github_server.serving import Standin
from tests.unit.github.world import TOKEN
from tests.unit.github_exporter.watched import Watching


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    """A GitHub that knows acme/app, acme/web and acme, and the one token."""
    with Standin(("acme/app", "acme/web", "acme"), tokens=[TOKEN.reveal()]) as running:
        yield Watching.at(running, tmp_path)
        assert running.app.violations == []
