"""Grafana answers, reaches its data sources, and has the dashboards that were provisioned.

Where the board stands in for it the same is asked there, and every check that passes says so: nothing is proved of
Grafana then.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml

from pointsman.board import VERSION as BOARD_VERSION
from pointsman.checks import Check, Outcome, failed, not_verifiable, passed
from pointsman.services import board, grafana
from pointsman.services.model import Service
from pointsman.verify.site import Lost, Site

# Grafana asks these itself; of every other kind it only passes requests on, so that one is made through it.
_ASKED_BY_GRAFANA = frozenset({"prometheus", "loki", "tempo"})
_THROUGH = {"alertmanager": "api/v2/status"}
_NOT_DECLARED = "the environment is declared without Grafana"


def connectivity(site: Site) -> list[Check]:
    """Its own health, and that of every data source."""
    service = site.declared.estate.dashboards
    if service is None:
        return [not_verifiable("Grafana connectivity", _NOT_DECLARED)]
    health = _health(site, service)
    answers = health.outcome is Outcome.PASS
    return [health, *(_source(site, service, each, answers) for each in _sources(service))]


def dashboards(site: Site) -> list[Check]:
    """Every provisioned dashboard is there."""
    name, service = "dashboards", site.declared.estate.dashboards
    if service is None:
        return [not_verifiable(name, _NOT_DECLARED)]
    wanted = dict(_dashboards(service))
    if not wanted:
        return [not_verifiable(name, "none is declared", service=service.name)]
    expected, remedy = f"{len(wanted)} dashboards", site.remedy(service.name)
    try:
        told = site.json(service.name, "/api/search", type="dash-db", limit=5000)
    except Lost as lost:
        return [failed(name, lost.seen, expected=expected, remedy=remedy, service=service.name)]
    found = {each["uid"] for each in told}
    if missing := sorted(title for uid, title in wanted.items() if uid not in found):
        seen = f"{len(missing)} missing: {', '.join(missing)}"
        return [failed(name, seen, expected=expected, remedy=remedy, service=service.name)]
    return [passed(name, _proved(service, f"{len(wanted)} provisioned"), service=service.name)]


def _proved(service: Service, seen: str) -> str:
    """What was seen, with where: the board is never taken for Grafana."""
    return f"{seen}; {board.PROVED}" if service.name == board.NAME else seen


def _health(site: Site, service: Service) -> Check:
    is_board = service.name == board.NAME
    name, remedy = f"{'the board' if is_board else 'Grafana'}'s own health", site.remedy(service.name)
    expected = f"database ok, version {BOARD_VERSION}" if is_board else "database ok"
    try:
        told = site.json(service.name, "/api/health")
    except Lost as lost:
        return failed(name, lost.seen, expected=expected, remedy=remedy, service=service.name)
    version = str(told.get("version", "unknown"))
    if told.get("database") != "ok" or is_board != version.startswith("board-"):
        return failed(name, json.dumps(told), expected=expected, remedy=remedy, service=service.name)
    return passed(name, _proved(service, f"version {version}"), service=service.name)


def _source(site: Site, service: Service, source: dict[str, Any], answers: bool) -> Check:
    """One data source, asked through a service of which it is known whether it answers otherwise."""
    uid, kind = source["uid"], source["type"]
    name, path = f"data source {uid}", f"/api/datasources/uid/{uid}/health"
    if kind not in _ASKED_BY_GRAFANA and service.name == grafana.NAME:
        path = f"/api/datasources/proxy/uid/{uid}/{_THROUGH.get(kind, '')}"
    try:
        told = site.ask(service.name, path).text
    except Lost as lost:
        # It is the store that is not reached, unless who asks it says nothing at all: it may wait for a store that
        # hangs longer than is waited for it here.
        blamed = uid if lost.answered or answers else service.name
        who = "the board" if service.name == board.NAME else "Grafana"
        expected = f"{who} reaches {source['url']}"
        return failed(name, lost.seen, expected=expected, remedy=site.remedy(blamed), service=blamed)
    return passed(name, _proved(service, _message(told) or f"answers through {service.name}"), service=uid)


def _message(told: str) -> str:
    try:
        found = json.loads(told)
    except ValueError:
        return ""
    return str(found.get("message", "")) if isinstance(found, dict) else ""


def _sources(service: Service) -> list[dict[str, Any]]:
    """The data sources as they are provisioned."""
    assert service.config is not None
    found: list[dict[str, Any]] = yaml.safe_load(service.config.files["datasources/datasources.yml"])["datasources"]
    return found


def _dashboards(service: Service) -> Iterator[tuple[str, str]]:
    """Uid and title of every provisioned dashboard."""
    assert service.config is not None
    for path, text in service.config.files.items():
        if path.startswith(f"{grafana.DASHBOARDS}/") and path.endswith(".json"):
            board = json.loads(text)
            yield board["uid"], board.get("title", board["uid"])
