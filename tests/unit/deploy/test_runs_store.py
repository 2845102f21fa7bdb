"""The runs store that `up` makes, and those that it leaves alone."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from pointsman.deploy import runs_store
from pointsman.spec.reader import parse


def test_a_store_of_our_own_is_made_once(tmp_path: Path) -> None:
    """With its folders, at a path in the checkout; a second `up` leaves it as it is."""
    spec = parse("monitor: {enabled: true, store: {artifacts: '.state/kept/{run_id}'}}", "stacks/dev.yaml")
    path = runs_store.make(spec, tmp_path)
    assert path == tmp_path / ".state/orchestration.db"
    assert (tmp_path / ".state/kept").is_dir()
    before = path.read_bytes()
    assert runs_store.make(spec, tmp_path) is None
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "monitor",
    [
        "{}",
        "{enabled: true, store: {mapping: {runs: {table: jobs}}}}",
        "{enabled: true, store: {url: 'postgresql://a@b:5432/c'}}",
    ],
)
def test_nobody_elses_is_made(monitor: str, tmp_path: Path) -> None:
    """None where there is no monitor, where tables are somebody else's, or on a server."""
    assert runs_store.make(parse(f"monitor: {monitor}", "stacks/dev.yaml"), tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    """A database without our tables is the monitor's to complain of."""
    with sqlite3.connect(tmp_path / "mine.db") as connection:
        connection.execute("CREATE TABLE runs (x)")
    spec = parse(f"monitor: {{enabled: true, store: {{url: 'sqlite:///{tmp_path}/mine.db'}}}}", "stacks/dev.yaml")
    assert runs_store.make(spec, tmp_path) is None
    with sqlite3.connect(tmp_path / "mine.db") as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("runs",)]
