"""The links between data sources, followed as Grafana follows them: what is configured, filled in, and asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pointsman.spec.scalars import duration_seconds
from tests.deployed.estate import Estate

Row = dict[str, Any]
Link = Mapping[str, Any]
Query = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A query that a link leads to: the data source, the query, and the time, in milliseconds or in words."""

    uid: str
    query: Query
    begin: str = "now-1h"
    end: str = "now"


@dataclass(frozen=True)
class Sources:
    """The data sources of an environment, at Grafana's address."""

    estate: Estate

    def links(self, uid: str) -> dict[str, Any]:
        """What a data source says of its links to others."""
        found: list[Row] = self.estate.get("grafana", "/api/datasources").json()
        settings: dict[str, Any] = next(each["jsonData"] for each in found if each["uid"] == uid)
        return settings

    def frames(self, asked: Asked) -> list[Row]:
        """The data frames that a data source answers, each as its rows."""
        query = {"refId": "A", "datasource": {"uid": asked.uid}, **asked.query}
        body = {"from": asked.begin, "to": asked.end, "queries": [query]}
        answer = self.estate.http.post(f"{self.estate.url('grafana')}/api/ds/query", json=body)
        assert answer.is_success, answer.text
        frames: list[Row] = answer.json()["results"]["A"]["frames"]
        return frames

    def rows(self, asked: Asked) -> list[Row]:
        """All rows of all frames, by the names of their fields."""
        return [row for frame in self.frames(asked) for row in rows(frame)]

    def spans(self, trace: str, uid: str = "tempo") -> dict[str, Row]:
        """The spans of a trace by their name; those of a data source that another one's link named."""
        return {row["operationName"]: row for row in self.rows(Asked(uid, {"queryType": "traceql", "query": trace}))}


def rows(frame: Mapping[str, Any]) -> list[Row]:
    """A frame's rows, by the names of their fields."""
    names = [field["name"] for field in frame["schema"]["fields"]]
    return [dict(zip(names, row, strict=True)) for row in zip(*frame["data"]["values"], strict=True)]


def logs_of(link: Link, span: Row) -> Asked:
    """Where `tracesToLogsV2` leads from a span, by the query that Grafana 12 writes for Loki."""
    assert not link.get("customQuery")
    expr = f"{{{_tags(link, span)}}}"
    if link.get("filterByTraceID"):
        trace = span["traceID"]
        expr += (
            f' | label_format in_line=`{{{{ contains "{trace}" __line__ }}}}` | in_line="true" or trace_id="{trace}"'
        )
    return Asked(link["datasourceUid"], {"expr": expr, "queryType": "range"}, *_around(link, span))


def metrics_of(link: Link, span: Row) -> list[Asked]:
    """Where each query of `tracesToMetrics` leads from a span."""
    filled = [each["query"].replace("$__tags", _tags(link, span)) for each in link["queries"]]
    return [Asked(link["datasourceUid"], {"expr": expr, "range": True}, *_around(link, span)) for expr in filled]


def trace_of(field: Link, line: Row) -> Asked | None:
    """Where one of `derivedFields` leads from a log line; None where it does not apply to it."""
    if field.get("matcherType") == "label":
        named = (value for name, value in line["labels"].items() if re.search(field["matcherRegex"], name))
        value = next(named, None)
    else:
        found = re.search(field["matcherRegex"], line["Line"])
        value = found[1] if found else None
    if value is None:
        return None
    return Asked(field["datasourceUid"], {"query": field["url"].replace("${__value.raw}", value)})


def _tags(link: Link, span: Row) -> str:
    """The span's attributes as labels, those of its resource too; what it has not is left out."""
    has = {each["key"]: each["value"] for each in span["tags"]} | {"service.name": span["serviceName"]}
    return ", ".join(
        f'{tag.get("value") or tag["key"]}="{has[tag["key"]]}"' for tag in link["tags"] if tag["key"] in has
    )


def _around(link: Link, span: Row) -> tuple[str, str]:
    """The span's time with the link's shifts; without them it is no more than the span took, at least 1 ms."""
    begin = int(span["startTime"] + _shift(link, "spanStartTimeShift"))
    end = int(span["startTime"] + span["duration"] + _shift(link, "spanEndTimeShift"))
    return str(begin), str(max(end, begin + 1))


def _shift(link: Link, key: str) -> float:
    text = str(link.get(key, "0s"))
    return 1000 * duration_seconds(text.removeprefix("-")) * (-1 if text.startswith("-") else 1)
