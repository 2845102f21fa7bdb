"""What a dashboard is, before it is Grafana's JSON: plain values that cost nothing to make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Source = Literal["prometheus", "loki", "tempo"]
Kind = Literal["stat", "timeseries", "bargauge", "heatmap", "table", "logs"]


@dataclass(frozen=True)
class Limits:
    """Where a value turns from good to doubtful (`warning`) and to bad (`critical`), in the panel's unit.

    With `critical` below `warning`, small values are the bad ones.
    """

    warning: float
    critical: float

    @property
    def falling(self) -> bool:
        """Whether small values are the bad ones."""
        return self.critical < self.warning


@dataclass(frozen=True)
class Link:
    """Where a person goes on from a panel."""

    title: str
    url: str


@dataclass(frozen=True)
class Query:
    """One query of a panel; `legend` names its series, with labels in double braces."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """One panel. `width` is in columns of 24, `height` in rows of some 30 pixels.

    `about` says what is shown and what good looks like. Without `limits` there is no value that is bad by itself.
    `words` stand for values, such as down for 0.
    """

    title: str
    kind: Kind
    unit: str
    about: str
    queries: tuple[Query, ...]
    link: Link
    limits: Limits | None = None
    width: int = 12
    height: int = 8
    words: tuple[tuple[str, str], ...] = ()
    exemplars: bool = False
    highest: float | None = None

    @property
    def source(self) -> Source:
        """The data source that its queries ask: there is one for each kind of panel."""
        return "tempo" if self.kind == "table" else "loki" if self.kind == "logs" else "prometheus"


@dataclass(frozen=True)
class Variable:
    """What a reader chooses on top of a dashboard: values of `key` of `metric`; all of them at first."""

    name: str
    title: str
    metric: str
    key: str


@dataclass(frozen=True)
class Board:
    """One dashboard. Its `uid` never changes: links and bookmarks hold it. `hours` is how far back it shows."""

    uid: str
    title: str
    about: str
    panels: tuple[Panel, ...]
    variables: tuple[Variable, ...] = ()
    hours: int = 6
