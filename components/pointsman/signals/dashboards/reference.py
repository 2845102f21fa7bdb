"""The reference page of the dashboards, which `python -m pointsman.cli.reference` writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pointsman.signals import promql
from pointsman.signals.dashboards import FOLDER, boards, subset
from pointsman.signals.dashboards.expectations import MAY_BE_EMPTY
from pointsman.signals.dashboards.model import Board, Limits, Panel
from pointsman.signals.dashboards.queries import filled, variables_in
from pointsman.signals.dashboards.thresholds import Thresholds, thresholds
from pointsman.spec.models import Environment

_INTRODUCTION = f"""\
All dashboards are in the folder `{FOLDER}`, read only, in UTC, and come from files that `pointsman up` delivers: a
change of a limit in the spec changes the panel's colours in place. Grafana and the board load the same files.

Orange begins at the first limit and red at the second, which is that of the alert whose runbook the panel leads to;
`<` marks limits below which a value is bad. The limits here are those of the spec's defaults. What is counted over a
window counts from what a series begins with, so that one run of one process shows. The choices on top of a dashboard
stand for all values until one is chosen.
"""
_UNITS = {
    "s": "time",
    "bytes": "bytes",
    "percentunit": "share",
    "currencyUSD": "US dollars",
    "short": "number",
    "none": "",
}
_TIMES = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (0.001, "ms"))


def parts() -> tuple[str, ...]:
    """What the page holds below its title."""
    limits = thresholds(Environment())
    listed = boards(limits)
    tables = (part for board in listed for part in _board(board))
    return (_INTRODUCTION.rstrip(), _overview(listed), *tables, _empty(), _subset(), _queries(limits))


def _overview(listed: Iterable[Board]) -> str:
    rows = ((f"[{each.title}](#{each.uid})", f"`/d/{each.uid}`", str(len(each.panels)), each.about) for each in listed)
    return _table(("dashboard", "address", "panels", "tells"), rows)


def _board(board: Board) -> Iterator[str]:
    yield f"## {board.title}"
    chosen = ", ".join(f"{each.title} (`{each.key}`)" for each in board.variables)
    yield f"`/d/{board.uid}`; shows {board.hours} h" + (f"; to choose: {chosen}." if chosen else ".")
    yield f"![{board.title}, as the board shows it after `pointsman demo`](../images/dashboards/{board.uid}.png)"
    head = ("panel", "kind", "unit", "limits", "tells, and what good looks like", "from", "leads to")
    yield _table(head, (_row(panel) for panel in board.panels))


def _row(panel: Panel) -> tuple[str, ...]:
    link = panel.link
    leads = f"[{link.title}]({link.url})" if link.url.startswith("http") else link.title
    return (
        panel.title,
        panel.kind,
        _UNITS.get(panel.unit, panel.unit.removeprefix(subset.SUFFIX)),
        _limits(panel),
        panel.about,
        _from(panel),
        leads,
    )


def _from(panel: Panel) -> str:
    if panel.source != "prometheus":
        return {"tempo": "TraceQL", "loki": "LogQL"}[panel.source]
    values = _values(panel)
    names = {each.name: None for query in panel.queries for each in promql.selected(filled(query.expr, values))}
    return ", ".join(f"`{name}`" for name in names)


def _values(panel: Panel) -> dict[str, str]:
    named = {name: subset.EVERYTHING for query in panel.queries for name in variables_in(query.expr)}
    return {**named, **subset.MACROS}


def _limits(panel: Panel) -> str:
    if panel.limits is None:
        return ""
    sign = "<" if panel.limits.falling else ""
    return ", ".join(f"{sign}{_value(each, panel.unit)}" for each in _both(panel.limits))


def _both(limits: Limits) -> tuple[float, float]:
    return limits.warning, limits.critical


def _value(value: float, unit: str) -> str:
    if unit == "s" and value:
        size, name = next((each for each in _TIMES if value >= each[0]), _TIMES[-1])
        return f"{value / size:.4g} {name}"
    if unit == "percentunit":
        return f"{100 * value:.4g} %"
    if unit == "bytes":
        return f"{value / 2**20:.4g} MiB"
    return f"{value:,.12g}"


def _empty() -> str:
    rows = ((uid, title, reason) for (uid, title), reason in MAY_BE_EMPTY.items())
    return "## Panels that may be empty\n\nAll others have data once the demo has run.\n\n" + _table(
        ("dashboard", "panel", "when"), rows
    )


def _subset() -> str:
    kinds = ", ".join(f"`{kind}` ({source})" for kind, source in subset.PANELS.items())
    units = ", ".join(f"`{unit}`" for unit in sorted(subset.UNITS))
    return (
        "## What a dashboard may hold\n\nOnly what the board draws as Grafana does; the lint refuses the rest, with "
        f"the dashboard and the panel, before anything is applied.\n\nPanels: {kinds}. Units: {units} and "
        f"`{subset.SUFFIX}…`. Variables: `label_values(metric, label)`. Beside them, in queries: "
        + ", ".join(f"`${name}`" for name in subset.MACROS)
        + ". No overrides, no transformations, no rows."
    )


def _queries(limits: Thresholds) -> str:
    panel = boards(limits)[0].panels[0]
    return (
        "## Queries\n\n`pointsman.signals.dashboards.queries.queries(dashboard, variables)` lists every query of a "
        "dashboard's JSON with its variables filled in, such as that of "
        f"“{panel.title}”:\n\n```promql\n{filled(panel.queries[0].expr, _values(panel))}\n```"
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
