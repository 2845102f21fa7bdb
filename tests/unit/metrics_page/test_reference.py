"""The page that documents the exporters names every metric and every setting, and none that is not there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pointsman.github_exporter import settings as github
from pointsman.metrics_page.settings import REQUIRED, Key
from pointsman.runner_exporter import settings as runner
from pointsman.runner_exporter.signatures import CLASSES

CHECKOUT = Path(__file__).parents[3]
PAGE = (CHECKOUT / "docs" / "reference" / "exporters.md").read_text()
# What a page has only at times, and no golden page shows.
AT_TIMES = {"runner": {"pointsman_runner_last_job_timestamp_seconds"}, "github": set[str]()}


@pytest.mark.parametrize("exporter", ["runner", "github"])
def test_metrics(exporter: str) -> None:
    """Those of the golden pages, in the tables."""
    golden = (CHECKOUT / "tests" / "unit" / f"{exporter}_exporter" / "golden.txt").read_text()
    shown = set(re.findall(r"^# TYPE (\S+)", golden, re.MULTILINE)) | AT_TIMES[exporter]
    assert set(re.findall(rf"^\| `(pointsman_{exporter}_\w+)` \|", PAGE, re.MULTILINE)) == shown


@pytest.mark.parametrize("keys", [runner.KEYS, github.KEYS], ids=["runner", "github"])
def test_settings(keys: dict[str, Key]) -> None:
    """With their defaults."""
    for name, key in keys.items():
        default = "required" if key.default is REQUIRED else f"`{json.dumps(key.default)}`"
        assert f"| `{name}` | {default} |" in PAGE, name


def test_classes() -> None:
    """Of errors in the runner's logs."""
    assert [name for name in CLASSES if f"\n| {name} | " not in PAGE] == []
