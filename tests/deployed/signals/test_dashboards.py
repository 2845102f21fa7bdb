"""Every panel of every dashboard, asked as a browser asks: through the board, of the real stores, after a demo."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import pytest

from pointsman.signals.dashboards.expectations import MAY_BE_EMPTY, Place
from tests.deployed.estate import Done, Estate, eventually
from tests.deployed.panels import Frame, frames, series_of, shows_data, values_of
from tests.deployed.query_templates import Template, examples, templates
from tests.unit.signals.dashboards.examples import DASHBOARDS

SECONDS = 45
RANGE = {"from": "now-30m", "to": "now"}
# The last export of the demo has been scraped by nobody: it was pushed, and a rule of a minute has seen it.
SETTLED_SECONDS = 90
HOSTS_ALONE = "runner-fleet"
# What is under way: nothing, once the demo has ended.
HELD: dict[Place, tuple[str, str]] = {
    ("workflow-overview", "Active"): ("workflows_active", "workflow_name"),
    ("deployment-pipeline", "In progress"): ("deployments_in_progress", "deployment_environment_name"),
}
MEMORY = ("stack-health", "Memory of containers")
LIMITS = "max_over_time(container_memory_usage_limit_bytes[30m])"
TOLERANCE = 0.01


@dataclass(frozen=True)
class Shown:
    """A board that a demo has filled, what the demo sent, and what panels showed while it went on."""

    estate: Estate
    sent: dict[str, Any] = field(default_factory=dict)
    meanwhile: dict[Place, dict[str, float | str]] = field(default_factory=dict)

    def frames(self, uid: str, title: str) -> list[Frame]:
        """What a panel shows of the last half hour, in which is all of the demo and nothing else."""
        return frames(self.estate, uid, title, RANGE)

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
            last = {series_of(frame): values_of(frame)[-1] for frame in shown.frames(*place) if values_of(frame)}
            if values := {name: value for name, value in last.items() if value}:
                seen[place] = values
    return seen


PANELS = [
    pytest.param(uid, panel["title"], id=f"{uid}-{panel['title']}")
    for uid, model in DASHBOARDS.items()
    for panel in model["panels"]
    if uid != HOSTS_ALONE and (uid, panel["title"]) not in {*MAY_BE_EMPTY, *HELD}
]


@pytest.mark.parametrize(("uid", "title"), PANELS)
def test_a_panel_shows_data(shown: Shown, uid: str, title: str) -> None:
    """In the range that its dashboard opens with: nobody has to look for what there is."""
    if (uid, title) == MEMORY and not any(shown.estate.query(LIMITS).values()):
        pytest.skip("not verifiable here: the engine tells nothing of its containers' memory")

    eventually(lambda: shows_data(shown.estate, uid, title), SETTLED_SECONDS)


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
        seen = {series_of(frame): values_of(frame)[-1] for frame in shown.frames(uid, title) if values_of(frame)}
        return seen.keys() == wanted.keys() and all(
            math.isclose(float(seen[name]), value, rel_tol=TOLERANCE) for name, value in wanted.items()
        )

    try:
        eventually(equal, SETTLED_SECONDS)
    except AssertionError:
        seen = {series_of(frame): values_of(frame)[-1:] for frame in shown.frames(uid, title)}
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
