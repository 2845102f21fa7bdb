"""Grafana, where there is one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from pointsman.board import VERSION as BOARD_VERSION
from pointsman.checks import Outcome
from pointsman.declared import Declared
from pointsman.spec.models import Environment
from pointsman.verify.grafana import connectivity, dashboards
from tests.unit.verify.doubles import DECLARED, World, declared

HEALTHY = {
    "grafana:/api/health": httpx.Response(200, json={"database": "ok", "version": "12.3.0"}),
    **{
        f"grafana:/api/datasources/uid/{uid}/health": httpx.Response(200, json={"status": "OK", "message": "works"})
        for uid in ("prometheus", "loki", "tempo")
    },
    "grafana:/api/datasources/proxy/uid/alertmanager/api/v2/status": httpx.Response(200, json={}),
}


def world(**answers: httpx.Response) -> World:
    """An environment with a Grafana that answers well, but for `answers`."""
    return World(declared(absent=frozenset()), answers={**HEALTHY, **answers})


def with_dashboard(environment: Declared, name: str = "grafana") -> Declared:
    """The same with one provisioned dashboard."""
    grafana = environment.service(name)
    assert grafana.config is not None
    board = json.dumps({"uid": "stack", "title": "The stack"})
    config = replace(grafana.config, files={**grafana.config.files, "dashboards/stack.json": board})
    services = tuple(replace(each, config=config) if each is grafana else each for each in environment.estate.stack)
    return replace(environment, estate=replace(environment.estate, stack=services))


def config_files(environment: Declared) -> Mapping[str, str]:
    """The files of its provisioning folder."""
    config = environment.service("grafana").config
    assert config is not None
    return config.files


def test_what_is_proved_on_the_board_is_never_proved_in_grafana() -> None:
    """Where the board stands in each check that passes says so; none is about Grafana, none names it as its service."""
    environment = with_dashboard(declared(), "board")
    healthy = {path.replace("grafana:", "board:"): answer for path, answer in HEALTHY.items() if "uid" in path}
    healthy["board:/api/datasources/uid/alertmanager/health"] = httpx.Response(200, json={"message": "works"})
    site = World(environment, answers=healthy).site()
    checks = [*connectivity(site), *dashboards(site)]
    assert len(checks) == 6
    for check in checks:
        assert check.outcome is Outcome.PASS, check
        assert check.seen.endswith("; proved on the board, not in Grafana"), check
        assert check.service != "grafana"
        assert "Grafana" not in check.name


@pytest.mark.parametrize("version", ["12.3.0", "unknown"])
def test_something_else_on_the_board_s_port_is_red(version: str) -> None:
    """A Grafana that was started beside is not the board, and nothing is said to be proved on it."""
    answer = {"board:/api/health": httpx.Response(200, json={"database": "ok", "version": version})}
    check = connectivity(World(answers=answer).site())[0]
    assert (check.outcome, check.expected) == (Outcome.FAIL, f"database ok, version {BOARD_VERSION}")


def test_a_board_in_grafana_s_place_is_red() -> None:
    """Where Grafana is declared the board's answer is no proof of it."""
    answer = {"grafana:/api/health": httpx.Response(200, json={"database": "ok", "version": BOARD_VERSION})}
    assert connectivity(world(**answer).site())[0].outcome is Outcome.FAIL


def test_without_being_declared_it_is_another_reason() -> None:
    """Nobody is told of an image that nobody wanted."""
    spec = Environment.model_validate({**DECLARED, "grafana": {"enabled": False}})
    (check,) = connectivity(World(declared(spec, absent=frozenset())).site())
    assert check.seen == "the environment is declared without Grafana"


def test_every_data_source_is_asked_through_grafana() -> None:
    """Its own health first, then each source that is provisioned."""
    checks = connectivity(world().site())
    assert {check.outcome for check in checks} == {Outcome.PASS}, checks
    assert [check.name for check in checks] == [
        "Grafana's own health",
        "data source prometheus",
        "data source loki",
        "data source tempo",
        "data source alertmanager",
    ]


def test_a_source_that_grafana_does_not_reach_is_red() -> None:
    """And laid to the source, since Grafana itself answers."""
    answer = {"grafana:/api/datasources/uid/loki/health": httpx.Response(400, json={"message": "connection refused"})}
    red = [check for check in connectivity(world(**answer).site()) if check.outcome is Outcome.FAIL]
    assert [(check.name, check.service) for check in red] == [("data source loki", "loki")]
    assert "connection refused" in red[0].seen


def test_a_source_that_hangs_is_not_laid_to_grafana() -> None:
    """Grafana waits for it longer than is waited for Grafana, and answers all else; one that says nothing is red."""
    hanging = world()
    hanging.lost["grafana:/api/datasources/uid/loki/health"] = httpx.ReadTimeout("timed out")
    red = [check for check in connectivity(hanging.site()) if check.outcome is Outcome.FAIL]
    assert [(check.name, check.service) for check in red] == [("data source loki", "loki")]
    hanging.lost["grafana:/api/health"] = httpx.ReadTimeout("timed out")
    assert {check.service for check in connectivity(hanging.site()) if check.outcome is Outcome.FAIL} == {"grafana"}


def test_a_dashboard_that_is_missing_is_red() -> None:
    """Provisioned from files, and looked for by its uid."""
    environment = with_dashboard(declared(absent=frozenset()))
    there = {Path(path).stem for path in config_files(environment) if path.endswith(".json")}
    found = {"grafana:/api/search": httpx.Response(200, json=[{"uid": uid} for uid in there])}
    assert dashboards(World(environment, answers=found).site())[0].outcome is Outcome.PASS
    found = {"grafana:/api/search": httpx.Response(200, json=[{"uid": uid} for uid in there - {"stack"}])}
    (check,) = dashboards(World(environment, answers=found).site())
    assert (check.outcome, check.seen) == (Outcome.FAIL, "1 missing: The stack")
