"""Refuses a dashboard that would show nothing, say nothing, or look other on the board than in Grafana."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pointsman.errors import UsageError
from pointsman.signals import promql
from pointsman.signals.dashboards import subset
from pointsman.signals.dashboards.queries import filled, text, variables_in
from pointsman.signals.known import KNOWN, STREAMS

WORDS_LEAST = 5
_UID = re.compile(r"[a-z][a-z0-9-]{1,39}")
_VARIABLE = re.compile(subset.VARIABLE)
_STREAM = re.compile(r"\{([^}]*)\}")
_MATCHER = re.compile(r"([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)")


def check(file: str, dashboard: Mapping[str, Any]) -> None:
    """Raises UsageError with every fault of a dashboard; `file` is where it was read."""
    if found := faults(dashboard):
        raise UsageError(
            f"{file}: {len(found)} {'fault' if len(found) == 1 else 'faults'} in a dashboard; nothing was applied",
            detail="\n".join(found),
            remedy="mend the panels that are named",
        )


def faults(dashboard: Mapping[str, Any], known: Mapping[str, Collection[str]] = KNOWN) -> list[str]:
    """What is wrong with a dashboard, each with its uid and panel. `known` are the series that somebody sends."""
    uid = str(dashboard.get("uid") or "")
    found = list(_of_dashboard(dashboard, known))
    for panel in dashboard.get("panels") or ():
        titled = f'panel "{panel.get("title") or panel.get("id") or "?"}"'
        found += [f"{titled}: {fault}" for fault in _of_panel(panel, dashboard, known)]
    return [f"{uid or '(no uid)'}: {fault}" for fault in found]


def _of_dashboard(dashboard: Mapping[str, Any], known: Mapping[str, Collection[str]]) -> Iterator[str]:
    if not _UID.fullmatch(str(dashboard.get("uid") or "")):
        yield "uid: expected small letters, digits and dashes; links hold it"
    yield from _beyond("", dashboard, subset.DASHBOARD_KEYS)
    for key in ("title", "description"):
        if not dashboard.get(key):
            yield f"{key} is missing"
    panels = dashboard.get("panels") or []
    if not panels:
        yield "it has no panels"
    for key in ("id", "title"):
        values = [panel.get(key) for panel in panels]
        yield from (f"two panels have the {key} {each}" for each in {each for each in values if values.count(each) > 1})
    for variable in _variables(dashboard):
        yield from (f"variable {variable.get('name')}: {fault}" for fault in _of_variable(variable, known))


def _of_variable(variable: Mapping[str, Any], known: Mapping[str, Collection[str]]) -> Iterator[str]:
    query = _VARIABLE.fullmatch(str(variable.get("query")))
    if variable.get("type") != "query" or not query:
        yield "expected type query with label_values(metric, label)"
        return
    if (variable.get("datasource") or {}).get("uid") != "prometheus":
        yield "expected the data source prometheus"
    metric, label = query.groups()
    if metric not in known:
        yield f"the metric {metric} is unknown"
    elif label not in known[metric]:
        yield f"the metric {metric} has no label {label}"


def _of_panel(
    panel: Mapping[str, Any], dashboard: Mapping[str, Any], known: Mapping[str, Collection[str]]
) -> Iterator[str]:
    kind = str(panel.get("type"))
    if kind not in subset.PANELS:
        yield f"type {kind}: the board draws only {', '.join(subset.PANELS)}"
        return
    yield from _beyond("", panel, subset.PANEL_KEYS)
    yield from _beyond("options.", panel.get("options") or {}, subset.OPTIONS[kind])
    yield from _of_words(panel)
    yield from _of_field(kind, panel.get("fieldConfig") or {})
    targets = panel.get("targets") or []
    if not targets:
        yield "it has no query"
    for target in targets:
        yield from (f"query {target.get('refId')}: {fault}" for fault in _of_target(kind, target, dashboard, known))


def _of_words(panel: Mapping[str, Any]) -> Iterator[str]:
    if not panel.get("title"):
        yield "title is missing"
    words = str(panel.get("description") or "")
    if len(words.split()) < WORDS_LEAST or "Good:" not in words:
        yield 'description: expected what is shown, and after "Good:" what good looks like'
    links = panel.get("links") or []
    if not any(str(each.get("url", "")).startswith(("https://", "http://", "/explore?", "/d/")) for each in links):
        yield "link is missing: expected one to a runbook or to logs"


def _of_field(kind: str, field: Mapping[str, Any]) -> Iterator[str]:
    defaults = field.get("defaults") or {}
    if field.get("overrides"):
        yield "fieldConfig.overrides: the board draws none"
    yield from _beyond("fieldConfig.defaults.", defaults, subset.FIELD_KEYS)
    custom = defaults.get("custom") or {}
    yield from _beyond("fieldConfig.defaults.custom.", custom, subset.CUSTOM.get(kind, frozenset()))
    if custom.get("drawStyle", "line") not in subset.STYLES:
        yield f"drawStyle {custom['drawStyle']}: expected one of {', '.join(sorted(subset.STYLES))}"
    unit = str(defaults.get("unit") or "")
    if unit not in subset.UNITS and not (unit.startswith(subset.SUFFIX) and len(unit) > len(subset.SUFFIX)):
        expected = f"expected one of {', '.join(sorted(subset.UNITS))} or {subset.SUFFIX}…"
        yield f"unit {unit}: {expected}" if unit else f"unit is missing: {expected}"
    yield from _of_thresholds(defaults.get("thresholds") or {})


def _of_thresholds(thresholds: Mapping[str, Any]) -> Iterator[str]:
    steps = thresholds.get("steps") or []
    if thresholds.get("mode") != "absolute" or not steps or steps[0].get("value") is not None:
        yield "thresholds: expected absolute ones, the first without a value"
        return
    values = [step.get("value") for step in steps[1:]]
    if None in values or values != sorted(set(values)):
        yield f"thresholds {values}: expected values that rise"


def _of_target(
    kind: str, target: Mapping[str, Any], dashboard: Mapping[str, Any], known: Mapping[str, Collection[str]]
) -> Iterator[str]:
    uid = str((target.get("datasource") or {}).get("uid"))
    if uid not in subset.SOURCES:
        yield f"the data source {uid} is unknown; there are {', '.join(subset.SOURCES)}"
        return
    source = subset.SOURCES[uid]
    if source != subset.PANELS[kind]:
        yield f"a {kind} asks {subset.PANELS[kind]}, not {source}"
    yield from _beyond("", target, subset.TARGETS[source])
    expr = text(target)
    named = variables_in(expr)
    values = {**subset.MACROS, **{str(each.get("name")): subset.EVERYTHING for each in _variables(dashboard)}}
    if missing := sorted(named - values.keys()):
        yield f"the variable ${missing[0]} is not defined"
    elif not expr.strip():
        yield "it is empty"
    elif source == "prometheus":
        yield from _of_promql(filled(expr, values), known)
    elif source == "loki":
        yield from _of_logql(filled(expr, values))


def _of_promql(expr: str, known: Mapping[str, Collection[str]]) -> Iterator[str]:
    if not promql.selected(expr):
        yield "it names no metric"
    yield from promql.strangers(expr, known)


def _of_logql(expr: str) -> Iterator[str]:
    stream = _STREAM.search(expr)
    if not stream:
        yield "it selects no stream"
        return
    unknown = sorted(set(_MATCHER.findall(stream[1])) - STREAMS)
    yield from (f"no stream has the label {label}" for label in unknown)


def _variables(dashboard: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list((dashboard.get("templating") or {}).get("list") or ())


def _beyond(at: str, found: Mapping[str, Any], allowed: Collection[str]) -> Iterator[str]:
    yield from (f"{at}{key}: the board does not draw it" for key in sorted(set(found) - set(allowed)))
