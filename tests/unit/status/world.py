"""An estate as the status sees it: containers as Docker tells them, addresses that answer, and a Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from pointsman.declared import Declared
from pointsman.hosts.sight import STATE, TARGETS
from pointsman.images.model import Resolution
from pointsman.status import Row, Status, gathering, look, memory
from pointsman.targets.docker.container import plan
from pointsman.targets.docker.engine import Running
from tests.unit.services.cases import CASES, Case
from tests.unit.verify.doubles import running

CASE = CASES["default"]
QUERY = "/api/v1/query"
MIB = 2**20


def declared(case: Case = CASE) -> Declared:
    """What images from packages allow."""
    plans = {
        each.name: plan(each, "dev", f"sha256:{each.name}", 10, "127.0.0.1", case.spec.container_logs)
        for each in case.estate.services
    }
    return Declared(case.estate, "estate", plans, Resolution({}, "promtail", []))


@dataclass
class World:
    """A test changes what it wants changed: `found` by service, `faults` and `answers` by port of the machine.

    `rates` and `versions` are what Prometheus's queries answer, None when it does not; `machines` are the containers
    that hosts are, `targets` and `series` what Prometheus tells of hosts.
    """

    environment: Declared = field(default_factory=declared)
    found: dict[str, Running] = field(default_factory=dict)
    starved: frozenset[str] = frozenset()
    faults: dict[int | None, Exception] = field(default_factory=dict)
    answers: dict[int | None, httpx.Response] = field(default_factory=dict)
    rates: list[tuple[dict[str, str], float]] | None = field(default_factory=list)
    versions: list[tuple[dict[str, str], float]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    machines: dict[str, Running | None] = field(default_factory=dict)
    targets: list[dict[str, Any]] = field(default_factory=list)
    series: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.found = running(self.environment)

    def port(self, service: str, on: str = "") -> int:
        published = self.environment.service(service).port(on).published
        assert published
        return published

    def table(self, patch: pytest.MonkeyPatch) -> dict[str, Row]:
        """The rows of this world, by service."""
        return {row.service: row for row in self.status(patch).services}

    def status(self, patch: pytest.MonkeyPatch) -> Status:
        """All of this world."""

        @contextmanager
        def connect(timeout: int = 0) -> Iterator[None]:
            yield None

        patch.setattr(gathering, "connect", connect)
        patch.setattr(gathering, "containers", lambda docker, estate, environment: self.found)
        patch.setattr(gathering, "of_hosts", lambda docker, environment: self.machines)
        patch.setattr(gathering, "out_of_memory", lambda docker, estate, environment: self.starved)
        patch.setattr(memory, "of", lambda docker, found: 5 * MIB if found.status == "running" else None)
        with httpx.Client(transport=httpx.MockTransport(self._answer)) as client:
            return look(self.environment, client=client)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        port = request.url.port
        if port in self.faults:
            raise self.faults[port]
        if port in self.answers:
            return self.answers[port]
        if request.url.path == TARGETS:
            self.asked.append(TARGETS)
            return httpx.Response(200, json={"data": {"activeTargets": self.targets}})
        if request.url.path == QUERY:
            expression = request.url.params["query"]
            self.asked.append(expression)
            if STATE in expression:
                return httpx.Response(200, json={"data": {"result": self.series}})
            found = self.versions if "build_info" in expression else self.rates
            return httpx.Response(503) if found is None else httpx.Response(200, json=_result(found))
        return httpx.Response(200, text="ready")


def told(service: str, version: str, age: float) -> tuple[dict[str, str], float]:
    """A version as a scrape brought it, so many seconds ago."""
    return {"job": service, "version": version}, time.time() - age


def _result(found: list[tuple[dict[str, str], float]]) -> dict[str, Any]:
    series = [{"metric": metric, "value": [time.time(), str(value)]} for metric, value in found]
    return {"status": "success", "data": {"resultType": "vector", "result": series}}
