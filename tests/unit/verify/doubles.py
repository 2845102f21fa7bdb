"""A pretended estate: an environment as declared, its containers as Docker would tell them, and what answers HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx

from pointsman.declared import Declared
from pointsman.images import ImageRef, Resolution
from pointsman.logs import Line
from pointsman.resources.provider.kinds import Deadline
from pointsman.services.estate import compose
from pointsman.services.model import Machine
from pointsman.spec.models import Environment
from pointsman.targets.docker.container import plan
from pointsman.targets.docker.engine import Running
from pointsman.verify.site import Site

SPEC = Environment.model_validate(
    {
        # No port is a default: an address that is written a second time somewhere is found by what does not answer.
        "ports": {"prometheus": 19090, "loki": 13100, "log_agent": 19080, "node_exporter": 19100},
        "prometheus": {
            "retention": {"time": "3d", "size": "1GiB"},
            "extra_targets": [{"job": "builds", "targets": ["build-1:9100"], "labels": {"job": "renamed"}}],
        },
        "loki": {"retention": "3d"},
    }
)
PATIENCE = 0.4


def declared(spec: Environment = SPEC) -> Declared:
    """The environment `test` of a spec, each image with an id of its own."""
    estate = compose("test", spec, "promtail", Machine())
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
    return Declared(estate, "estate", plans, Resolution(images, "promtail", []))


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
        )
        for name, planned in environment.plans.items()
    }
    return {name: replace(each, **changes) for name, each in found.items()}


@dataclass
class World:
    """Prometheus, Loki and whatever else answers; a test breaks what it wants broken.

    `answers` replaces the answer to a path, `lost` makes it fail on the way; `requests` are all that came.
    """

    environment: Declared = field(default_factory=declared)
    answers: dict[str, httpx.Response] = field(default_factory=dict)
    lost: dict[str, Exception] = field(default_factory=dict)
    targets: list[dict[str, Any]] = field(default_factory=list)
    samples: list[int] = field(default_factory=list)
    lines: list[tuple[dict[str, str], Line]] = field(default_factory=list)
    labels: tuple[str, ...] = ("environment", "service", "stream", "service_name")
    ingest: bool = True
    requests: list[httpx.Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.targets = [
            *(target(each.name, each.address) for each in self.environment.estate.services if each.metrics),
            target("builds", "build-1:9100", job="renamed"),
        ]

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._answer))

    def site(self, **changes: Any) -> Site:
        """The site that a check looks at; `changes` are made to every container."""
        found = running(self.environment, **changes)
        return Site(self.environment, found, self.client(), Deadline.within(PATIENCE))

    def bodies(self, path: str) -> list[Any]:
        return [json.loads(request.content) for request in self.requests if request.url.path == path]

    def printed(self, service: str, text: str, age: float = 0.0) -> Line:
        """A line that a container printed and that the log agent brought to Loki."""
        line = Line(time.time_ns() - int(age * 10**9), service, text)
        self.lines.append(({"environment": "test", "service": service, "stream": "stderr"}, line))
        return line

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path = request.url.path
        if path in self.lost:
            raise self.lost[path]
        if path in self.answers:
            return self.answers[path]
        published = {each.published for each in self.environment.estate.services if each.published}
        if request.url.port not in published:
            raise httpx.ConnectError("[Errno 111] Connection refused", request=request)
        known: dict[str, Callable[[httpx.Request], httpx.Response]] = {
            "/api/v1/otlp/v1/metrics": self._otlp,
            "/api/v1/query": self._promql,
            "/api/v1/targets": lambda _: data({"activeTargets": self.targets}),
            "/api/v1/status/runtimeinfo": lambda _: data({"storageRetention": "3d or 1GiB"}),
            "/loki/api/v1/push": self._push,
            "/loki/api/v1/query_range": self._logql,
            "/loki/api/v1/labels": lambda _: data(list(self.labels)),
            "/config": lambda _: httpx.Response(200, text="limits_config:\n  retention_period: 3d\n"),
            "/metrics": lambda _: httpx.Response(200, text='prometheus_build_info{version="3.15.0"} 1\n'),
        }
        return known[path](request) if path in known else httpx.Response(200, text="ready")

    def _otlp(self, request: httpx.Request) -> httpx.Response:
        metric = json.loads(request.content)["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]
        if self.ingest:
            self.samples.append(int(metric["gauge"]["dataPoints"][0]["asInt"]))
        return httpx.Response(200)

    def _promql(self, request: httpx.Request) -> httpx.Response:
        values = [[time.time(), str(sample)] for sample in self.samples]
        return data({"result": [{"metric": {}, "values": values}] if values else []})

    def _push(self, request: httpx.Request) -> httpx.Response:
        for stream in json.loads(request.content)["streams"] if self.ingest else ():
            for at, text in stream["values"]:
                self.lines.append((stream["stream"], Line(int(at), stream["stream"]["service"], text)))
        return httpx.Response(204)

    def _logql(self, request: httpx.Request) -> httpx.Response:
        asked = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
        selected, _, filtered = asked["query"].partition(" |= ")
        since, until = int(asked["start"]), int(asked["end"])
        found = [
            (labels, line)
            for labels, line in self.lines
            if since <= line.at < until
            and all(f'{name}="{value}"' in selected for name, value in labels.items() if f'{name}="' in selected)
            and (not filtered or json.loads(filtered) in line.text)
            and ("stdout|stderr" not in selected or labels["stream"] in ("stdout", "stderr"))
        ]
        newest = sorted(found, key=lambda each: each[1].at)[-int(asked["limit"]) :]
        return data({"result": [{"stream": each, "values": [[str(line.at), line.text]]} for each, line in newest]})


def data(value: Any) -> httpx.Response:
    """A JSON answer in the envelope of Prometheus and Loki."""
    return httpx.Response(200, json={"status": "success", "data": value})


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
