"""Every panel of every dashboard, asked as a browser asks: through the board, of the real stores, after a demo."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import pytest

from pointsman.board.layout import filled_in
from pointsman.board.variables import Value
from pointsman.signals.dashboards.expectations import GOOD_AT_ZERO, MAY_BE_EMPTY, Place
from tests.deployed.estate import Done, Estate, eventually
from tests.deployed.query_templates import Template, examples, templates
from tests.unit.signals.dashboards.examples import DASHBOARDS

SECONDS = 45
RANGE = {"from": "now-30m", "to": "now"}
# The last export of the demo has been scraped by nobody: it was pushed, and a rule of a minute has seen it.
SETTLED_SECONDS = 90
# Of runner hosts and of a run monitor, which these environments do not have.
ALONE = ("runner-fleet", "run-monitor")
# What is under way: nothing, once the demo has ended.
HELD: dict[Place, tuple[str, str]] = {
    ("workflow-overview", "Active"): ("workflows_active", "workflow_name"),
    ("deployment-pipeline", "In progress"): ("deployments_in_progress", "deployment_environment_name"),
}
MEMORY = ("stack-health", "Memory of containers")
LIMITS = "max_over_time(container_memory_usage_limit_bytes[30m])"
TOLERANCE = 0.01

Values = list[float | str]


@dataclass(frozen=True)
class Shown:
    """A board that a demo has filled, what the demo sent, and what panels showed while it went on."""

    estate: Estate
    sent: dict[str, Any] = field(default_factory=dict)
    meanwhile: dict[Place, dict[str, float | str]] = field(default_factory=dict)

    def model(self, uid: str) -> dict[str, Any]:
        """A dashboard as the board loaded it."""
        found: dict[str, Any] = self.estate.get("board", f"/api/dashboards/uid/{uid}").json()["dashboard"]
        return found

    def frames(self, uid: str, title: str) -> list[dict[str, Any]]:
        """What the board shows in a panel, with all of each variable chosen."""
        model = self.model(uid)
        panel = next(each for each in model["panels"] if each["title"] == title)
        # As Grafana's page does and its API does not.
        everything = {
            each["name"]: Value((), many=True, raw=each["allValue"], is_all=True)
            for each in model["templating"].get("list", [])
        }
        targets = filled_in(panel["targets"], everything)
        body = {**RANGE, "queries": [{**each, "maxDataPoints": 200} for each in targets]}
        answer = self.estate.http.post(f"{self.estate.url('grafana')}/api/ds/query", json=body)
        assert answer.status_code == 200, answer.text
        return [frame for result in answer.json()["results"].values() for frame in result["frames"]]

    def held(self, series: str) -> list[dict[str, Any]]:
        """What the demo held open of a sum."""
        return [each for each in self.sent["held"] if each["name"] == series]

    def counted(self, series: str, by: str = "", **labels: str) -> dict[str, float]:
        """What the demo sent of a counter, by a label."""
        found: dict[str, float] = {}
        for each in self.sent["series"]:
            if each["name"] == series and labels.items() <= each["labels"].items():
                key = each["labels"].get(by, "")
                found[key] = found.get(key, 0.0) + each["value"]
        return found


@pytest.fixture(scope="module")
def shown(whole_session_estate: Estate) -> Shown:
    """Once for all panels: a demo of known counts."""
    estate = whole_session_estate
    arguments = ("demo", "--env", estate.name, "--seconds", str(SECONDS), "--output", "json")
    with ThreadPoolExecutor(1) as beside:
        demo = beside.submit(estate.clone.pointsman, *arguments)
        meanwhile = _meanwhile(Shown(estate), demo)
    return Shown(estate, demo.result().good().document(), meanwhile)


def _meanwhile(shown: Shown, demo: Future[Done]) -> dict[Place, dict[str, float | str]]:
    """What the panels of HELD showed last above 0, until the demo ended."""
    seen: dict[Place, dict[str, float | str]] = {}
    while not wait([demo], timeout=1).done:
        for place in HELD:
            last = {_name(frame): _values(frame)[-1] for frame in shown.frames(*place) if _values(frame)}
            if values := {name: value for name, value in last.items() if value}:
                seen[place] = values
    return seen


PANELS = [
    pytest.param(uid, panel["title"], id=f"{uid}-{panel['title']}")
    for uid, model in DASHBOARDS.items()
    for panel in model["panels"]
    if uid not in ALONE and (uid, panel["title"]) not in {*MAY_BE_EMPTY, *HELD}
]


@pytest.mark.parametrize(("uid", "title"), PANELS)
def test_a_panel_shows_data(shown: Shown, uid: str, title: str) -> None:
    """Values that are numbers, and not all of them nothing, but where nothing is what good looks like."""
    if (uid, title) == MEMORY and not any(shown.estate.query(LIMITS).values()):
        pytest.skip("not verifiable here: the engine tells nothing of its containers' memory")

    def there() -> bool:
        values = [value for frame in shown.frames(uid, title) for value in _values(frame)]
        assert not any(isinstance(value, float) and math.isnan(value) for value in values)
        return bool(values) and ((uid, title) in GOOD_AT_ZERO or any(value != 0 for value in values))

    eventually(there, SETTLED_SECONDS)


@pytest.mark.parametrize(("uid", "title"), HELD, ids=map("-".join, HELD))
def test_a_panel_shows_what_is_under_way(shown: Shown, uid: str, title: str) -> None:
    """While the demo holds runs and a deployment open, as many as it holds."""
    series, by = HELD[uid, title]
    assert shown.meanwhile[uid, title] == {each["labels"][by]: each["value"] for each in shown.held(series)}


def _success(sent: Mapping[str, float]) -> float:
    judged = {status: count for status, count in sent.items() if status not in ("cancellation", "skip", "cancelled")}
    return judged["success"] / sum(judged.values())


EXPECTED: dict[tuple[str, str], Callable[[Shown], dict[str, float]]] = {
    ("workflow-overview", "Success rate"): lambda shown: {
        "": _success(shown.counted("workflow_runs_total", "workflow_status"))
    },
    ("agent-performance", "Errors by type"): lambda shown: shown.counted("agent_errors_total", "error_type"),
    ("agent-performance", "Most expensive agents"): lambda shown: {
        agent: cost for agent, cost in shown.counted("cost_USD_total", "agent_name").items() if agent
    },
    ("cost-tracking", "Execution minutes"): lambda shown: {
        name: seconds / 60 for name, seconds in shown.counted("workflow_duration_seconds_sum", "workflow_name").items()
    },
    ("cost-tracking", "Cost per workflow"): lambda shown: {
        name: cost for name, cost in shown.counted("cost_USD_total", "workflow_name").items() if name
    },
    ("deployment-pipeline", "Deployments"): lambda shown: shown.counted("deployments_total", "deployment_result"),
    ("deployment-pipeline", "Success rate"): lambda shown: {
        "": _success(shown.counted("deployments_total", "deployment_result"))
    },
}


@pytest.mark.parametrize(("uid", "title"), EXPECTED, ids=map("-".join, EXPECTED))
def test_a_panel_shows_what_was_sent(shown: Shown, uid: str, title: str) -> None:
    """To a hundredth: the counts, shares and sums of money that the demo says it sent."""
    wanted = EXPECTED[uid, title](shown)

    def equal() -> bool:
        seen = {_name(frame): _values(frame)[-1] for frame in shown.frames(uid, title) if _values(frame)}
        return seen.keys() == wanted.keys() and all(
            math.isclose(float(seen[name]), value, rel_tol=TOLERANCE) for name, value in wanted.items()
        )

    try:
        eventually(equal, SETTLED_SECONDS)
    except AssertionError:
        seen = {_name(frame): _values(frame)[-1:] for frame in shown.frames(uid, title)}
        pytest.fail(f"{uid}, {title}: expected {wanted}, shown {seen}")


@pytest.mark.parametrize("template", templates(), ids=lambda each: each.title)
def test_a_query_template_finds_something(shown: Shown, template: Template) -> None:
    """Asked of its store as docs/reference/queries.md has it, with the examples for placeholders and a trace of the
    demo's: values that are numbers. One that may be empty, by what the page says, is at least taken."""
    values = examples() | {"trace": shown.sent["failing_trace"]}

    def found() -> bool:
        results = template.asked(shown.estate, values)
        samples = [float(each["value"][1]) for each in results if "value" in each]
        assert not any(math.isnan(each) for each in samples), results
        return bool(results) or template.may_be_empty

    eventually(found, SETTLED_SECONDS)


def test_the_dashboards_are_in_their_folder(shown: Shown) -> None:
    """All of them, with the addresses that alerts lead to."""
    listed = shown.estate.get("board", "/api/search").json()
    boards = {each["uid"]: each.get("folderTitle") for each in listed if each["type"] == "dash-db"}
    assert boards == dict.fromkeys(DASHBOARDS, "CommandCenter")


def _values(frame: Mapping[str, Any]) -> Values:
    """The values of a frame but its times; of a table, its first column."""
    fields, columns = frame["schema"]["fields"], frame["data"]["values"]
    kept = [column for field, column in zip(fields, columns, strict=True) if field["type"] != "time"]
    return [value for column in kept for value in column if value is not None]


def _name(frame: Mapping[str, Any]) -> str:
    """The label by which a frame's series is told from the others of its panel; "" without any."""
    field = next(each for each in frame["schema"]["fields"] if each["type"] != "time")
    return "".join(value for key, value in sorted((field.get("labels") or {}).items()) if key != "__name__")
