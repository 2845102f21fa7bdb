"""The pages: the list of dashboards, and one dashboard, whose panels the script draws."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, Final
from urllib.parse import urlencode

import httpx
from markdown_it import MarkdownIt

from pointsman.board import ABOUT
from pointsman.board.explore import explored
from pointsman.board.layout import filled_in, laid_out
from pointsman.board.options import Variable, variables
from pointsman.board.provisioning import Board, Provisioned
from pointsman.board.timerange import TimeRange, milliseconds, time_range
from pointsman.board.variables import Value, Values, as_query, globals_of, in_text, substitute

RANGES: Final = {
    "now-5m": "last 5 minutes",
    "now-15m": "last 15 minutes",
    "now-30m": "last 30 minutes",
    "now-1h": "last hour",
    "now-3h": "last 3 hours",
    "now-6h": "last 6 hours",
    "now-12h": "last 12 hours",
    "now-24h": "last 24 hours",
    "now-2d": "last 2 days",
    "now-7d": "last 7 days",
    "now-30d": "last 30 days",
    "now-90d": "last 90 days",
}
_DRAWN: Final = ("id", "type", "targets", "datasource", "fieldConfig", "options", "transformations", "interval")
_BESIDE: Final = ("maxDataPoints", "timeFrom", "gridPos")
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table")
Asked = Mapping[str, Sequence[str]]


def index(provisioned: Provisioned) -> str:
    """All dashboards by folder."""
    parts = []
    for folder in provisioned.folders:
        boards = sorted((each for each in provisioned.boards if each.folder == folder), key=lambda each: each.title)
        listed = "".join(
            f'<li><a href="{escape(each.url)}">{escape(each.title)}</a>'
            f"<p>{escape(str(each.model.get('description') or ''))}</p></li>"
            for each in boards
        )
        parts.append(f'<h2>{escape(folder)}</h2><ul class="boards">{listed or "<li>none</li>"}</ul>')
    return _page("Dashboards", f'<main class="index">{"".join(parts)}</main>')


def dashboard(client: httpx.Client, provisioned: Provisioned, board: Board, asked: Asked, now: datetime) -> str:
    """The page of one dashboard with the variables and the range of the address."""
    return _drawn(client, provisioned, board.model, board.folder, asked, now)


def explore(client: httpx.Client, provisioned: Provisioned, asked: Asked, now: datetime) -> str:
    """The page of the queries that a link names. ValueError when they can't be read."""
    model, span = explored(provisioned, _first(asked, "panes"), _first(asked, "left"))
    between = {key: [str(span[key])] for key in ("from", "to") if key in span}
    return _drawn(client, provisioned, model, "", {**between, **asked}, now)


def _drawn(
    client: httpx.Client, provisioned: Provisioned, model: Mapping[str, Any], folder: str, asked: Asked, now: datetime
) -> str:
    usual = model.get("time") or {}
    span = {key: _first(asked, key) or str(usual.get(key) or word) for key, word in (("from", "now-6h"), ("to", "now"))}
    over = time_range(span["from"], span["to"], now)
    wanted = {name[4:]: values for name, values in asked.items() if name.startswith("var-")}
    found = variables(client, provisioned, model, wanted, over)
    values = {each.name: each.value for each in found} | _globals(found, span, over)
    panels = [_filled(panel, values) for panel in laid_out(model)]
    refresh = _first(asked, "refresh") or str(model.get("refresh") or "")
    data = {
        "uid": model.get("uid"),
        "range": span,
        "refresh": _refresh(refresh),
        "panels": [{key: panel[key] for key in (*_DRAWN, *_BESIDE) if key in panel} for panel in panels],
    }
    title = substitute(str(model["title"]), values, in_text)
    head = _controls(found, span, over, refresh) + _links(filled_in(model.get("links") or [], values))
    body = "".join(_panel(panel) for panel in panels)
    # "</" would end the element, whatever it stands in.
    embedded = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    scripts = (
        f'<script id="model" type="application/json">{embedded}</script>'
        '<script src="/static/plotly.min.js"></script><script src="/static/board.js"></script>'
    )
    return _page(title, f'{head}<main class="grid">{body}</main>{scripts}', folder)


def _filled(panel: Mapping[str, Any], values: Values) -> dict[str, Any]:
    filled: dict[str, Any] = filled_in(dict(panel), values)
    return filled | {"targets": filled.get("targets") or [], "fieldConfig": filled.get("fieldConfig") or {}}


