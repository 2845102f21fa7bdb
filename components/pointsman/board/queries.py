"""POST /api/ds/query: the queries of a panel, each asked of its store, all answered at once."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any, Final

import httpx

from pointsman.board import stores
from pointsman.board.provisioning import DataSource, Provisioned
from pointsman.board.stores import Query
from pointsman.board.timerange import TimeRange, interval, milliseconds, time_range
from pointsman.board.upstream import UpstreamError
from pointsman.board.variables import globals_of, substitute

ASKED: Final = {"prometheus": stores.prometheus, "loki": stores.loki, "tempo": stores.tempo}
QUERIES: Final = 30
POINTS, MOST_POINTS = 1000, 4000
SCRAPE: Final = "15s"
"""Grafana's own guess where a data source tells no timeInterval."""
AT_ONCE: Final = 4


class BadRequestError(Exception):
    """What was posted is no request; its text is for people."""


def answer(client: httpx.Client, provisioned: Provisioned, body: object, now: datetime) -> tuple[int, dict[str, Any]]:
    """Status and document for a posted body. As in Grafana the status is 400 as soon as one query fails."""
    queries = body.get("queries") if isinstance(body, Mapping) else None
    if not isinstance(body, Mapping) or not isinstance(queries, list) or not queries:
        raise BadRequestError("no queries found")
    if len(queries) > QUERIES or not all(isinstance(each, Mapping) for each in queries):
        raise BadRequestError(f"expected at most {QUERIES} queries, each an object")
    try:
        over = time_range(body.get("from", "now-1h"), body.get("to", "now"), now)
    except ValueError as error:
        raise BadRequestError(str(error)) from None
    asked = {str(each.get("refId", "A")): each for each in queries if not each.get("hide")}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(partial(_one, client, provisioned, over), asked.items())
        results = dict(zip(asked, found, strict=True))
    failed = any("error" in each for each in results.values())
    return 400 if failed else 200, {"results": results}


def _one(
    client: httpx.Client, provisioned: Provisioned, over: TimeRange, item: tuple[str, Mapping[str, Any]]
) -> dict[str, Any]:
    ref, asked = item
    named = asked.get("datasource")
    uid = named.get("uid") if isinstance(named, Mapping) else named
    source = provisioned.source(uid)
    if source is None:
        return {"error": f"data source {uid} was not found", "errorSource": "plugin", "status": 404, "frames": []}
    try:
        if source.kind not in ASKED:
            raise ValueError(f"a data source of type {source.kind} can't be queried; there are {', '.join(ASKED)}")
        query = prepared(ref, asked, source, over)
        frames = ASKED[source.kind](client, source, query) if query.text.strip() else []
        return {"status": 200, "frames": [frame.document(ref) for frame in frames]}
    except UpstreamError as error:
        return {"error": str(error), "errorSource": "downstream", "status": 400, "frames": []}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return {"error": str(error) or type(error).__name__, "errorSource": "plugin", "status": 400, "frames": []}


def prepared(ref: str, asked: Mapping[str, Any], source: DataSource, over: TimeRange) -> Query:
    """A posted query with its step worked out and the globals filled in; ValueError for a bad interval or format."""
    scrape = milliseconds(str(asked.get("interval") or source.settings.get("timeInterval") or SCRAPE))
    points = min(int(asked.get("maxDataPoints") or POINTS), MOST_POINTS)
    step = interval(over, points, scrape) * min(max(int(asked.get("intervalFactor") or 1), 1), 100)
    if source.kind == "loki":
        step = milliseconds(str(asked["step"])) if asked.get("step") else max(step, 1000)
    text = str(asked.get("query" if source.kind == "tempo" else "expr") or "")
    kind = asked.get("queryType")
    limit = asked.get("maxLines" if source.kind == "loki" else "limit")
    instant = bool(asked.get("instant")) or kind == "instant"
    return Query(
        ref=ref,
        text=substitute(text, globals_of(over, step, scrape)),
        over=over,
        step=step,
        instant=instant,
        # As in Grafana: a query that says neither is a range, one that says both is both.
        ranged=bool(asked.get("range", not instant)),
        exemplars=bool(asked.get("exemplar")),
        legend=str(asked.get("legendFormat") or ""),
        limit=int(limit) if limit else None,
    )
