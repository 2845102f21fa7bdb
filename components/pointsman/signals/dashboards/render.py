"""Dashboards as the JSON that Grafana loads, made with its own SDK, whose import takes some 0.2 s: import this late."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    heatmap,
    logs,
    loki,
    prometheus,
    stat,
    table,
    tempo,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as prometheus_models
from grafana_foundation_sdk.models import tempo as tempo_models

from pointsman.signals.dashboards.model import Board, Limits, Link, Panel, Query, Variable

GREEN, ORANGE, RED = "green", "orange", "red"
TAG = "pointsman"
# Below this a rate would see no more than one sample of what is sent every 15 s.
LEAST_INTERVAL = "1m"
ROWS = 20
KINDS: dict[str, Callable[[], Any]] = {
    "stat": stat.Panel,
    "timeseries": timeseries.Panel,
    "bargauge": bargauge.Panel,
    "heatmap": heatmap.Panel,
    "table": table.Panel,
    "logs": logs.Panel,
}


def rendered(board: Board) -> str:
    """The dashboard's file: sorted and indented, so that a change of it can be read."""
    made = _dashboard(board).build()
    return json.dumps(made, cls=JSONEncoder, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def _dashboard(board: Board) -> Any:
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.about)
        .tags([TAG])
        .time(f"now-{board.hours}h", "now")
        .timezone("utc")
        .refresh("30s")
        .readonly()
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
    )
    for variable in board.variables:
        made.with_variable(_variable(variable))
    for number, panel in enumerate(board.panels, start=1):
        made.with_panel(_panel(panel).id(number))
    return made


def _variable(variable: Variable) -> Any:
    every = models.VariableOption(selected=True, text="All", value="$__all")
    return (
        dashboard.QueryVariable(variable.name)
        .label(variable.title)
        .datasource(_source("prometheus"))
        .query(f"label_values({variable.metric}, {variable.key})")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        # Matches what has no such label as well.
        .all_value(".*")
        .current(every)
    )


def _panel(panel: Panel) -> Any:
    made = (
        KINDS[panel.kind]()
        .title(panel.title)
        .description(panel.about)
        .datasource(_source(panel.source))
        .height(panel.height)
        .span(panel.width)
        .unit(panel.unit)
        .thresholds(_thresholds(panel.limits))
        .links([_link(panel.link)])
        .interval(LEAST_INTERVAL)
    )
    for place, query in enumerate(panel.queries):
        made.with_target(_target(panel, query, chr(ord("A") + place)))
    if panel.words:
        made.mappings([_words(panel)])
    if panel.highest is not None:
        made.min(0).max(panel.highest)
    if shape := SHAPES.get(panel.kind):
        shape(made, panel)
    return made


def _target(panel: Panel, query: Query, ref: str) -> Any:
    source = _source(panel.source)
    if panel.kind == "table":
        found = tempo.Dataquery().query(query.expr).query_type("traceql").limit(ROWS).filters([])
        return found.table_type(tempo_models.SearchTableType.SPANS).ref_id(ref).datasource(source)
    if panel.kind == "logs":
        return loki.Dataquery().expr(query.expr).query_type("range").max_lines(ROWS).ref_id(ref).datasource(source)
    made = prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id(ref).datasource(source)
    if panel.kind in ("stat", "bargauge"):
        return made.instant()
    if panel.kind == "heatmap":
        return made.range().format(prometheus_models.PromQueryFormat.HEATMAP)
    return made.range().exemplar(panel.exemplars)


def _stat(made: Any, panel: Panel) -> None:
    made.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    made.graph_mode(common_models.BigValueGraphMode.NONE)
    # Without limits no value is better than another, and a palette would show the first of them in green.
    made.color_mode(common_models.BigValueColorMode.VALUE if panel.limits else common_models.BigValueColorMode.NONE)


def _bars(made: Any, panel: Panel) -> None:
    made.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    made.orientation(common_models.VizOrientation.HORIZONTAL)
    made.display_mode(common_models.BarGaugeDisplayMode.BASIC)
    if panel.highest is None:
        made.min(0)


def _timeseries(made: Any, panel: Panel) -> None:
    made.draw_style(common_models.GraphDrawStyle.LINE)
    made.fill_opacity(10)
    # Tens of runs a day leave gaps between them: a lone point must be seen.
    made.show_points(common_models.VisibilityMode.AUTO)
    if panel.limits:
        style = common.GraphThresholdsStyleConfig().mode(common_models.GraphThresholdsStyleMode.DASHED)
        made.thresholds_style(style)
    made.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC))
    if panel.highest is None:
        made.min(0)
    made.legend(
        common.VizLegendOptions()
        .display_mode(common_models.LegendDisplayMode.LIST)
        .placement(common_models.LegendPlacement.BOTTOM)
        .show_legend(True)
    )


def _logs(made: Any, _: Panel) -> None:
    made.show_time(True).wrap_log_message(True).enable_log_details(True)
    made.sort_order(common_models.LogsSortOrder.DESCENDING)


def _heatmap(made: Any, panel: Panel) -> None:
    made.calculate(False)
    made.y_axis(heatmap.YAxisConfig().unit(panel.unit))


SHAPES: dict[str, Callable[[Any, Panel], None]] = {
    "stat": _stat,
    "bargauge": _bars,
    "timeseries": _timeseries,
    "heatmap": _heatmap,
    "logs": _logs,
}


def _thresholds(limits: Limits | None) -> Any:
    steps: list[tuple[float | None, str]]
    if limits is None:
        steps = [(None, GREEN)]
    elif limits.falling:
        steps = [(None, RED), (limits.critical, ORANGE), (limits.warning, GREEN)]
    else:
        steps = [(None, GREEN), (limits.warning, ORANGE), (limits.critical, RED)]
    made = [models.Threshold(value=_number(value), color=color) for value, color in steps]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(made)


def _number(value: float | None) -> float | None:
    """As a person would write it: four fifths of 0.2 are 0.16."""
    rounded = None if value is None else round(value, 9)
    return int(rounded) if rounded is not None and rounded == int(rounded) else rounded


def _words(panel: Panel) -> Any:
    options = {value: models.ValueMappingResult(text=word) for value, word in panel.words}
    return models.ValueMap(options=options)


def _link(link: Link) -> Any:
    return dashboard.DashboardLink(link.title).url(link.url).type(models.DashboardLinkType.LINK).target_blank(True)


def _source(kind: str) -> Any:
    """The uid of each data source is its service's name, which is that of its kind."""
    return common_models.DataSourceRef(type_val=kind, uid=kind)
