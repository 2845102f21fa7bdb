"""`pointsman alerts route`: what people and scripts see, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.world import NOWHERE, checkout, run

SPEC = """\
alertmanager:
  receivers: [{name: pager, url: "http://pager", severities: [critical]}]
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout with an environment that tells somebody and one that tells nobody; no Docker."""
    root = checkout(tmp_path, dev=SPEC, bare="alertmanager: {enabled: false}", wrong="alertmanager: {x: 1}")
    monkeypatch.setenv("POINTSMAN_ROOT", str(root))
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)


def test_who_is_told_and_why() -> None:
    """In order, with the matchers; for scripts as a document."""
    shown = run("alerts", "route", "severity=critical", "alertname=Any")
    assert shown.exit_code == 0
    order = [shown.output.index(name) for name in ("pager", "console", "alert-sink")]
    assert order == sorted(order)
    assert 'severity=~"critical"' in shown.output
    rows = json.loads(run("alerts", "route", "severity=Critical", "--output", "json").output)["rows"]
    assert [row["receiver"] for row in rows] == ["console", "alert-sink"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("critical",), "'critical' is no label"),
        (("=critical",), "is no label"),
        (("a=b", "--env", "bare"), "has no Alertmanager"),
        (("a=b", "--env", "wrong"), "alertmanager.x"),
        (("a=b", "--env", "gone"), "no environment gone"),
    ],
)
def test_what_cannot_be_told(words: tuple[str, ...], said: str) -> None:
    """Exit code 2, and in words."""
    shown = run("alerts", "route", *words)
    assert shown.exit_code == 2
    assert said in shown.output
