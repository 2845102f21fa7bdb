"""The GET half of the interface, in the shapes that Grafana publishes for its HTTP API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import httpx

from pointsman.board import ABOUT, VERSION
from pointsman.board.provisioning import GENERAL, Board, DataSource, Provisioned, folder_uid, slug
from pointsman.board.timerange import interval, time_range
from pointsman.board.upstream import UpstreamError, ask, ask_text

Answer = tuple[int, Any]
Query = Mapping[str, Sequence[str]]
NOT_FOUND: Final[Answer] = (
    404,
    {"message": "Not found", "messageId": "api.notFound", "statusCode": 404, "traceID": ""},
)
MOST: Final = 5000
# Where each store says that it is well, and what Grafana's plugin of it says then.
_HEALTH: Final = {
    "prometheus": ("/api/v1/query?query=1%2B1", "Successfully queried the Prometheus API."),
    "loki": ("/loki/api/v1/labels", "Data source successfully connected."),
    "tempo": ("/api/echo", "Data source is working"),
    "alertmanager": ("/api/v2/status", "Health check passed."),
}
_TYPES: Final = {"prometheus": "Prometheus", "loki": "Loki", "tempo": "Tempo", "alertmanager": "Alertmanager"}
_SORT: Final = "alpha-desc"


def health() -> Answer:
    """That it works, and what it is."""
    return 200, {"commit": "", "database": "ok", "version": VERSION, "about": ABOUT}


def search(provisioned: Provisioned, query: Query) -> Answer:
    """Folders and dashboards that `query`, `type`, `tag`, `dashboardUIDs`, `folderUIDs`, `limit` and `page` leave."""
    words = _first(query, "query").lower()
    found = [_found_folder(number, title) for number, title in enumerate(_named_folders(provisioned), 1)]
    found += [_found_board(each) for each in provisioned.boards]
    if kind := _first(query, "type"):
        found = [each for each in found if each["type"] == kind]
    if uids := query.get("dashboardUIDs") or query.get("dashboardUID"):
        found = [each for each in found if each["uid"] in uids]
    if folders := query.get("folderUIDs"):
        found = [each for each in found if each.get("folderUid", "") in folders]
    found = [
        each for each in found if words in each["title"].lower() and set(query.get("tag", ())) <= set(each["tags"])
    ]
    found.sort(key=lambda each: (each["type"] != "dash-folder", each["title"].lower()), reverse=False)
    if _first(query, "sort") == _SORT:
        found.reverse()
    limit, page = min(_number(query, "limit", 1000), MOST), max(_number(query, "page", 1), 1)
    return 200, found[(page - 1) * limit : page * limit]


def dashboard(provisioned: Provisioned, uid: str) -> Answer:
    """A dashboard's JSON, and what is known of it."""
    board = provisioned.board(uid)
    if board is None:
        return 404, {"message": "Dashboard not found"}
    model = {**board.model, "id": board.number, "uid": board.uid, "version": board.model.get("version") or 1}
    folder = "" if board.folder == GENERAL else folder_uid(board.folder)
    meta = {
        **{"type": "db", "slug": board.slug, "url": board.url, "version": model["version"]},
        **dict.fromkeys(("canSave", "canEdit", "canAdmin", "canStar", "canDelete", "hasAcl", "isFolder"), False),
        **{"expires": _NEVER, "created": _NEVER, "updated": _NEVER, "createdBy": "Anonymous", "updatedBy": "Anonymous"},
        **{"folderId": 0, "folderUid": folder, "folderTitle": board.folder},
        "folderUrl": f"/dashboards/f/{folder}/{slug(board.folder)}" if folder else "",
        **{"provisioned": True, "provisionedExternalId": board.source},
    }
    return 200, {"meta": meta, "dashboard": model}


def folders(provisioned: Provisioned) -> Answer:
    """All folders."""
    titles = _named_folders(provisioned)
    return 200, [{"id": n, "uid": folder_uid(title), "title": title} for n, title in enumerate(titles, 1)]


def datasources(provisioned: Provisioned) -> Answer:
    """All data sources, as the list shows them."""
    listed = [_source(each) for each in sorted(provisioned.sources, key=lambda each: each.name)]
    return 200, listed


def datasource(provisioned: Provisioned, uid: str) -> Answer:
    """One data source; no secret is ever in it, since none is provisioned."""
    source = next((each for each in provisioned.sources if each.uid == uid), None)
    if source is None:
        return 404, {"message": "Data source not found"}
    more = {"basicAuthUser": "", "withCredentials": False, "secureJsonFields": {}, "version": 1, "apiVersion": ""}
    return 200, _source(source, beside=False) | more


