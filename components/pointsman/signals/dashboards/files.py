"""The dashboards of an environment as files, each drawn when its text is first asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from pointsman.signals.dashboards import boards
from pointsman.signals.dashboards.model import Board
from pointsman.signals.dashboards.thresholds import thresholds
from pointsman.spec.models import Environment

Draw = Callable[[Board], str]
"""What makes a dashboard its text."""


def drawn(board: Board) -> str:
    """The text of a dashboard, by Grafana's SDK, which takes 0.1 to 0.3 s to import.

    Raises UsageError for a dashboard that the lint refuses.
    """
    from pointsman.signals.dashboards.lint import check
    from pointsman.signals.dashboards.render import rendered

    text = rendered(board)
    check(name(board), json.loads(text))
    return text


def chosen(spec: Environment, sources: Collection[str]) -> tuple[Board, ...]:
    """The dashboards of an environment that has the data sources of these uids.

    A panel whose data source is not there is left out.
    """
    every = boards(thresholds(spec))
    return tuple(
        replace(each, panels=tuple(panel for panel in each.panels if panel.source in sources)) for each in every
    )


def name(board: Board) -> str:
    """The name of a dashboard's file."""
    return f"{board.uid}.json"


@dataclass(frozen=True)
class Files(Mapping[str, str]):
    """Path → text of files that are there, and of dashboards, which `draw` makes texts of, once.

    Nothing is drawn for who only looks at the paths.
    """

    there: Mapping[str, str]
    dashboards: Mapping[str, Board]
    draw: Draw
    made: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    def __getitem__(self, path: str) -> str:
        """The text, drawn now if it was not asked for before."""
        if path in self.there:
            return self.there[path]
        if path not in self.made:
            self.made[path] = self.draw(self.dashboards[path])
        return self.made[path]

    def __iter__(self) -> Iterator[str]:
        yield from self.there
        yield from self.dashboards

    def __len__(self) -> int:
        return len(self.there) + len(self.dashboards)
