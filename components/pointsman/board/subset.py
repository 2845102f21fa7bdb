"""What of Grafana's dashboards the board can show, and what of a dashboard lies outside of it.

A dashboard of ours keeps to this: it is shown alike on the board and in Grafana.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pointsman.board.layout import laid_out
from pointsman.board.timerange import milliseconds
from pointsman.board.variables import FORMATS, GLOBALS

DRAWN: Final = frozenset(
    {"timeseries", "stat", "gauge", "bargauge", "table", "logs", "heatmap", "state-timeline", "piechart", "barchart"}
)
PANELS: Final = DRAWN | {"row", "text"}
VARIABLES: Final = frozenset({"query", "custom", "constant", "textbox", "interval", "datasource"})
SOURCES: Final = frozenset({"prometheus", "loki", "tempo"})
TRANSFORMATIONS: Final = frozenset(
    {"merge", "joinByField", "organize", "renameByRegex", "filterFieldsByName", "sortBy", "limit", "reduce"}
)
REDUCERS: Final = frozenset(
    {"lastNotNull", "last", "firstNotNull", "min", "max", "mean", "sum", "count", "range", "diff"}
)
MATCHERS: Final = frozenset({"byName", "byRegexp", "byFrameRefID", "byType"})
PROPERTIES: Final = frozenset(
    {"unit", "decimals", "min", "max", "color", "displayName", "thresholds", "mappings", "links", "noValue"}
)
UNITS: Final = frozenset(
    {
        *("none", "string", "short", "locale", "percent", "percentunit", "bytes", "decbytes", "Bps", "binBps"),
        *(
            "ns",
            "µs",
            "ms",
            "s",
            "m",
            "h",
            "d",
            "dtdurations",
            "reqps",
            "ops",
            "cps",
            "rps",
            "wps",
            "eps",
            "opm",
            "cpm",
        ),
        *("hertz", "currencyUSD", "currencyEUR", "bool_yes_no", "dateTimeAsIso", "dateTimeFromNow"),
    }
)
_FORMAT = re.compile(r"\$\{\w+(?:\.[^:^}]+)?:([^}]+)\}")


def beyond(model: Mapping[str, Any]) -> list[str]:
    """Every feature of a dashboard that the board does not have, each with the panel and the key; empty for none."""
    return [
        *_of_dashboard(model),
        *_of_variables(model),
        *(each for panel in laid_out(model) for each in _panel(panel)),
    ]


def _of_dashboard(model: Mapping[str, Any]) -> Iterator[str]:
    for each in (model.get("annotations") or {}).get("list") or []:
        if not each.get("builtIn"):
            yield f"annotations: {each.get('name')}: only the built-in one is known"
    ids = [panel.get("id") for panel in laid_out(model)]
    if twice := sorted({str(each) for each in ids if ids.count(each) > 1}):
        yield f"panels: id {', '.join(twice)} is there twice or missing"


def _of_variables(model: Mapping[str, Any]) -> Iterator[str]:
    for each in (model.get("templating") or {}).get("list") or []:
        where, kind = f"variable {each.get('name')}", each.get("type")
        if kind not in VARIABLES:
            yield f"{where}: type: {kind}; there are {_listed(VARIABLES)}"
        query = each.get("query")
        text = str(query.get("query") or "" if isinstance(query, Mapping) else query or "")
        if kind == "query" and not re.match(r"(label_values|label_names|query_result)\(", text.strip()):
            yield f"{where}: query: {text!r}; expected label_values(…), label_names() or query_result(…)"


def _panel(panel: Mapping[str, Any]) -> Iterator[str]:
    where, kind = f"panel {panel.get('title') or panel.get('id')!r}", panel.get("type")
    if kind not in PANELS:
        yield f"{where}: type: {kind}; there are {_listed(PANELS)}"
    for key in ("repeat", "timeShift", "libraryPanel"):
        if panel.get(key):
            yield f"{where}: {key}: it is not known"
    options = panel.get("options") or {}
    if kind == "text" and options.get("mode", "markdown") != "markdown":
        yield f"{where}: options.mode: {options['mode']}; expected markdown"
    if kind == "heatmap" and options.get("calculate"):
        yield f"{where}: options.calculate: expected buckets of a histogram, format heatmap"
    calcs = [*(options.get("reduceOptions") or {}).get("calcs", ()), *(options.get("legend") or {}).get("calcs", ())]
    yield from _unknown(f"{where}: calcs", calcs, REDUCERS)
    transformations = panel.get("transformations") or []
    yield from _unknown(f"{where}: transformations", [each.get("id") for each in transformations], TRANSFORMATIONS)
    yield from _fields(where, panel.get("fieldConfig") or {})
    for target in panel.get("targets") or []:
        yield from _target(f"{where}: query {target.get('refId')}", target, panel)


def _fields(where: str, config: Mapping[str, Any]) -> Iterator[str]:
    units = [(config.get("defaults") or {}).get("unit")]
    for override in config.get("overrides") or []:
        yield from _unknown(f"{where}: override", [(override.get("matcher") or {}).get("id")], MATCHERS)
        properties = override.get("properties") or []
        units += [each.get("value") for each in properties if each.get("id") == "unit"]
        named = [str(each.get("id")) for each in properties if not str(each.get("id")).startswith("custom.")]
        yield from _unknown(f"{where}: override", named, PROPERTIES)
    written = [each for each in units if each and not str(each).startswith(("suffix:", "prefix:"))]
    yield from _unknown(f"{where}: unit", written, UNITS)


def _target(where: str, target: Mapping[str, Any], panel: Mapping[str, Any]) -> Iterator[str]:
    named = target.get("datasource") or panel.get("datasource") or {}
    kind = named.get("type") if isinstance(named, Mapping) else None
    if kind is not None and kind not in SOURCES:
        yield f"{where}: datasource.type: {kind}; there are {_listed(SOURCES)}"
    text = str(target.get("expr") or target.get("query") or "")
    if kind == "tempo" and target.get("queryType") not in (None, "traceql", "traceId"):
        yield f"{where}: queryType: {target.get('queryType')}; expected traceql"
    yield from _unknown(f"{where}: format", _FORMAT.findall(text), {*FORMATS, "queryparam"})
    unknown = {each for each in re.findall(r"\$\{?(__\w+)", text) if each not in GLOBALS}
    yield from _unknown(f"{where}: variable", sorted(unknown), GLOBALS)
    try:
        milliseconds(str(target.get("interval") or panel.get("interval") or "15s"))
    except ValueError as error:
        yield f"{where}: interval: {error}"


def _unknown(where: str, found: Sequence[object], known: frozenset[str] | set[str]) -> Iterator[str]:
    for each in found:
        if each not in known:
            yield f"{where}: {each}; there are {_listed(known)}"


def _listed(known: frozenset[str] | set[str]) -> str:
    return ", ".join(sorted(known))
