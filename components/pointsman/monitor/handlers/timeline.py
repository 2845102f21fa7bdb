"""The picture of a report: what of a run was going on when, as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pointsman.monitor.handlers.markup import Element, duration, element
from pointsman.monitor.handlers.summary import Summary, elapsed

MOST_ROWS: Final = 200
"""Steps beyond these are in no picture: nobody reads it."""

# Pixels at the picture's own size; it is scaled to the page.
_WIDTH, _LABELS, _MARGIN, _ROW, _AXIS, _BAR = 960, 220, 60, 24, 28, 14
_LEAST_BAR = 2.0
_MOST_TICKS = 7
_TICKS = (0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200)
_DAY = 86400.0
_LONGEST_LABEL = 30


@dataclass(frozen=True)
class Bar:
    """Something that lasted, in seconds since the picture's beginning; `state` names its colour."""

    begin: float
    end: float
    state: str


@dataclass(frozen=True)
class Row:
    """A line of the picture."""

    label: str
    bars: tuple[Bar, ...]
    told: str


@dataclass(frozen=True)
class Timeline:
    """The whole: `seconds` is how long it is, `left_out` how many steps it does not show."""

    rows: tuple[Row, ...]
    seconds: float
    left_out: int = 0


def timeline(of: Summary) -> Timeline:
    """What to draw. A step that did not end lasts to the end of the picture; one that did not begin has no bar."""
    run = of.run
    began = min(filter(None, (run.created_at, run.started_at, *(step.started_at for step in of.steps))))
    told = (run.created_at, run.started_at, run.finished_at, of.event.at if run.finished_at is None else None)
    times = (*told, *(step.started_at for step in of.steps), *(step.finished_at for step in of.steps))
    ended = max(filter(None, times))

    def bar(since: datetime | None, until: datetime | None, state: str) -> Iterator[Bar]:
        if since is not None:
            begin = (since - began) / timedelta(seconds=1)
            yield Bar(begin, begin + (elapsed(since, until or ended) or 0.0), state)

    waited = tuple(bar(run.created_at, run.started_at or run.finished_at, "queued"))
    whole = Row(run.name, waited + tuple(bar(run.started_at, run.finished_at, run.state)), run.state)
    steps = (
        Row(step.name, tuple(bar(step.started_at, step.finished_at, step.state)), step.state)
        for step in of.steps[:MOST_ROWS]
    )
    return Timeline((whole, *steps), (ended - began).total_seconds(), max(0, len(of.steps) - MOST_ROWS))


def picture(shown: Timeline) -> Element:
    """The SVG element."""
    height = _AXIS + _ROW * len(shown.rows)
    scale = (_WIDTH - _LABELS - _MARGIN) / (shown.seconds or 1.0)
    return element(
        "svg",
        *(line for at in ticks(shown.seconds) for line in _tick(at, _LABELS + at * scale, height)),
        *(part for place, row in enumerate(shown.rows) for part in _row(row, _AXIS + place * _ROW, scale)),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH} {height}",
        role="img",
        aria_label=f"Timeline: {duration(shown.seconds)}, {len(shown.rows) - 1} steps",
    )


def ticks(seconds: float) -> list[float]:
    """Where the axis has marks: round times, at most eight of them."""
    days = max(1, -(-seconds // (_DAY * _MOST_TICKS)))
    apart = next((each for each in _TICKS if seconds / each <= _MOST_TICKS), days * _DAY)
    return [round(apart * number, 3) for number in range(int(seconds / apart) + 1)]


def _tick(at: float, x: float, height: int) -> Iterator[Element]:
    yield element("line", x1=f"{x:.1f}", x2=f"{x:.1f}", y1=_AXIS - 8, y2=height, class_="tick")
    yield element("text", duration(at), x=f"{x:.1f}", y=_AXIS - 14, class_="axis")


def _row(row: Row, top: int, scale: float) -> Iterator[Element]:
    middle = top + _ROW / 2
    label = row.label if len(row.label) <= _LONGEST_LABEL else f"{row.label[: _LONGEST_LABEL - 1]}…"
    yield element("text", label, element("title", row.label), x=_LABELS - 10, y=middle + 4, class_="label")
    if not row.bars:
        yield element("text", row.told, x=_LABELS + 4, y=middle + 4, class_="none")
    for bar in row.bars:
        yield element(
            "rect",
            element("title", f"{row.label}: {bar.state} {duration(bar.end - bar.begin)}"),
            x=f"{_LABELS + bar.begin * scale:.1f}",
            y=middle - _BAR / 2,
            width=f"{max(_LEAST_BAR, (bar.end - bar.begin) * scale):.1f}",
            height=_BAR,
            rx=2,
            class_=f"bar {bar.state}",
        )
    if row.bars:
        last = row.bars[-1]
        x = _LABELS + max(last.end * scale, last.begin * scale + _LEAST_BAR) + 6
        yield element("text", duration(last.end - last.begin), x=f"{x:.1f}", y=middle + 4, class_="took")
