"""Grafana answers, reaches its data sources, and has the dashboards that were provisioned."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml

from pointsman.checks import Check, failed, not_verifiable, passed
from pointsman.services import grafana
from pointsman.services.model import Service
from pointsman.verify.site import Lost, Site

NAME = grafana.NAME
# Grafana asks these itself; of every other kind it only passes requests on, so that one is made through it.
_ASKED_BY_GRAFANA = frozenset({"prometheus", "loki", "tempo"})
_THROUGH = {"alertmanager": "api/v2/status"}


def present(site: Site) -> bool:
    """Whether the environment has a Grafana."""
    return any(service.name == NAME for service in site.declared.estate.services)


def connectivity(site: Site) -> list[Check]:
    """Its own health, and that of every data source."""
    if not present(site):
        return [not_verifiable("Grafana connectivity", _why_not(site))]
    return [_health(site), *(_source(site, each) for each in _sources(site.declared.service(NAME)))]


def dashboards(site: Site) -> list[Check]:
    """Every provisioned dashboard is there."""
    name = "dashboards"
    if not present(site):
        return [not_verifiable(name, _why_not(site))]
    wanted = dict(_dashboards(site.declared.service(NAME)))
    if not wanted:
        return [not_verifiable(name, "none is declared", service=NAME)]
    expected = f"{len(wanted)} dashboards"
    try:
        told = site.json(NAME, "/api/search", type="dash-db", limit=5000)
    except Lost as lost:
        return [failed(name, lost.seen, expected=expected, remedy=site.remedy(NAME), service=NAME)]
    found = {each["uid"] for each in told}
    if missing := sorted(title for uid, title in wanted.items() if uid not in found):
        seen = f"{len(missing)} missing: {', '.join(missing)}"
        return [failed(name, seen, expected=expected, remedy=site.remedy(NAME), service=NAME)]
    return [passed(name, f"{len(wanted)} provisioned", service=NAME)]


def _why_not(site: Site) -> str:
    if NAME in site.declared.images.absent:
        return "Grafana's image cannot be had from packages"
    return "the environment is declared without Grafana"


def _health(site: Site) -> Check:
    name, expected = "Grafana's own health", "database ok"
    try:
        told = site.json(NAME, "/api/health")
    except Lost as lost:
        return failed(name, lost.seen, expected=expected, remedy=site.remedy(NAME), service=NAME)
    if told.get("database") != "ok":
        return failed(name, json.dumps(told), expected=expected, remedy=site.remedy(NAME), service=NAME)
    return passed(name, f"version {told.get('version', 'unknown')}", service=NAME)


def _source(site: Site, source: dict[str, Any]) -> Check:
    uid, kind = source["uid"], source["type"]
    name, path = f"data source {uid}", f"/api/datasources/uid/{uid}/health"
    if kind not in _ASKED_BY_GRAFANA:
        path = f"/api/datasources/proxy/uid/{uid}/{_THROUGH.get(kind, '')}"
    try:
        told = site.ask(NAME, path).text
    except Lost as lost:
        # It is the store that Grafana does not reach, unless Grafana itself says nothing.
        blamed = uid if lost.answered else NAME
        expected = f"Grafana reaches {source['url']}"
        return failed(name, lost.seen, expected=expected, remedy=site.remedy(blamed), service=blamed)
    return passed(name, _message(told) or f"answers through {NAME}", service=uid)


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
