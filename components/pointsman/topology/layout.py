"""Where boxes stand and how lines run between them: columns from left to right, few crossings, no line through a box.

A line that passes a column gets a lane in it, which takes part in the order and the spacing like a flat box. All is
deterministic: the same boxes and lines give the same drawing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, float]
SWEEPS, ROUNDS = 12, 24
LANE_HEIGHT = 10.0


@dataclass(frozen=True)
class Box:
    """What stands in a column, in pixels."""

    name: str
    column: int
    height: float


@dataclass(frozen=True)
class Line:
    """From a box to one in a later column; `key` tells lines between the same boxes apart."""

    source: str
    to: str
    key: str


@dataclass(frozen=True)
class Grid:
    """Widths and distances in pixels: of columns, between them, and between what stands in one."""

    width: float
    column_gap: float
    box_gap: float

    def left(self, column: int) -> float:
        """The left edge of a column."""
        return column * (self.width + self.column_gap)


@dataclass(frozen=True)
class Layout:
    """The top left corner of every box, and the points of every line: pairs of them are the ends of its straight parts
    through columns, and what lies between the pairs is the way from one column to the next."""

    corners: Mapping[str, Point]
    points: Mapping[Line, tuple[Point, ...]]
    height: float


class _Nodes:
    """Boxes and lanes by column, and the segments of lines between neighbouring columns."""

    def __init__(self, boxes: Sequence[Box], lines: Sequence[Line]) -> None:
        self.heights = {box.name: box.height for box in boxes}
        self.column = {box.name: box.column for box in boxes}
        self.columns: list[list[str]] = [[] for _ in range(max(self.column.values()) + 1)]
        for box in boxes:
            self.columns[box.column].append(box.name)
        self.ways = {line: self._way(line) for line in lines}
        self.after: defaultdict[str, list[str]] = defaultdict(list)
        self.before: defaultdict[str, list[str]] = defaultdict(list)
        for way in self.ways.values():
            for one, other in pairwise(way):
                self.after[one].append(other)
                self.before[other].append(one)

    def _way(self, line: Line) -> tuple[str, ...]:
        first, last = self.column[line.source], self.column[line.to]
        if first >= last:
            raise ValueError(f"{line.source} does not stand before {line.to}")
        lanes = []
        for column in range(first + 1, last):
            lane = f"{line.source}>{line.to}>{line.key}@{column}"
            self.heights[lane] = LANE_HEIGHT
            self.columns[column].append(lane)
            lanes.append(lane)
        return (line.source, *lanes, line.to)


def lay_out(boxes: Sequence[Box], lines: Sequence[Line], grid: Grid) -> Layout:
    """Places all boxes and lines. Raises ValueError for a line that does not lead to a later column."""
    nodes = _Nodes(boxes, lines)
    _order(nodes)
    middle = _spread(nodes, grid)
    top = min(middle[name] - nodes.heights[name] / 2 for name in middle)
    middle = {name: y - top for name, y in middle.items()}
    corners = {box.name: (grid.left(box.column), middle[box.name] - box.height / 2) for box in boxes}
    height = max(middle[name] + nodes.heights[name] / 2 for name in middle)
    return Layout(corners, _points(nodes, middle, grid), height)


def _order(nodes: _Nodes) -> None:
    """Sorts every column by where its lines lead, again and again, and keeps the order with the fewest crossings."""
    best, fewest = [list(column) for column in nodes.columns], _crossings(nodes)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        towards = nodes.before if forward else nodes.after
        for column in nodes.columns if forward else reversed(nodes.columns):
            place = {name: index / max(1, len(each) - 1) for each in nodes.columns for index, name in enumerate(each)}
            column.sort(key=lambda name: _mean([place[each] for each in towards[name]], place[name]))
        _swap(nodes)
        if (count := _crossings(nodes)) < fewest:
            best, fewest = [list(column) for column in nodes.columns], count
    nodes.columns = best


def _swap(nodes: _Nodes) -> None:
    """Swaps neighbours as long as that saves crossings."""
    fewest, better = _crossings(nodes), True
    while better:
        better = False
        for column in nodes.columns:
            for index in range(len(column) - 1):
                column[index], column[index + 1] = column[index + 1], column[index]
                if (count := _crossings(nodes)) < fewest:
                    fewest, better = count, True
                else:
                    column[index], column[index + 1] = column[index + 1], column[index]


def _crossings(nodes: _Nodes) -> int:
    count = 0
    for left, right in pairwise(nodes.columns):
        place = {name: index for index, name in enumerate(right)}
        ends = [[place[each] for each in nodes.after[name]] for name in left]
        for index, upper in enumerate(ends):
            count += sum(one > other for lower in ends[index + 1 :] for one in upper for other in lower)
    return count


def _spread(nodes: _Nodes, grid: Grid) -> dict[str, float]:
    """The height of the middle of everything: near what it is joined to, never nearer to its neighbours than it may."""
    middle: dict[str, float] = {}
    for column in nodes.columns:
        middle |= _apart(column, [0.0] * len(column), nodes, grid)
    for turn in range(ROUNDS):
        for column in nodes.columns if turn % 2 == 0 else reversed(nodes.columns):
            wanted = [
                _mean([middle[each] for each in nodes.before[name] + nodes.after[name]], middle[name])
                for name in column
            ]
            middle |= _apart(column, wanted, nodes, grid)
    return middle


def _apart(column: Sequence[str], wanted: Sequence[float], nodes: _Nodes, grid: Grid) -> dict[str, float]:
    """The heights nearest to `wanted`, by least squares, that keep order and distances (pool adjacent violators)."""
    offsets, offset = [], 0.0
    for index, name in enumerate(column):
        if index:
            offset += (nodes.heights[column[index - 1]] + nodes.heights[name]) / 2 + grid.box_gap
        offsets.append(offset)
    pools: list[tuple[float, int]] = []
    for value in (want - offset for want, offset in zip(wanted, offsets, strict=True)):
        pools.append((value, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (one, many), (other, more) = pools[-2:]
            pools[-2:] = [((one * many + other * more) / (many + more), many + more)]
    settled = [value for value, count in pools for _ in range(count)]
    return {name: value + offset for name, value, offset in zip(column, settled, offsets, strict=True)}


def _points(nodes: _Nodes, middle: Mapping[str, float], grid: Grid) -> dict[Line, tuple[Point, ...]]:
    """Lines leave and enter a box one below the other, in the order of where they lead."""
    leave, enter = _docks(nodes, middle, 0, 1), _docks(nodes, middle, -1, -2)
    found = {}
    for line, way in nodes.ways.items():
        column = nodes.column[line.source]
        points = [(grid.left(column) + grid.width, leave[line])]
        for number, lane in enumerate(way[1:-1], column + 1):
            points += [(grid.left(number), middle[lane]), (grid.left(number) + grid.width, middle[lane])]
        found[line] = (*points, (grid.left(nodes.column[line.to]), enter[line]))
    return found


def _docks(nodes: _Nodes, middle: Mapping[str, float], end: int, beside: int) -> dict[Line, float]:
    """Where each line meets the box at its `end`, ordered by the node `beside` it."""
    at: defaultdict[str, list[Line]] = defaultdict(list)
    for line, way in nodes.ways.items():
        at[way[end]].append(line)
    docks = {}
    for name, lines in at.items():
        top = middle[name] - nodes.heights[name] / 2
        lines.sort(key=lambda line: middle[nodes.ways[line][beside]])
        for index, line in enumerate(lines, 1):
            docks[line] = top + nodes.heights[name] * index / (len(lines) + 1)
    return docks


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
