"""What a dashboard may hold: all that the board can draw and no more. Plain data; nothing but the standard library.

A key that is not here is refused, since it would mean something in Grafana and nothing on the board.
"""

from __future__ import annotations

from collections.abc import Mapping


def _keys(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


SOURCES: Mapping[str, str] = {"prometheus": "prometheus", "loki": "loki", "tempo": "tempo"}
"""Uid of each data source that a panel may ask → its type."""

PANELS: Mapping[str, str] = {
    "stat": "prometheus",
    "timeseries": "prometheus",
    "bargauge": "prometheus",
    "heatmap": "prometheus",
    "table": "tempo",
    "logs": "loki",
}
"""Type of each panel → type of the data source that it asks. A table lists the spans that TraceQL finds."""

UNITS = frozenset({"none", "short", "s", "bytes", "percentunit", "currencyUSD"})
"""Units of values; beside them `suffix:…`, whose text follows the number."""
SUFFIX = "suffix:"

DASHBOARD_KEYS = _keys(
    "annotations description editable fiscalYearStartMonth graphTooltip panels refresh schemaVersion tags templating "
    "time timepicker timezone title uid"
)
PANEL_KEYS = _keys(
    "datasource description fieldConfig gridPos id interval links options repeatDirection targets title transparent "
    "type"
)
FIELD_KEYS = _keys("color custom mappings max min thresholds unit")
"""Of fieldConfig.defaults. Overrides are not drawn."""

OPTIONS: Mapping[str, frozenset[str]] = {
    "stat": _keys(
        "colorMode graphMode justifyMode orientation percentChangeColorMode reduceOptions showPercentChange textMode "
        "wideLayout"
    ),
    "timeseries": _keys("legend tooltip"),
    "bargauge": _keys(
        "displayMode legend maxVizHeight minVizHeight minVizWidth namePlacement orientation reduceOptions showUnfilled "
        "sizing valueMode"
    ),
    "heatmap": _keys("calculate cellGap color exemplars filterValues legend selectionMode showValue tooltip yAxis"),
    "table": _keys("cellHeight footer frameIndex showHeader showTypeIcons"),
    "logs": _keys(
        "dedupStrategy enableLogDetails prettifyLogMessage showCommonLabels showLabels showLogContextToggle showTime "
        "sortOrder wrapLogMessage"
    ),
}
"""Keys of a panel's options; most are defaults that the SDK writes out."""
CUSTOM: Mapping[str, frozenset[str]] = {
    "timeseries": _keys("drawStyle fillOpacity showPoints thresholdsStyle"),
    "table": _keys("align inspect"),
}
"""Keys of fieldConfig.defaults.custom."""
STYLES = frozenset({"line"})
"""How a timeseries draws."""
TARGETS: Mapping[str, frozenset[str]] = {
    "prometheus": _keys("datasource exemplar expr format instant legendFormat range refId"),
    "tempo": _keys("datasource filters limit query queryType refId tableType"),
    "loki": _keys("datasource expr maxLines queryType refId"),
}
"""Type of a data source → keys of a query to it."""

VARIABLE = r"label_values\(([a-zA-Z_:][a-zA-Z0-9_:]*), ([a-zA-Z_][a-zA-Z0-9_]*)\)"
"""What the query of a variable looks like; there is no other kind of variable."""
EVERYTHING = ".*"
"""What a variable stands for while all of its values are chosen."""

MACROS: Mapping[str, str] = {"__interval": "1m", "__rate_interval": "5m", "__range": "6h"}
"""What Grafana fills in itself, with the values that are used where nobody says otherwise."""
