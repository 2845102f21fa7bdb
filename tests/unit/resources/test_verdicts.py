"""A config that its validator has taken is not asked about again; any other one is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pointsman.resources.provider import verdicts

ASKED: dict[str, Any] = {
    "image": "sha256:aa",
    "user": 65534,
    "command": ["/bin/promtool", "check", "{release}/prometheus.yml"],
    "files": {"prometheus.yml": "scrape_configs: []\n", "targets/builds.json": "[]\n"},
}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTSMAN_CACHE_DIR", str(tmp_path / "cache"))


def test_only_what_was_taken_is_known() -> None:
    """Unknown until it is remembered, and then for the same files in any order."""
    assert not verdicts.known_good(**ASKED)
    verdicts.remember(**ASKED)
    assert verdicts.known_good(**{**ASKED, "files": dict(reversed(ASKED["files"].items()))})


@pytest.mark.parametrize(
    "changed",
    [
        {"image": "sha256:bb"},
        {"user": 0},
        {"command": ["/bin/promtool", "check", "--lint=all", "{release}/prometheus.yml"]},
        {"files": {**ASKED["files"], "prometheus.yml": "scrape_configs: {}\n"}},
        {"files": {"prometheus.yml": "scrape_configs: []\n"}},
    ],
)
def test_whatever_decides_the_verdict_asks_again(changed: dict[str, Any]) -> None:
    """Another image, user, command or file may be refused."""
    verdicts.remember(**ASKED)
    assert not verdicts.known_good(**{**ASKED, **changed})


def test_nothing_of_a_config_is_kept(tmp_path: Path) -> None:
    """The cache is in clear: a config does not belong there."""
    verdicts.remember(**ASKED)
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert len(kept) == 1
    assert kept[0].read_bytes() == b""
