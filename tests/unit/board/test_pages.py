"""The pages: all that the script needs is in them, and nothing of a text becomes markup."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pointsman.board.provisioning import Board, Provisioned
from pointsman.board.serving import Site
from tests.unit.board.stores import TRACE, Stores
from tests.unit.board.world import NOW, provisioned, site


def page(path: str, at: Site | None = None, /, **query: list[str]) -> str:
    """A page's HTML."""
    reply = (at or site()).get(path, query)
    assert reply.status == 200, reply.content
    return reply.content.decode()


def model(html: str) -> dict[str, Any]:
    """What the script reads."""
    found = re.search(r'<script id="model" type="application/json">(.*?)</script>', html, re.DOTALL)
    assert found
    read: dict[str, Any] = json.loads(found[1])
    return read


def with_panel(**panel: Any) -> Site:
    """A board with one dashboard of one panel."""
    made = {"id": 1, "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8}, **panel}
    board = Board(1, "one", "One", "F", {"title": "One", "panels": [made]}, "one.json")
    return Site(Provisioned(provisioned().sources, (board,), ("F",)), Stores().client(), lambda: NOW)


def test_every_page_says_what_it_is() -> None:
    """In the header and the title."""
    for path in ("/", "/d/workflow-overview/any-slug", "/explore"):
        html = page(path)
        assert re.search(r'<strong class="what"[^>]*>Pointsman board – not Grafana</strong>', html), path
        assert "not Grafana</title>" in html


def test_the_first_page_lists_dashboards_by_folder() -> None:
    """Each with its link."""
    html = page("/")
    assert "<h2>CommandCenter</h2>" in html
    assert '<a href="/d/workflow-overview/workflow-overview">Workflow Overview</a>' in html


def test_a_dashboard_has_all_its_panels_at_their_places() -> None:
    """Those of closed rows too; each title, description and link is there."""
    html = page("/d/workflow-overview")
    board = provisioned().board("workflow-overview")
    assert board
    every = [each for panel in board.model["panels"] for each in (panel, *panel.get("panels", []))]
    for panel in every:
        if panel["type"] != "row":
            assert f'id="panel-{panel["id"]}"' in html, panel["title"]
    assert 'style="grid-column:1/span 4;grid-row:2/span 4"' in html
    assert 'title="Good: above 95 %."' in html
    assert (
        '<a href="https://github.com/pointsman/pointsman/blob/main/runbooks/WorkflowFailureRate.md">Runbook</a>' in html
    )
    assert html.count('<h2 class="row"') == 2


def test_variables_are_chosen_from_the_address() -> None:
    """Filled into queries as PromQL has it; the select shows what is chosen."""
    queries = {
        each["title"] if "title" in each else each["id"]: each for each in model(page("/d/workflow-overview"))["panels"]
    }
    assert 'workflow_name=~"(build|deploy|triage)"' in json.dumps(queries).replace('\\"', '"')
    html = page("/d/workflow-overview", **{"var-workflow": ["deploy"]})
    text = json.dumps(model(html)).replace('\\"', '"')
    assert 'workflow_name=~"deploy"' in text
    assert '<option value="deploy" selected>' in html
    assert "$__rate_interval" in text, "the step is the query's own affair"


def test_the_range_is_the_dashboard_s_or_the_address_s() -> None:
    """And is offered to be chosen, with the refresh."""
    html = page("/d/workflow-overview")
    assert model(html)["range"] == {"from": "now-6h", "to": "now"}
    assert model(html)["refresh"] == 30_000
    assert '<option value="now-6h" selected>' in html
    html = page("/d/workflow-overview", **{"from": ["now-40m"], "to": ["now-10m"], "refresh": ["1m"]})
    assert model(html)["range"] == {"from": "now-40m", "to": "now-10m"}
    assert model(html)["refresh"] == 60_000


def test_a_wrong_range_is_refused() -> None:
    """In words."""
    assert site().get("/d/workflow-overview", {"from": ["soon"]}).status == 400


@pytest.mark.parametrize("evil", ["</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", '"><b>'])
def test_no_text_becomes_markup(evil: str) -> None:
    """Not a title, a description, a query, nor a variable of the address."""
    at = with_panel(type="stat", title=evil, description=evil, targets=[{"refId": "A", "expr": evil}])
    assert evil not in page("/d/one", at)
    assert evil not in page("/d/logs-and-traces", **{"var-text": [evil]})


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//elsewhere.example.org"])
def test_links_lead_to_pages_only(url: str) -> None:
    """No other scheme, no other host by accident."""
    assert url not in page("/d/one", with_panel(type="stat", links=[{"title": "x", "url": url}]))


def test_markdown_is_drawn_without_its_html() -> None:
    """Tables and links, but no elements of its own."""
    options = {"mode": "markdown", "content": "**bold** <script>x</script>\n\n| a |\n|---|\n| b |"}
    html = page("/d/one", with_panel(type="text", options=options))
    assert "<strong>bold</strong>" in html
    assert "<td>b</td>" in html
    assert "<script>x" not in html


def test_panels_below_a_closed_row_move_down() -> None:
    """All rows are open: what was hidden needs its room."""
    inside = {"id": 3, "type": "stat", "title": "in", "gridPos": {"x": 0, "y": 1, "w": 6, "h": 4}}
    panels = [
        {"id": 2, "type": "row", "title": "closed", "collapsed": True, "gridPos": {"y": 0}, "panels": [inside]},
        {"id": 4, "type": "stat", "title": "below", "gridPos": {"x": 0, "y": 1, "w": 6, "h": 4}},
    ]
    at = with_panel(type="stat")
    board = replace(at.provisioned.boards[0], model={"title": "One", "panels": panels})
    at.provisioned = replace(at.provisioned, boards=(board,))
    html = page("/d/one", at)
    assert re.search(r'id="panel-3" style="grid-column:1/span 6;grid-row:2/span 4"', html)
    assert re.search(r'id="panel-4" style="grid-column:1/span 6;grid-row:6/span 4"', html)


@pytest.mark.parametrize(
    ("asked", "trace"), [(TRACE, TRACE), ("53b39f9e1b66b7e0032730005e36003", "053b39f9e1b66b7e0032730005e36003")]
)
def test_a_trace_leads_to_its_logs(asked: str, trace: str) -> None:
    """By the link that the data source declares, in the range that the trace was looked for.

    Log lines have the whole id, also where it begins with a zero, which Tempo's search leaves out.
    """
    pane = {"datasource": "tempo", "queries": [{"query": asked}], "range": {"from": "now-2h", "to": "now"}}
    html = page("/explore", panes=[json.dumps({"x": pane})])
    found = re.search(r'<a href="(/explore[^"]+)">logs of this trace</a>', html)
    assert found
    (panes,) = parse_qs(urlsplit(unescape(found[1])).query)["panes"]
    led = model(page("/explore", panes=[panes]))
    assert led["range"] == pane["range"]
    (panel,) = led["panels"]
    assert (panel["type"], panel["targets"][0]["expr"]) == ("logs", f'{{service_name=~".+"}} | trace_id="{trace}"')


def test_explore_shows_the_queries_of_a_link() -> None:
    """As Grafana's Explore takes them: lines of logs, a trace, series."""
    queries = [
        {"refId": "A", "expr": '{a="b"}', "datasource": {"uid": "loki"}},
        {"refId": "B", "query": TRACE, "datasource": {"uid": "tempo"}},
        {"refId": "C", "expr": "up", "datasource": {"uid": "prometheus"}},
    ]
    panes = {"x": {"datasource": "loki", "queries": queries, "range": {"from": "now-30m", "to": "now"}}}
    found = model(page("/explore", panes=[json.dumps(panes)]))
    assert [each["type"] for each in found["panels"]] == ["logs", "table", "timeseries"]
    assert found["range"] == {"from": "now-30m", "to": "now"}
    old = {"datasource": "prometheus", "queries": [{"expr": "up"}]}
    assert model(page("/explore", left=[json.dumps(old)]))["panels"][0]["targets"][0]["expr"] == "up"


@pytest.mark.parametrize(
    "panes", ["{", "[]", '{"a": 1}', '{"a": {"queries": [1]}}', '{"a": {"queries": [{}], "datasource": "x"}}']
)
def test_explore_refuses_what_it_cannot_read(panes: str) -> None:
    """With 400, never with a fault."""
    assert site().get("/explore", {"panes": [panes]}).status == 400
