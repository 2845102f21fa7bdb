"""Every panel of every dashboard, asked as a browser asks: through the board, of the real stores, after a demo."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from pointsman.signals.dashboards.expectations import GOOD_AT_ZERO, MAY_BE_EMPTY
from tests.deployed.estate import Estate, eventually
from tests.unit.signals.dashboards.examples import DASHBOARDS

SECONDS = 45
RANGE = {"from": "now-30m", "to": "now"}
# The last export of the demo has been scraped by nobody: it was pushed, and a rule of a minute has seen it.
SETTLED_SECONDS = 90
HOSTS_ALONE = "runner-fleet"
TOLERANCE = 0.01

Values = list[float | str]


@dataclass(frozen=True)
class Shown:
    """A board that a demo has filled, and what the demo sent."""

    estate: Estate
    sent: dict[str, Any]

    def model(self, uid: str) -> dict[str, Any]:
        """A dashboard as the board loaded it."""
        found: dict[str, Any] = self.estate.get("board", f"/api/dashboards/uid/{uid}").json()["dashboard"]
        return found

    def frames(self, uid: str, title: str) -> list[dict[str, Any]]:
        """What the board shows in a panel, with all of each variable chosen."""
        panel = next(each for each in self.model(uid)["panels"] if each["title"] == title)
        body = {**RANGE, "queries": [{**each, "maxDataPoints": 200} for each in panel["targets"]]}
        answer = self.estate.http.post(f"{self.estate.url('grafana')}/api/ds/query", json=body)
        assert answer.status_code == 200, answer.text
        return [frame for result in answer.json()["results"].values() for frame in result["frames"]]

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
    sent = estate.clone.pointsman("demo", "--env", estate.name, "--seconds", str(SECONDS), "--output", "json").good()
    return Shown(estate, sent.document())


PANELS = [
    pytest.param(uid, panel["title"], id=f"{uid}-{panel['title']}")
    for uid, model in DASHBOARDS.items()
    for panel in model["panels"]
    if uid != HOSTS_ALONE and (uid, panel["title"]) not in MAY_BE_EMPTY
]


@pytest.mark.parametrize(("uid", "title"), PANELS)
def test_a_panel_shows_data(shown: Shown, uid: str, title: str) -> None:
    """Values that are numbers, and not all of them nothing, but where nothing is what good looks like."""

    def there() -> bool:
        values = [value for frame in shown.frames(uid, title) for value in _values(frame)]
        assert not any(isinstance(value, float) and math.isnan(value) for value in values)
        return bool(values) and ((uid, title) in GOOD_AT_ZERO or any(value != 0 for value in values))

    eventually(there, SETTLED_SECONDS)


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


@pytest.mark.parametrize(("uid", "title"), EXPECTED, ids="-".join)
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
