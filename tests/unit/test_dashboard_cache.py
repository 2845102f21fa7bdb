"""Texts of dashboards that are kept: the same as what is drawn, and no command waits for Grafana's SDK twice."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pointsman import dashboard_cache
from pointsman.dashboard_cache import kept
from pointsman.errors import UsageError
from pointsman.signals.dashboards.model import Query
from tests.unit.signals.dashboards.examples import BOARDS, SMALL, SMALL_TEXT, TEXTS

CHECKOUT = Path(__file__).parents[2]
# Imports what the command line does, composes, asks for the names, then for the texts.
RUN = """
import sys
import pointsman.cli.app, pointsman.declared
from pointsman.dashboard_cache import kept
from pointsman.services.estate import compose
from pointsman.services.model import Machine
from pointsman.spec.models import Environment

estate = compose("dev", Environment(), "promtail", Machine(), draw=kept)
(files,) = [each.config.files for each in estate.services if each.name == "grafana"]
names = [name for name in files if name.endswith(".json")]
before = "grafana_foundation_sdk" in sys.modules
texts = dict(files)
print(len(names), before, "grafana_foundation_sdk" in sys.modules)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where texts are kept, in a cache directory of the test's own."""
    monkeypatch.setenv("POINTSMAN_CACHE_DIR", str(tmp_path))
    return tmp_path / "dashboards"


def test_what_is_kept_is_what_is_drawn(folder: Path) -> None:
    """The second time from the cache, to the letter."""
    for _ in range(2):
        assert [kept(board) for board in BOARDS] == list(TEXTS.values())
    assert len(list(folder.iterdir())) == len(BOARDS)
    kept(SMALL)
    (place,) = (path for path in folder.iterdir() if path.read_text() == SMALL_TEXT)
    place.write_text('{"uid": "small", "title": "From the cache"}')
    assert "From the cache" in kept(SMALL)


def test_another_dashboard_is_another_file(folder: Path) -> None:
    """A change of a limit is never answered from the cache."""
    kept(SMALL)
    assert "Other." in kept(replace(SMALL, about="Other."))
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"uid": "other"}', b"\xff"])
def test_a_spoilt_text_is_drawn_anew(folder: Path, content: bytes) -> None:
    """Cut off, or not ours."""
    kept(SMALL)
    (place,) = folder.iterdir()
    place.write_bytes(content)
    assert kept(SMALL) == SMALL_TEXT
    assert place.read_text() == SMALL_TEXT


def test_a_cache_that_cannot_be_written_is_done_without(folder: Path) -> None:
    """A file in its place, as an example."""
    folder.write_text("")
    assert kept(SMALL) == SMALL_TEXT


def test_the_cache_does_not_grow_for_ever(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest stay."""
    monkeypatch.setattr(dashboard_cache, "KEPT", 3)
    for number in range(5):
        kept(replace(SMALL, hours=number + 1))
    assert len(list(folder.iterdir())) == 3


def test_a_dashboard_with_a_fault_is_refused_and_not_kept(folder: Path) -> None:
    """With its file, its uid and its panel."""
    (panel,) = SMALL.panels
    bad = replace(SMALL, panels=(replace(panel, queries=(Query("nobody_sends"),)),))
    with pytest.raises(UsageError) as refused:
        kept(bad)
    assert str(refused.value).startswith("small.json: 1 fault")
    assert 'small: panel "Runs": query A: the metric nobody_sends is unknown' in str(refused.value)
    assert not folder.exists()


def test_the_sdk_is_imported_for_texts_that_are_not_kept_and_for_nothing_else() -> None:
    """Neither by the command line, nor by composing an environment, nor by an `up` that changes no dashboard."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "components")}
    command = [sys.executable, "-c", RUN]
    runs = [subprocess.run(command, env=environment, text=True, capture_output=True, check=True) for _ in range(2)]
    assert [run.stdout.split() for run in runs] == [["9", "False", "True"], ["9", "False", "False"]]
