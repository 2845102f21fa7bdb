"""The how-to: its code runs as it is written, one block after the other, and arrives."""

from __future__ import annotations

import re

import pytest

from pointsman.telemetry.exporting import Limits
from tests.unit.telemetry.told import sink
from tests.unit.test_layout import SOURCE

PAGE = SOURCE.parent / "docs" / "how-to" / "instrument-your-code.md"


def test_the_code_of_the_page_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a change, but for where it is sent; providers stay this test's own."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 5
    names: dict[str, object] = {}
    with sink() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setattr("pointsman.telemetry.providers.Providers.make_global", lambda self: None)
        for block in blocks:
            exec(block, names)
        for name in ("telemetry", "priced"):
            names[name].shutdown(20)  # type: ignore[attr-defined]
    assert {path for path, _ in collector.requests} >= {"/v1/traces", "/v1/metrics"}


def test_the_page_tells_the_queue() -> None:
    """The number on the page is the code's."""
    assert f"Queues hold {Limits().queue} spans" in " ".join(PAGE.read_text().split())
