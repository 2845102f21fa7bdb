"""What Prometheus knows of services and hosts: intake and versions of the ones, all that is told of the others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pointsman.declared import Declared
from pointsman.hosts.sight import TARGETS, Sight, expression, sight
from pointsman.services import prometheus
from pointsman.services.intake import rates
from pointsman.services.model import Service

if TYPE_CHECKING:
    from httpx import Client

QUERY = "/api/v1/query"


@dataclass(frozen=True)
class Told:
    """A version as a scrape brought it; `at` is the scrape's Unix time, by which a container before is told apart."""

    version: str
    at: float


@dataclass(frozen=True)
class Scraped:
    """By service: intake a second, and versions. Both are empty when Prometheus does not answer."""

    rates: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, Told] = field(default_factory=dict)


def scraped(declared: Declared, client: Client) -> Scraped:
    """Asks the environment's Prometheus, or the one that others run, in two requests however many services."""
    services, environment = declared.estate.services, declared.among_others
    address = _address(declared)
    if not address:
        return Scraped()
    taken = _query(client, address, rates(services, declared.estate.scrape_interval, environment))
    if taken is None:
        return Scraped()
    versions = {
        metric["job"]: Told(metric.get("version", "").removeprefix("v"), at)
        for metric, at in _query(client, address, build_infos(services, environment)) or ()
    }
    return Scraped({metric["job"]: rate for metric, rate in taken}, versions)


def sighted(declared: Declared, client: Client) -> Sight | None:
    """What it tells of the hosts, in two requests however many there are; None when it does not, or there are none."""
    import httpx

    address, environment = _address(declared), declared.among_others
    if not declared.hosts or not address:
        return None
    try:
        active = _data(client, f"{address}{TARGETS}", state="active")["activeTargets"]
        series = _data(client, f"{address}{QUERY}", query=expression(environment))["result"]
        return sight(active, series, environment)
    except (httpx.HTTPError, ValueError, KeyError, TypeError, IndexError):
        return None


def build_infos(services: tuple[Service, ...], environment: str = "") -> str:
    """PromQL for when and as what each service was scraped: <program>_build_info, by Prometheus's convention."""
    own = f',environment="{environment}"' if environment else ""
    return " or ".join(
        f'timestamp({{__name__=~"{_program(each)}(_exporter)?_build_info",job="{each.name}"{own}}})'
        for each in services
        if each.metrics
    )


def _program(service: Service) -> str:
    return re.sub(r"[^a-z0-9]", "_", service.image)


def _address(declared: Declared) -> str:
    services = (*declared.estate.services, *declared.estate.borrowed)
    store = next((each for each in services if each.name == prometheus.NAME), None)
    return declared.url(store) if store else ""


def _query(client: Client, address: str, expression: str) -> list[tuple[dict[str, str], float]] | None:
    """The series of an instant query with their values; None when there is no answer that can be read."""
    import httpx

    try:
        found: list[dict[str, Any]] = _data(client, f"{address}{QUERY}", query=expression)["result"]
        return [(each["metric"], float(each["value"][1])) for each in found]
    except (httpx.HTTPError, ValueError, KeyError, TypeError, IndexError):
        return None


def _data(client: Client, url: str, **parameters: str) -> Any:
    return client.get(url, params=parameters).raise_for_status().json()["data"]