def source_health(client: httpx.Client, provisioned: Provisioned, uid: str) -> Answer:
    """Whether a store answers: 200 and OK, or 400 and ERROR with its reason."""
    source = next((each for each in provisioned.sources if each.uid == uid), None)
    if source is None:
        return 404, {"message": "Data source not found"}
    if source.kind not in _HEALTH:
        return 404, {"message": "Plugin not found", "messageId": "plugin.notFound", "statusCode": 404, "traceID": ""}
    path, good = _HEALTH[source.kind]
    try:
        ask_text(client, source.url + path.partition("?")[0], dict(httpx.QueryParams(path.partition("?")[2])))
    except UpstreamError as error:
        return 400, {"message": str(error), "status": "ERROR"}
    return 200, {"message": good, "status": "OK"}


def fired(client: httpx.Client, provisioned: Provisioned, query: Query, now: datetime) -> Answer:
    """When alerts fired in `from` … `to` (milliseconds; the last six hours without), the newest first, from ALERTS."""
    try:
        over = time_range(_first(query, "from") or "now-6h", _first(query, "to") or "now", now)
    except ValueError as error:
        return 400, {"message": str(error)}
    source = next((each for each in provisioned.sources if each.kind == "prometheus"), None)
    if source is None or _first(query, "type") == "annotation":
        return 200, []
    step = interval(over, 1000, 15_000)
    asked = {"query": 'ALERTS{alertstate="firing"}', "start": over.start / 1000, "end": over.end / 1000}
    try:
        told = ask(client, f"{source.url}/api/v1/query_range", asked | {"step": step / 1000})
        found = [each for series in told["data"]["result"] for each in _firings(series, step)]
    except (UpstreamError, KeyError, TypeError) as error:
        return 502, {"message": f"{source.uid}: {error}"}
    wanted = set(query.get("tags", ()))
    found = [each for each in found if wanted <= set(each["tags"])]
    found.sort(key=lambda each: -int(each["time"]))
    return 200, [each | {"id": number} for number, each in enumerate(found[: _number(query, "limit", 100)], 1)]


def _firings(series: Mapping[str, Any], step: int) -> list[dict[str, Any]]:
    """Each unbroken run of points is one annotation."""
    labels = {key: value for key, value in series["metric"].items() if key not in ("__name__", "alertstate")}
    runs: list[list[int]] = []
    for at, _ in series["values"]:
        when = round(float(at) * 1000)
        if runs and when - runs[-1][1] <= step * 3 // 2:
            runs[-1][1] = when
        else:
            runs.append([when, when])
    name = labels.get("alertname", "")
    shared = {
        **{"id": 0, "alertId": 0, "alertName": name, "dashboardId": 0, "dashboardUID": None, "panelId": 0, "userId": 0},
        **{"prevState": "Normal", "newState": "Alerting", "login": "", "email": "", "avatarUrl": ""},
        "text": f"{name} {{{', '.join(f'{k}={v}' for k, v in sorted(labels.items()) if k != 'alertname')}}}",
        "tags": [f"{key}:{value}" for key, value in sorted(labels.items())],
        "data": {"values": {}},
    }
    return [shared | {"time": start, "timeEnd": end, "created": start, "updated": end} for start, end in runs]


_NEVER = "0001-01-01T00:00:00Z"


def _named_folders(provisioned: Provisioned) -> list[str]:
    return [title for title in provisioned.folders if title != GENERAL]


def _found_folder(number: int, title: str) -> dict[str, Any]:
    uid = folder_uid(title)
    return _found(-number, uid, title, f"/dashboards/f/{uid}/{slug(title)}", "dash-folder", [])


def _found_board(board: Board) -> dict[str, Any]:
    found = _found(board.number, board.uid, board.title, board.url, "dash-db", list(board.model.get("tags") or []))
    if board.folder != GENERAL:
        uid = folder_uid(board.folder)
        url = f"/dashboards/f/{uid}/{slug(board.folder)}"
        found |= {"folderId": 0, "folderUid": uid, "folderTitle": board.folder, "folderUrl": url}
    return found


def _found(number: int, uid: str, title: str, url: str, kind: str, tags: list[str]) -> dict[str, Any]:
    return {
        **{"id": number, "uid": uid, "title": title, "uri": f"db/{slug(title)}", "url": url, "slug": "", "type": kind},
        **{"tags": tags, "isStarred": False, "isDeleted": False, "sortMeta": 0},
    }


def _source(source: DataSource, *, beside: bool = True) -> dict[str, Any]:
    named = {"typeName": _TYPES.get(source.kind, source.kind)} if beside else {}
    return {
        **{"id": source.number, "uid": source.uid, "orgId": 1, "name": source.name, "type": source.kind},
        **named,
        **{"typeLogoUrl": "", "access": "proxy", "url": source.url, "user": "", "database": "", "basicAuth": False},
        **{"isDefault": source.is_default, "jsonData": dict(source.settings), "readOnly": True},
    }


def _first(query: Query, name: str) -> str:
    return next(iter(query.get(name, ())), "")


def _number(query: Query, name: str, usual: int) -> int:
    text = _first(query, name)
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 10 else usual
