"""The read half of Grafana's HTTP API, in the shapes that its reference publishes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.unit.board.stores import Stores
from tests.unit.board.world import END, HOUR, document, site


def got(path: str, stores: Stores | None = None, /, **query: str | list[str]) -> tuple[int, Any]:
    """Status and document of a GET."""
    asked = {name: value if isinstance(value, list) else [value] for name, value in query.items()}
    reply = site(stores).get(path, asked)
    return reply.status, document(reply)


def test_health_says_what_it_is() -> None:
    """Grafana's three keys, a version that no Grafana has, and the words."""
    assert got("/api/health") == (
        200,
        {"commit": "", "database": "ok", "version": "board-1.0.0", "about": "Pointsman board – not Grafana"},
    )


def test_search_lists_folders_and_dashboards() -> None:
    """With every key of Grafana's folder and dashboard search."""
    status, found = got("/api/search")
    assert status == 200
    assert [(each["type"], each["title"]) for each in found] == [
        ("dash-folder", "CommandCenter"),
        ("dash-db", "Logs & Traces"),
        ("dash-db", "Workflow Overview"),
    ]
    keys = {"id", "uid", "title", "uri", "url", "slug", "type", "tags", "isStarred", "sortMeta"}
    assert all(keys <= set(each) for each in found)
    board = found[2]
    assert board["url"] == "/d/workflow-overview/workflow-overview"
    assert (board["folderUid"], board["folderTitle"]) == (found[0]["uid"], "CommandCenter")
    assert board["folderUrl"] == found[0]["url"]


@pytest.mark.parametrize(
    ("query", "uids"),
    [
        ({"type": "dash-db"}, ["logs-and-traces", "workflow-overview"]),
        ({"type": "dash-folder"}, ["commandcenter"]),
        ({"query": "overVIEW"}, ["workflow-overview"]),
        ({"tag": "traces"}, ["logs-and-traces"]),
        ({"tag": ["traces", "workflows"]}, []),
        ({"dashboardUIDs": ["workflow-overview"]}, ["workflow-overview"]),
        ({"folderUIDs": ["commandcenter"]}, ["logs-and-traces", "workflow-overview"]),
        ({"type": "dash-db", "limit": "1", "page": "2"}, ["workflow-overview"]),
        ({"type": "dash-db", "limit": "x"}, ["logs-and-traces", "workflow-overview"]),
        ({"query": "nothing"}, []),
    ],
)
def test_search_narrows(query: dict[str, Any], uids: list[str]) -> None:
    """By each parameter that Grafana documents and the board needs."""
    assert [each["uid"] for each in got("/api/search", **query)[1]] == uids


def test_a_dashboard_is_what_was_provisioned() -> None:
    """The JSON of the file with what Grafana adds, and meta that says nobody may change it."""
    status, found = got("/api/dashboards/uid/workflow-overview")
    assert (status, set(found)) == (200, {"meta", "dashboard"})
    assert found["dashboard"]["title"] == "Workflow Overview"
    assert found["dashboard"]["schemaVersion"] == 42
    assert found["dashboard"]["id"] == 2
    meta = found["meta"]
    assert meta["type"] == "db"
    assert meta["provisioned"] is True
    assert meta["provisionedExternalId"] == "workflow-overview.json"
    assert (meta["url"], meta["slug"]) == ("/d/workflow-overview/workflow-overview", "workflow-overview")
    assert not any(meta[key] for key in ("canSave", "canEdit", "canAdmin", "canStar", "canDelete"))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/api/dashboards/uid/gone", "Dashboard not found"),
        ("/api/datasources/uid/gone", "Data source not found"),
        ("/api/datasources/uid/gone/health", "Data source not found"),
        ("/api/nothing", "Not found"),
        ("/d/gone", "Dashboard not found"),
    ],
)
def test_what_is_not_there_is_said_as_grafana_says_it(path: str, message: str) -> None:
    """404, with a message in JSON."""
    status, found = got(path)
    assert (status, found["message"]) == (404, message)


def test_folders() -> None:
    """Those of the providers."""
    assert got("/api/folders") == (200, [{"id": 1, "uid": "commandcenter", "title": "CommandCenter"}])


def test_data_sources() -> None:
    """Every key of Grafana's data source, read-only, with no secret in it."""
    _, listed = got("/api/datasources")
    assert [each["uid"] for each in listed] == ["alertmanager", "loki", "prometheus", "tempo"]
    keys = {"id", "uid", "orgId", "name", "type", "typeLogoUrl", "access", "url", "user", "database", "basicAuth"}
    assert all({*keys, "isDefault", "jsonData", "readOnly"} <= set(each) for each in listed)
    assert all(each["readOnly"] for each in listed)
    status, one = got("/api/datasources/uid/loki")
    assert (status, one["url"], one["secureJsonFields"]) == (200, "http://loki:3100", {})
    assert one["jsonData"]["derivedFields"][0]["url"] == "${__value.raw}", "$$ of the file is a dollar"


@pytest.mark.parametrize("uid", ["prometheus", "loki", "tempo", "alertmanager"])
def test_health_of_a_data_source_is_that_of_its_store(uid: str) -> None:
    """OK where the store answers, ERROR with the reason and 400 where it does not."""
    status, found = got(f"/api/datasources/uid/{uid}/health")
    assert (status, found["status"]) == (200, "OK")
    status, found = got(f"/api/datasources/uid/{uid}/health", Stores(broken={uid}))
    assert (status, found["status"]) == (400, "ERROR")
    assert "refused" in found["message"]


def test_annotations_are_the_times_at_which_alerts_fired() -> None:
    """One for each unbroken time, the newest first, in the shape of Grafana's annotations."""
    status, found = got("/api/annotations", **{"from": str(END - 2 * HOUR), "to": str(END)})
    assert status == 200
    assert len(found) == 2
    assert found[0]["time"] > found[1]["time"]
    one = found[1]
    assert (one["time"], one["timeEnd"]) == (END - 2 * HOUR + 600_000, END - 2 * HOUR + 1_200_000)
    assert (one["prevState"], one["newState"]) == ("Normal", "Alerting")
    assert one["tags"] == ["alertname:WorkflowFailureRate", "severity:critical"]
    assert {"id", "alertId", "dashboardUID", "panelId", "userId", "text", "data"} <= set(one)


def test_annotations_narrow() -> None:
    """By tags and number; kept annotations there are none; a wrong time is refused."""
    assert got("/api/annotations", tags="severity:warning")[1] == []
    assert len(got("/api/annotations", limit="1")[1]) == 1
    assert got("/api/annotations", type="annotation") == (200, [])
    assert got("/api/annotations", **{"from": "yesterday"})[0] == 400


def test_without_alerts_there_are_no_annotations() -> None:
    """An empty list, and not an error."""
    stores = Stores()
    empty = {"status": "success", "data": {"resultType": "matrix", "result": []}}
    stores.answers["/api/v1/query_range"] = httpx.Response(200, json=empty)
    assert got("/api/annotations", stores) == (200, [])
