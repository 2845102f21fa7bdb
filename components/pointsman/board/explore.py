"""/explore as a dashboard of its own: an address that Grafana's Explore would take becomes panels."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from pointsman.board.provisioning import DataSource, Provisioned

MOST_QUERIES = 10
TRACE_DIGITS = 32
_SPAN_UNITS = [
    {"matcher": {"id": "byName", "options": name}, "properties": [{"id": "unit", "value": unit}]}
    for name, unit in (("startTime", "dateTimeAsIso"), ("duration", "ms"))
]


def explored(provisioned: Provisioned, panes: str, left: str = "") -> tuple[dict[str, Any], Mapping[str, Any]]:
    """A dashboard and its range for `panes` (or `left`, its older form). ValueError when it can't be read."""
    try:
        found = json.loads(panes or left or "{}")
    except (ValueError, RecursionError):
        raise ValueError("panes is no JSON") from None
    if not isinstance(found, dict):
        raise ValueError("panes: expected an object")
    sides = [found] if not panes else list(found.values())
    panels: list[dict[str, Any]] = []
    span: Mapping[str, Any] = {}
    for side in sides:
        if not isinstance(side, dict) or not all(isinstance(each, dict) for each in side.get("queries") or []):
            raise ValueError("panes: expected a pane with queries")
        span = side.get("range") or span
        for query in (side.get("queries") or [])[:MOST_QUERIES]:
            panels.append(_panel(provisioned, side, query, len(panels)))
    return {"title": "Explore", "uid": "explore", "panels": panels}, span if isinstance(span, dict) else {}


def _panel(provisioned: Provisioned, side: Mapping[str, Any], query: Mapping[str, Any], place: int) -> dict[str, Any]:
    named = query.get("datasource") or side.get("datasource")
    source = provisioned.source(named.get("uid") if isinstance(named, Mapping) else named)
    if source is None:
        raise ValueError(f"panes: there is no data source {named}")
    text = str(query.get("expr") or query.get("query") or "")
    lines = source.kind == "loki" and text.lstrip().startswith("{")
    kind = "logs" if lines else "table" if source.kind == "tempo" else "timeseries"
    target = {**query, "refId": str(query.get("refId") or "A"), "datasource": {"uid": source.uid, "type": source.kind}}
    trace = text.strip() if source.kind == "tempo" and re.fullmatch(r"[0-9a-fA-F]{16,32}", text.strip()) else ""
    return {
        "id": place + 1,
        "type": kind,
        "title": text or source.name,
        "gridPos": {"x": 0, "y": place * 18, "w": 24, "h": 18},
        "targets": [target],
        "fieldConfig": {"defaults": {}, "overrides": _SPAN_UNITS if trace else []},
        "options": {},
        "links": list(_from_trace(source, trace, side.get("range") or {})) if trace else [],
    }


def _from_trace(source: DataSource, trace: str, span: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """From a trace to its logs, where the data source is linked to a store of them.

    Tempo's search leaves out the zeros that an id begins with, which a log line has.
    """
    logs = source.settings.get("tracesToLogsV2") or {}
    if uid := logs.get("datasourceUid"):
        tags = logs.get("tags") or [{"key": "service.name"}]
        label = str(tags[0].get("value") or tags[0].get("key")).replace(".", "_")
        query = {
            "refId": "A",
            "expr": f'{{{label}=~".+"}} | trace_id="{trace:0>{TRACE_DIGITS}}"',
            "datasource": {"uid": uid},
        }
        pane = {"datasource": uid, "queries": [query], "range": dict(span)}
        yield {"title": "logs of this trace", "url": f"/explore?schemaVersion=1&panes={quote(json.dumps({'a': pane}))}"}