def _globals(found: Sequence[Variable], span: Mapping[str, str], over: TimeRange) -> dict[str, Value]:
    """What texts and links know beside a query's own; the step belongs to the query, which knows it better."""
    every = globals_of(over, 1000, 1000)
    of_range = {name: every[name] for name in ("__from", "__to")}
    shown = "&".join(as_query(each.name, each.value) for each in found)
    return of_range | {
        "__url_time_range": Value((urlencode(span),), raw=urlencode(span)),
        "__all_variables": Value((shown,), raw=shown),
    }


def _refresh(word: str) -> int:
    try:
        return milliseconds(word) if word else 0
    except ValueError:
        return 0


def _controls(found: Sequence[Variable], span: Mapping[str, str], over: TimeRange, refresh: str) -> str:
    chosen = "".join(_control(each) for each in found if not each.hidden)
    ranges = dict(RANGES) if span["to"] == "now" else {}
    ranges.setdefault(span["from"], f"{span['from']} to {span['to']}")
    options = "".join(_option(text, word, word == span["from"]) for word, text in ranges.items())
    until = f'<input type="hidden" name="to" value="{escape(span["to"])}">'
    again = "".join(
        _option(word or "no refresh", word, word == refresh)
        for word in dict.fromkeys(("", "10s", "30s", "1m", "5m", refresh))
    )
    return (
        f'<form class="controls">{chosen}<label>time (UTC)<select name="from">{options}</select></label>{until}'
        f'<label>refresh<select name="refresh">{again}</select></label>'
        '<button type="submit">show</button><button type="button" class="again">again</button></form>'
    )


def _control(variable: Variable) -> str:
    name = escape(f"var-{variable.name}")
    trouble = f'<em title="{escape(variable.trouble)}">!</em>' if variable.trouble else ""
    if variable.kind == "textbox":
        text = escape("".join(variable.value.values))
        return f'<label>{escape(variable.label)}<input name="{name}" value="{text}">{trouble}</label>'
    gone = [(each, each) for each in sorted(variable.chosen - {value for _, value in variable.options})]
    options = "".join(_option(text, value, value in variable.chosen) for text, value in (*variable.options, *gone))
    many = " multiple size=1" if variable.multi else ""
    return f'<label>{escape(variable.label)}<select name="{name}"{many}>{options}</select>{trouble}</label>'


def _option(text: str, value: str, chosen: bool) -> str:
    return f'<option value="{escape(value)}"{" selected" if chosen else ""}>{escape(text)}</option>'


def _panel(panel: Mapping[str, Any]) -> str:
    kind, title = panel.get("type"), escape(str(panel.get("title") or ""))
    grid = panel["gridPos"]
    place = f"grid-column:{grid['x'] + 1}/span {grid['w']};grid-row:{grid['y'] + 1}/span {grid['h']}"
    if kind == "row":
        return f'<h2 class="row" style="{place}">{title}</h2>'
    text = str(panel.get("description") or "")
    about = f'<button class="about" type="button" title="{escape(text)}">i</button>' if text else ""
    inside = ""
    if kind == "text":
        inside = f'<div class="text">{_MARKDOWN.render(str((panel.get("options") or {}).get("content") or ""))}</div>'
    return (
        f'<section class="panel {escape(str(kind))}" id="panel-{escape(str(panel.get("id")))}" style="{place}">'
        f'<header><h3>{title}</h3>{about}<em class="trouble"></em>{_links(panel.get("links") or [])}</header>'
        f'<div class="body">{inside}</div></section>'
    )


def _links(links: Sequence[Mapping[str, Any]]) -> str:
    found = "".join(
        f'<a href="{escape(str(each["url"]))}">{escape(str(each.get("title") or each["url"]))}</a>'
        for each in links
        if re.match(r"https?://|/(?!/)", str(each.get("url") or ""))
    )
    return f'<nav class="links">{found}</nav>' if found else ""


def _page(title: str, body: str, folder: str = "") -> str:
    way = f"<span>{escape(folder)}</span>" if folder else ""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/static/board.css">'
        f"<title>{escape(title)} · {ABOUT}</title></head><body>"
        f'<header class="top"><a href="/">Dashboards</a>{way}<h1>{escape(title)}</h1>'
        f'<strong class="what" title="A read-only server of Pointsman, where Grafana\'s image cannot be had">{ABOUT}'
        f"</strong></header>{body}</body></html>"
    )


def _first(asked: Asked, name: str) -> str:
    return next(iter(asked.get(name, ())), "")
