"""A pretended estate: an environment as declared, its containers as Docker would tell them, and what answers HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from pointsman.board import VERSION as BOARD_VERSION
from pointsman.deadline import Deadline
from pointsman.declared import Declared
from pointsman.images.model import ImageRef, Resolution
from pointsman.logs import Line
from pointsman.services import board, grafana
from pointsman.services.estate import compose
from pointsman.services.model import Machine
from pointsman.spec.models import Environment
from pointsman.targets.docker.container import plan
from pointsman.targets.docker.engine import Running
from pointsman.verify import scraping
from pointsman.verify.site import Site
from tests.unit.verify.stores import Stores, data

NAMES = (
    "prometheus",
    "loki",
    "log_agent",
    "node_exporter",
    "alertmanager",
    "alert_sink",
    "grafana",
    "tempo",
    "otlp_grpc",
    "otlp_http",
    "collector_metrics",
    "collector_health",
    "blackbox",
    "pushgateway",
)
DECLARED: dict[str, Any] = {
    # No port is a default: an address that is written a second time somewhere is found by what does not answer.
    "ports": {"prometheus": 19090} | {name: 19200 + place for place, name in enumerate(NAMES) if name != "prometheus"},
    "prometheus": {
        "retention": {"time": "3d", "size": "1GiB"},
        "extra_targets": [{"job": "builds", "targets": ["build-1:9100"], "labels": {"job": "renamed"}}],
    },
    "exporters": {"blackbox": {"probes": [{"job": "site", "targets": ["https://example.org"]}]}},
    "loki": {"retention": "3d"},
    "tempo": {"retention": "3d"},
}
SPEC = Environment.model_validate(DECLARED)
PATIENCE = 0.4


def declared(spec: Environment = SPEC, absent: frozenset[str] = frozenset({grafana.NAME})) -> Declared:
    """The environment `test` of a spec, each image with an id of its own; Grafana's cannot be had."""
    estate = compose("test", spec, "promtail", Machine(), absent)
    plans = {
        each.name: plan(each, "test", f"sha256:{each.name}", 10, str(spec.network.bind), spec.container_logs)
        for each in estate.services
    }
    images = {
        each.image: ImageRef(
            each.image, "1.2.3", f"sha256:{each.name}", f"pointsman/{each.image}:1.2.3", "packages", 10
        )
        for each in estate.services
    }
    return Declared(estate, "estate", plans, Resolution(images, "promtail", [], absent))


def running(environment: Declared, **changes: Any) -> dict[str, Running]:
    """Every container as it should be; `changes` are made to all of them."""
    found = {
        name: Running(
            service=name,
            name=planned.name,
            id=f"id-of-{name}",
            image=planned.image_id,
            image_label=f"pointsman/{name}:1.2.3-0123456789ab",
            fingerprint=planned.fingerprint,
            status="running",
            started=datetime.now(UTC) - timedelta(hours=1),
            restarts=0,
            exit_code=0,
            networks=(planned.network,),
        )
        for name, planned in environment.plans.items()
    }
    return {name: replace(each, **changes) for name, each in found.items()}


@dataclass
class World:
    """All services of the environment as they answer from outside; a test breaks what it wants broken.

    `answers` replaces the answer to a path and `lost` makes it fail on the way; a path may have `service:` before it.
    `halted` are services whose container is in another state than running; `refused` is when no port takes connections.
    """

    environment: Declared = field(default_factory=declared)
    answers: dict[str, httpx.Response] = field(default_factory=dict)
    lost: dict[str, Exception] = field(default_factory=dict)
    halted: dict[str, str] = field(default_factory=dict)
    refused: bool = False
    stores: Stores = field(default_factory=Stores)
    targets: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        for each in scraping.wanted(self.environment):
            self.targets[each.job, each.address] = target(each.job, each.address)
            if each.kind in ("probe", "stack probe"):
                self.stores.probes[each.job, each.address] = 1
        self._services = {
            port.published: service.name
            for service in self.environment.estate.services
            for port in service.published
            if port.published
        } | {httpx.URL(each.elsewhere).port or 0: each.name for each in self.environment.estate.borrowed}

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._answer))

    def site(self, patience: float = PATIENCE, **changes: Any) -> Site:
        """The site that a check looks at; `changes` are made to every container."""
        return Site(self.environment, self.running(**changes), self.client(), Deadline.within(patience))

    def running(self, **changes: Any) -> dict[str, Running]:
        """The containers as Docker tells them."""
        found = running(self.environment, **changes)
        return found | {name: replace(found[name], status=state) for name, state in self.halted.items()}

    def bodies(self, path: str) -> list[Any]:
        return [json.loads(request.content) for request in self.requests if request.url.path == path]

    def printed(self, service: str, text: str, age: float = 0.0) -> Line:
        """A line that a container printed and that the log agent brought to Loki."""
        line = Line(time.time_ns() - int(age * 10**9), service, text)
        self.stores.ship({"environment": "test", "service": service, "stream": "stderr"}, line)
        return line

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        service, path = self._services.get(request.url.port or 0, ""), request.url.path
        for key in (f"{service}:{path}", path):
            if key in self.lost:
                raise self.lost[key]
            if key in self.answers:
                return self.answers[key]
        if not service or self.refused:
            raise httpx.ConnectError("[Errno 111] Connection refused", request=request)
        facts: dict[str, Callable[[], httpx.Response]] = {
            "/api/health": lambda: httpx.Response(200, json={"database": "ok", "version": BOARD_VERSION}),
            "/api/v1/targets": lambda: data({"activeTargets": list(self.targets.values())}),
            "/api/v1/status/runtimeinfo": lambda: data({"storageRetention": "3d or 1GiB"}),
            "/config": lambda: httpx.Response(200, text="limits_config:\n  retention_period: 3d\n"),
            "/status/config": lambda: httpx.Response(
                200, text="GET /status/config\n---\ncompactor:\n  compaction:\n    block_retention: 72h0m0s\n"
            ),
        }
        if service in (board.NAME, grafana.NAME) and path == "/api/search":
            return self._boards(service)
        return facts[path]() if path in facts else self.stores.answer(service, request)

    def _boards(self, service: str) -> httpx.Response:
        """All that are provisioned, as Grafana lists them."""
        config = self.environment.service(service).config
        assert config is not None
        texts = [text for path, text in config.files.items() if path.endswith(".json")]
        return httpx.Response(200, json=[{"uid": json.loads(text)["uid"]} for text in texts])


def target(pool: str, address: str, *, job: str = "", health: str = "up", error: str = "") -> dict[str, Any]:
    """One active scrape target as Prometheus tells it."""
    return {
        "scrapePool": pool,
        "discoveredLabels": {"__address__": address},
        "labels": {"job": job or pool},
        "health": health,
        "lastError": error,
        "lastScrapeDuration": 0.004,
        "scrapeUrl": f"http://{address}/metrics",
        "scrapeInterval": "15s",
    }
