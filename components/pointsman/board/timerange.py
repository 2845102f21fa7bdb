"""Time ranges and steps by the rules of Grafana: `now-6h/h`, milliseconds, and the step that a range calls for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
MAX_POINTS = 11_000
"""Prometheus refuses more points than that of a series; Grafana widens the step before it comes to that."""
MAX_RANGE = 10 * 366 * DAY

_MILLISECONDS = {"ms": 1, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY, "y": 365 * DAY}
_STEP = re.compile(r"([+-]\d{1,6}|/)([smhdwMy])")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdwy])")
# Upper end of what is rounded to each step, in milliseconds: RoundInterval of Grafana's plugin SDK (backend/gtime).
_ROUNDED = (
    *((15, 10), (35, 20), (75, 50), (150, 100), (350, 200), (750, 500), (1_500, 1_000), (3_500, 2_000)),
    *((7_500, 5_000), (12_500, 10_000), (17_500, 15_000), (25_000, 20_000), (45_000, 30_000), (90_000, MINUTE)),
    *((210_000, 2 * MINUTE), (450_000, 5 * MINUTE), (750_000, 10 * MINUTE), (1_050_000, 15 * MINUTE)),
    *((1_500_000, 20 * MINUTE), (2_700_000, 30 * MINUTE), (5_400_000, HOUR), (9_000_000, 2 * HOUR)),
    *((16_200_000, 3 * HOUR), (32_400_000, 6 * HOUR), (86_400_000, 12 * HOUR), (604_800_000, DAY)),
    *((1_814_400_000, 7 * DAY), (3_628_800_000, 30 * DAY)),
)


@dataclass(frozen=True)
class TimeRange:
    """From when to when, in milliseconds since 1970."""

    start: int
    end: int

    @property
    def milliseconds(self) -> int:
        """Its length."""
        return self.end - self.start


def time_range(start: object, end: object, now: datetime) -> TimeRange:
    """The range that two words of Grafana mean at `now`; ValueError tells the word that means nothing."""
    found = TimeRange(moment(start, now), moment(end, now, ends=True))
    if not 0 < found.milliseconds <= MAX_RANGE:
        raise ValueError(
            f"from {start} to {end} is no range of time; expected an end after its start, 10 years at most"
        )
    return found


def moment(word: object, now: datetime, *, ends: bool = False) -> int:
    """A time as `now-1h`, `now/d`, milliseconds since 1970 or ISO 8601; `/d` is the end of the day if `ends`."""
    text = str(word).strip()
    if re.fullmatch(r"\d{1,15}", text):
        return int(text)
    if not text.startswith("now"):
        try:
            found = datetime.fromisoformat(text)
            return _epoch(found if found.tzinfo else found.replace(tzinfo=UTC))
        except ValueError:
            raise ValueError(f"{text!r} is no time; expected now-1h, milliseconds since 1970 or ISO 8601") from None
    steps, at = _STEP.findall(text[3:]), now.astimezone(UTC)
    if "".join(amount + unit for amount, unit in steps) != text[3:]:
        raise ValueError(f"{text!r} is no time; expected now, now-1h, now-7d/d with s, m, h, d, w, M or y")
    try:
        for amount, unit in steps:
            at = _rounded(at, unit, ends) if amount == "/" else _moved(at, int(amount), unit)
        return _epoch(at)
    except (OverflowError, ValueError):
        raise ValueError(f"{text!r} is before or after all time") from None


def milliseconds(duration: str) -> int:
    """A duration such as 30s or 1m30s, `>` may stand before it as in panels' options; ValueError when it is none."""
    parts = _DURATION.findall(text := duration.strip().lstrip(">"))
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{duration!r} is no duration; expected for example 30s or 5m")
    return int(sum(float(number) * _MILLISECONDS[unit] for number, unit in parts))


def duration(length: int) -> str:
    """Milliseconds as one number with the largest unit that fits: 90000 is 90s."""
    for unit in ("d", "h", "m", "s"):
        if length and length % _MILLISECONDS[unit] == 0:
            return f"{length // _MILLISECONDS[unit]}{unit}"
    return f"{length}ms"


def interval(over: TimeRange, points: int, shortest: int) -> int:
    """The step for so many points: rounded, at least `shortest`, never too many for Prometheus; all milliseconds."""
    exact = over.milliseconds / max(points, 1)
    found = max(_round(exact), shortest)
    safe = over.milliseconds / MAX_POINTS
    return found if found > safe else _round(safe, up=True)


def rate_interval(step: int, scrape: int) -> int:
    """Grafana's $__rate_interval, in which `rate` always sees points: of the step and the scrape interval."""
    return max(step + scrape, 4 * scrape)


def _round(exact: float, *, up: bool = False) -> int:
    found = next((to for limit, to in _ROUNDED if exact <= limit), 365 * DAY)
    return max(found, int(exact) + 1) if up else found


def _moved(at: datetime, amount: int, unit: str) -> datetime:
    if unit not in "My":
        return at + timedelta(milliseconds=amount * _MILLISECONDS[unit])
    months = at.year * 12 + at.month - 1 + amount * (12 if unit == "y" else 1)
    first = at.replace(year=months // 12, month=months % 12 + 1, day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return min(first + timedelta(days=at.day - 1), following - timedelta(days=1))


def _rounded(at: datetime, unit: str, ends: bool) -> datetime:
    zero = {"microsecond": 0, "second": 0, "minute": 0, "hour": 0, "day": 1, "month": 1}
    below = {"s": 1, "m": 2, "h": 3, "d": 4, "w": 4, "M": 5, "y": 6}[unit]
    start = at.replace(**dict(list(zero.items())[:below]))  # type: ignore[arg-type]
    if unit == "w":
        start -= timedelta(days=start.weekday())
    return _moved(start, 1, unit) - timedelta(milliseconds=1) if ends else start


def _epoch(at: datetime) -> int:
    return round(at.timestamp() * 1000)
