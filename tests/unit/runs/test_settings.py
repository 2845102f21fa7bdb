"""What may be said of a store, and what rows of any database mean."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pointsman.runs.opening import placed
from pointsman.runs.rows import Artifacts, raw_time, time_of
from pointsman.spec.runs import DEFAULT_URL, StoreSettings


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///a.db",
        "sqlite:////srv/a.db",
        "postgresql://u@db/runs",
        "postgresql://u@db:5433/runs?sslmode=verify-full",
    ],
)
def test_addresses_of_stores(url: str) -> None:
    """Files and servers."""
    assert StoreSettings(url=url).url == url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:secret@db/runs",
        "postgresql://u@db/runs?password=secret",
        "postgresql://u@db/runs?sslmode=require&passfile=x",
        "postgresql://db/runs",
        "mysql://u@db/runs",
        "sqlite:///",
        "runs.db",
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    """A password has no place in an address; no server is guessed."""
    with pytest.raises(ValidationError):
        StoreSettings(url=url)


def test_every_path_is_absolute(tmp_path: Path) -> None:
    """Before anything is opened or mounted, and whatever the working directory becomes."""
    place = placed(StoreSettings(artifacts="artifacts/{run_id}"), tmp_path)
    assert place.path == tmp_path / DEFAULT_URL.removeprefix("sqlite:///")
    assert place.artifacts.of("a", None) == tmp_path / "artifacts/a"
    assert placed("sqlite:////srv/a.db", tmp_path).path == Path("/srv/a.db")


@pytest.mark.parametrize(
    ("template", "run_id", "told", "expected"),
    [
        ("artifacts/{run_id}", "a", None, "/base/artifacts/a"),
        ("artifacts/{run_id}/out", "a", None, "/base/artifacts/a/out"),
        ("artifacts/run-{run_id}", "a/b", None, "/base/artifacts/run-a/b"),
        ("/srv/{run_id}", "a", None, "/srv/a"),
        ("artifacts/{run_id}", "../other", None, None),
        ("artifacts/{run_id}", "..", None, None),
        ("artifacts/{run_id}", ".", None, None),
        ("artifacts/{run_id}", "/etc", None, "/base/artifacts/etc"),
        ("artifacts/{run_id}", "x" * 300, None, None),
        ("artifacts/{run_id}", "a\0b", None, None),
        ("artifacts/{run_id}", "a", "/data/told", "/data/told"),
        (None, "a", "told", "/base/told"),
        (None, "a", None, None),
    ],
)
def test_where_artifacts_are(template: str | None, run_id: str, told: str | None, expected: str | None) -> None:
    """What the store says, else the template; never outside of it, whatever an id holds."""
    found = Artifacts(template, Path("/base")).of(run_id, told)
    assert found == (Path(expected) if expected else None)


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        ("2026-03-01T12:00:00Z", 1),
        ("2026-03-01 12:00:00", 1),
        ("2026-03-01T14:00:00.000+02:00", 1),
        (1772366400, 1),
        (1772366400.0, 1),
        (1772366400000, 1000),
        (datetime(2026, 3, 1, 12), 1),
        (datetime(2026, 3, 1, 12, tzinfo=UTC), 1),
    ],
)
def test_times_of_databases(value: Any, unit: int) -> None:
    """Text, numbers, times: the same moment. Written back it sorts not after itself."""
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert time_of(value, unit) == moment
    if not (isinstance(value, str) and "+" in value):
        assert raw_time(moment, value, unit) <= value


@pytest.mark.parametrize("value", ["soon", "2026-13-01", b"2026-03-01", 1e300, float("nan"), True])
def test_what_is_no_time(value: Any) -> None:
    """It is said, never guessed."""
    with pytest.raises(ValueError, match=r"is no time|format|NaN|month"):
        time_of(value)
