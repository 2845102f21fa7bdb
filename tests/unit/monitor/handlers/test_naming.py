"""File names of runs: safe, readable, and no two alike."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.monitor.handlers.naming import safe_name
from tests.unit.monitor.handlers.runs import run

KEYS = st.tuples(st.sampled_from(["store", "github"]), st.text(max_size=400), st.integers(1, 3))


@given(KEYS, KEYS)
def test_names_are_safe_and_no_two_are_alike(one: tuple[str, str, int], other: tuple[str, str, int]) -> None:
    """Whatever ids, attempts and sources there are: a name is one plain path component, and tells them apart."""
    names = [safe_name(run(run_id, source=source, attempt=attempt)) for source, run_id, attempt in (one, other)]
    for name in names:
        assert 0 < len(name.encode()) <= 150
        assert not name.startswith((".", "-"))
        assert not set(name) & {"/", "\\", "\0", "\n", " "}
    assert (names[0] == names[1]) == (one == other)


@pytest.mark.parametrize(
    ("run_id", "more"),
    [
        ("../../etc/passwd", {}),
        ("a/b", {}),
        ("x" * 300, {}),
        ("..", {}),
        (".hidden", {}),
        ("-rf", {}),
        ("", {}),
        ("naïve", {}),
        ("\ud800", {}),
        ("deploy-1", {"attempt": 2}),
        ("deploy-1", {"source": "github"}),
    ],
)
def test_what_is_no_plain_name_is_marked(run_id: str, more: dict[str, Any]) -> None:
    """Names that are made have a tilde, which no plain id can have."""
    assert "~" in safe_name(run(run_id, **more))


def test_a_plain_id_is_its_own_name() -> None:
    """People find the archive of a run by its id."""
    assert safe_name(run("deploy-2026.03_01")) == "deploy-2026.03_01"
