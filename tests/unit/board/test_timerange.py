"""Times and steps are Grafana's."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pointsman.board.timerange import (
    DAY,
    MAX_POINTS,
    TimeRange,
    duration,
    interval,
    milliseconds,
    moment,
    rate_interval,
)
from pointsman.board.timerange import time_range as between

NOW = datetime(2026, 3, 31, 13, 45, 30, 500_000, tzinfo=UTC)


def at(text: str) -> int:
    """Milliseconds of a time in UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("word", "ends", "expected"),
    [
        ("now", False, at("2026-03-31T13:45:30.500")),
        ("now-1h", False, at("2026-03-31T12:45:30.500")),
        ("now-90m+30s", False, at("2026-03-31T12:16:00.500")),
        ("now/d", False, at("2026-03-31T00:00:00")),
        ("now/d", True, at("2026-03-31T23:59:59.999")),
        ("now-1d/d", True, at("2026-03-30T23:59:59.999")),
        ("now/w", False, at("2026-03-30T00:00:00")),
        ("now-1M", False, at("2026-02-28T13:45:30.500")),
        ("now/M", True, at("2026-03-31T23:59:59.999")),
        ("now-1y/y", False, at("2025-01-01T00:00:00")),
        ("1774900000000", False, 1_774_900_000_000),
        ("2026-03-31T10:00:00Z", False, at("2026-03-31T10:00:00")),
    ],
)
def test_words_of_time(word: str, ends: bool, expected: int) -> None:
    """As Grafana's date math has them: a month back from its last day is the last day of the month before."""
    assert moment(word, NOW, ends=ends) == expected


@pytest.mark.parametrize("word", ["", "yesterday", "now-", "now-1x", "now--1h", "now-1h;", "now-999999y", None])
def test_what_is_no_time_is_refused(word: object) -> None:
    """With the word in the message, and never with another error."""
    with pytest.raises(ValueError, match="time"):
        moment(word, NOW)


@pytest.mark.parametrize(("start", "end"), [("now", "now-1h"), ("now", "now"), ("now-20y", "now")])
def test_a_range_goes_forward_and_is_bounded(start: str, end: str) -> None:
    """An endless one would be an endless query."""
    with pytest.raises(ValueError, match="no range of time"):
        between(start, end, NOW)


@pytest.mark.parametrize(
    ("length", "points", "shortest", "expected"),
    [
        (3_600_000, 1000, 15_000, 15_000),
        (6 * 3_600_000, 600, 15_000, 30_000),
        (DAY, 400, 15_000, 300_000),
        (30 * DAY, 1000, 15_000, 1_800_000),
        (300_000, 1000, 1_000, 1_000),
    ],
)
def test_steps_are_rounded_as_grafana_rounds_them(length: int, points: int, shortest: int, expected: int) -> None:
    """Values of Grafana's own table (gtime.RoundInterval)."""
    assert interval(TimeRange(0, length), points, shortest) == expected


@given(some.integers(1000, 3650 * DAY), some.integers(1, 5000), some.integers(10, 3_600_000))
def test_a_step_is_never_too_short(length: int, points: int, shortest: int) -> None:
    """At least what was asked for, and never more points than Prometheus gives."""
    step = interval(TimeRange(0, length), points, shortest)
    assert step >= shortest
    assert length / step <= MAX_POINTS


@given(some.integers(10, DAY), some.integers(0, 600_000))
def test_a_rate_interval_holds_four_scrapes(step: int, scrape: int) -> None:
    """So that `rate` has two points even when one scrape failed."""
    found = rate_interval(step, scrape)
    assert found >= 4 * scrape
    assert found >= step + scrape


@given(some.integers(1, 400 * DAY))
def test_a_duration_is_read_back(length: int) -> None:
    """What is written into a query is what was meant."""
    assert milliseconds(duration(length)) == length
