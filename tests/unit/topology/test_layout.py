"""Boxes and lines on a plane: whatever the topology, nothing lies on anything else."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.topology.layout import Box, Grid, Layout, Line, lay_out

GRID = Grid(width=100, column_gap=40, box_gap=10)
COLUMNS = 4


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Box], list[Line]]:
    """Up to four columns of boxes, and lines to later columns, some of them side by side."""
    boxes = [
        Box(f"{column}-{row}", column, draw(st.integers(20, 80)))
        for column in range(COLUMNS)
        for row in range(draw(st.integers(1, 4)))
    ]
    pairs = [(one.name, other.name) for one in boxes for other in boxes if one.column < other.column]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=10))
    return boxes, list(dict.fromkeys(Line(one, other, str(len(chosen) % 2)) for one, other in chosen))


def overlaps(boxes: list[Box], layout: Layout) -> list[tuple[str, str]]:
    """The pairs of boxes of a column that are nearer to each other than they may be."""

    def too_near(one: Box, other: Box) -> bool:
        upper, lower = sorted((one, other), key=lambda box: layout.corners[box.name][1])
        return layout.corners[upper.name][1] + upper.height + GRID.box_gap > layout.corners[lower.name][1] + 1e-6

    return [
        (one.name, other.name)
        for one, other in combinations(boxes, 2)
        if one.column == other.column and too_near(one, other)
    ]


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_nothing_lies_on_anything_else(graph: tuple[list[Box], list[Line]]) -> None:
    """Boxes keep their distance, lines pass columns beside the boxes, and all fits in the picture."""
    boxes, lines = graph
    layout = lay_out(boxes, lines, GRID)
    assert overlaps(boxes, layout) == []
    by_name = {box.name: box for box in boxes}
    for line, points in layout.points.items():
        assert points[0][0] == layout.corners[line.source][0] + GRID.width
        assert points[-1][0] == layout.corners[line.to][0]
        passed = [pair for number, pair in enumerate(pairwise(points)) if number % 2]
        for (left, y), (_, same) in passed:
            assert y == same
            column = [box for box in boxes if GRID.left(box.column) == left]
            assert not any(0 <= y - layout.corners[box.name][1] <= box.height for box in column)
        for name, (_, y) in ((line.source, points[0]), (line.to, points[-1])):
            assert 0 < y - layout.corners[name][1] < by_name[name].height
    for box in boxes:
        assert -1e-6 <= layout.corners[box.name][1] <= layout.height - box.height + 1e-6


def test_lines_do_not_cross_where_they_need_not() -> None:
    """Boxes are sorted by where they lead: here as many lines as could cross do not."""
    boxes = [Box(f"a{number}", 0, 30) for number in range(4)] + [Box(f"b{number}", 1, 30) for number in (3, 1, 0, 2)]
    layout = lay_out(boxes, [Line(f"a{number}", f"b{number}", "") for number in range(4)], GRID)
    heights = [(layout.corners[f"a{number}"][1], layout.corners[f"b{number}"][1]) for number in range(4)]
    assert [left for left, _ in sorted(heights)] == [left for left, _ in sorted(heights, key=lambda pair: pair[1])]
    assert all(left == pytest.approx(right) for left, right in heights)


def test_a_line_backwards_is_refused() -> None:
    """A drawing that reads from left to right has no place for it."""
    with pytest.raises(ValueError, match="b does not stand before a"):
        lay_out([Box("a", 0, 10), Box("b", 1, 10)], [Line("b", "a", "")], GRID)
