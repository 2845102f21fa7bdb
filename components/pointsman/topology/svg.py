"""The drawing of a topology: plain SVG text, readable on light and dark pages, the same bytes for the same topology."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from pointsman.services.flows import Flow, Place, Signal, Stage, Topology
from pointsman.services.model import Service
from pointsman.topology.layout import Box, Grid, Layout, Line, Point, lay_out

GRID = Grid(width=168, column_gap=56, box_gap=17)
MARGIN, HEAD, FOOT = 20, 44, 62
TITLE_SIZE, NOTE_SIZE, NOTE_STEP, PADDING = 14, 11.5, 15, 10
# Of the widest common font, DejaVu Sans: what fits in it fits in all.
CHARACTER_WIDTH, BOLD_WIDTH = 0.61, 0.67
NOTE_CHARACTERS = int((GRID.width - 2 * PADDING) / (NOTE_SIZE * CHARACTER_WIDTH))
TITLE_CHARACTERS = int((GRID.width - 2 * PADDING) / (TITLE_SIZE * BOLD_WIDTH))
TITLE_LINES, NOTE_LINES, WHY_LINES = 2, 3, 4
# Every colour is told apart from white and from near-black by at least 3 to 1, as WCAG asks of graphics.
COLOURS = {
    Signal.TRACES: "#8b5cf6",
    Signal.METRICS: "#c96a0a",
    Signal.LOGS: "#0d8f83",
    Signal.ALERTS: "#dc3a3a",
    Signal.QUERIES: "#768390",
}
GREY, GOOD, BAD = "#768390", "#2da44e", "#dc3a3a"
STYLE = (
    "text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif}"
    f".head,.key{{fill:{GREY};font-size:12.5px}}.head{{font-weight:600;letter-spacing:.04em}}"
    f".box{{fill:#fff;stroke:#8b949e;stroke-width:1.2}}.outside{{fill:#eef1f4;stroke-dasharray:5 3}}"
    f".well{{stroke:{GOOD};stroke-width:2}}.ill{{stroke:{BAD};stroke-width:2}}"
    f".title{{fill:#1f2328;font-size:{TITLE_SIZE}px;font-weight:600}}.note{{fill:#57606a;font-size:{NOTE_SIZE}px}}"
    f".why{{fill:{BAD};font-size:{NOTE_SIZE}px}}.flow{{fill:none;stroke-width:2}}.queries{{stroke-dasharray:3 4}}"
)


@dataclass(frozen=True)
class Health:
    """How a service is: good or not, and why not."""

    good: bool
    reason: str = ""


@dataclass(frozen=True)
class _Drawn:
    """A place with its text broken into lines."""

    place: Place
    title: tuple[str, ...]
    notes: tuple[str, ...]
    why: tuple[str, ...]
    marked: bool

    @property
    def height(self) -> float:
        """Titles are set as far apart as notes are."""
        return PADDING * 2 + TITLE_SIZE - NOTE_STEP + NOTE_STEP * len(self.title + self.notes + self.why)


def draw(topology: Topology, health: Mapping[str, Health] | None = None) -> str:
    """The drawing; with `health`, by service, the boxes are coloured by it."""
    health = health or {}
    own = {flow.source for flow in topology.flows if flow.own}
    stages = [stage for stage in Stage if any(place.stage is stage for place in topology.places)]
    drawn = [_drawn(place, health.get(place.name), place.name in own) for place in topology.places]
    shown = [flow for flow in topology.flows if not flow.own]
    lines = {Line(flow.source, flow.to, flow.signal): flow for flow in shown}
    boxes = [Box(each.place.name, stages.index(each.place.stage), each.height) for each in drawn]
    layout = lay_out(boxes, list(lines), GRID)
    width, height = GRID.left(len(stages) - 1) + GRID.width + 2 * MARGIN, HEAD + layout.height + FOOT
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(width)} {_n(height)}" '
            f'width="{_n(width)}" height="{_n(height)}" role="img">',
            f"<title>How signals flow in the environment {escape(topology.environment)}</title>",
            f"<style>{STYLE}</style>",
            f"<defs>{''.join(_arrow(signal) for signal in Signal)}</defs>",
            f'<g transform="translate({MARGIN} {HEAD})">',
            *(_head(stage, index) for index, stage in enumerate(stages)),
            *(_flow(flow, layout.points[line]) for line, flow in lines.items()),
            *(_box(each, layout, health.get(each.place.name)) for each in drawn),
            "</g>",
            *_legend(topology, height - FOOT / 2),
            "</svg>\n",
        )
    )


def _drawn(place: Place, health: Health | None, marked: bool) -> _Drawn:
    notes = _facts(place.service) if place.service else (place.note,)
    title = _broken(place.title or place.name, TITLE_CHARACTERS, TITLE_LINES)
    broken = tuple(line for note in notes for line in _broken(note, NOTE_CHARACTERS, NOTE_LINES))
    why = _broken(health.reason, NOTE_CHARACTERS, WHY_LINES) if health and not health.good else ()
    return _Drawn(place, title, broken, why, marked)


def _facts(service: Service) -> tuple[str, ...]:
    """What the `Service` value says of itself: image, published ports, how long it keeps what it gets."""
    ports = " ".join(f":{each.published}" for each in service.published) or "not published"
    kept = f"keeps {_duration(service.retention.time)}" if service.retention else ""
    image = service.image if service.image != service.name else ""
    return tuple(each for each in (image, ports, kept) if each)


def _duration(seconds: float) -> str:
    days, hours = divmod(round(seconds / 3600), 24)
    return " ".join(
        f"{count} {unit}{'s' if count > 1 else ''}" for count, unit in ((days, "day"), (hours, "hour")) if count
    )


def _broken(text: str, characters: int, lines: int) -> tuple[str, ...]:
    return tuple(textwrap.wrap(text, characters, max_lines=lines, placeholder=" …"))


def _head(stage: Stage, column: int) -> str:
    x = GRID.left(column) + GRID.width / 2
    return f'<text class="head" x="{_n(x)}" y="-20" text-anchor="middle">{escape(stage)}</text>'


def _arrow(signal: Signal) -> str:
    return (
        f'<marker id="{signal}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L10 5L0 10Z" fill="{COLOURS[signal]}"/></marker>'
    )


def _flow(flow: Flow, points: tuple[Point, ...]) -> str:
    """Straight through columns, curved between them."""
    path = f"M{_n(points[0][0])} {_n(points[0][1])}"
    for index, ((x, y), (to_x, to_y)) in enumerate(pairwise(points)):
        if index % 2:
            path += f"H{_n(to_x)}"
        else:
            half = (x + to_x) / 2
            path += f"C{_n(half)} {_n(y)} {_n(half)} {_n(to_y)} {_n(to_x)} {_n(to_y)}"
    said = escape(f"{flow.signal}: {flow.source} → {flow.to} ({flow.how})")
    kind = " queries" if flow.signal is Signal.QUERIES else ""
    return (
        f'<path class="flow{kind}" d="{path}" stroke="{COLOURS[flow.signal]}" marker-end="url(#{flow.signal})">'
        f"<title>{said}</title></path>"
    )


def _box(drawn: _Drawn, layout: Layout, health: Health | None) -> str:
    x, y = layout.corners[drawn.place.name]
    kind = "box" if drawn.place.service else "box outside"
    if health:
        kind += " well" if health.good else " ill"
    size = f'width="{_n(GRID.width)}" height="{_n(drawn.height)}"'
    parts = [f'<rect class="{kind}" x="{_n(x)}" y="{_n(y)}" {size} rx="7"/>']
    if drawn.marked:
        parts.append(_mark(x + GRID.width - PADDING - 3, y + PADDING + 5))
    texts = [("title", each) for each in drawn.title]
    texts += [*(("note", each) for each in drawn.notes), *(("why", each) for each in drawn.why)]
    at = y + PADDING + TITLE_SIZE - 2
    return "".join([*parts, *(_text(kind, text, x, at + NOTE_STEP * n) for n, (kind, text) in enumerate(texts))])


def _text(kind: str, text: str, x: float, y: float) -> str:
    return f'<text class="{kind}" x="{_n(x + PADDING)}" y="{_n(y)}">{escape(text)}</text>'


def _mark(x: float, y: float) -> str:
    return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="4" fill="{COLOURS[Signal.METRICS]}"/>'


def _legend(topology: Topology, y: float) -> list[str]:
    parts, x = [], float(MARGIN)
    for signal in Signal:
        if not any(flow.signal is signal for flow in topology.flows):
            continue
        kind = " queries" if signal is Signal.QUERIES else ""
        line = (
            f'<path class="flow{kind}" d="M{_n(x)} {_n(y)}h34" stroke="{COLOURS[signal]}" marker-end="url(#{signal})"/>'
        )
        parts.append(line + _key(signal, x + 42, y))
        x += 42 + len(signal) * 8 + 26
    if any(flow.own for flow in topology.flows):
        parts.append(_mark(x + 4, y) + _key("its own metrics are scraped by Prometheus", x + 15, y))
    return parts


def _key(text: str, x: float, y: float) -> str:
    return f'<text class="key" x="{_n(x)}" y="{_n(y + 4.5)}">{escape(text)}</text>'


def _n(value: float) -> str:
    """A number without needless digits."""
    return f"{value:.1f}".removesuffix(".0")
