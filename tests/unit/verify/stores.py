"""What the pretended services keep and pass on: a signal that one of them takes goes on as it would in an estate."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx

from pointsman.logs import Line

Labels = dict[str, str]
_SELECTOR = re.compile(r"(?:last_over_time\()?(\w+)\{(.*)\}(\[1m\])?(?:\[(\d+)s\]\))?$")
_MATCHER = re.compile(r'(\w+)(=~|=)"([^"]*)"')
ITEMS = {"metrics": "metric_points", "logs": "log_records", "traces": "spans"}


@dataclass
class Stores:
    """Collector, Prometheus, Loki, Tempo, Alertmanager, alert sink and log agent in one.

    `stuck` are the ends that a signal does not reach: names of signals that the Collector keeps (`metrics`, `logs`,
    `traces`), and `id`, `search`, `span metrics`, `exemplar`, `rule`, `route`, `receiver`, `read`, `sent`.
    """

    stuck: set[str] = field(default_factory=set)
    counters: dict[str, float] = field(default_factory=dict)
    samples: list[tuple[str, Labels, float, float]] = field(default_factory=list)
    lines: list[tuple[Labels, Line]] = field(default_factory=list)
    traces: dict[str, int] = field(default_factory=dict)
    exemplars: list[tuple[str, float]] = field(default_factory=list)
    notifications: list[dict[str, Any]] = field(default_factory=list)
    probes: dict[tuple[str, str], float] = field(default_factory=dict)
    labels: tuple[str, ...] = ("environment", "service", "stream", "service_name")
    series: set[str] = field(default_factory=set)

    def answer(self, service: str, request: httpx.Request) -> httpx.Response:
        """What a service answers to a request that no test has taken away."""
        asked = {name: values[-1] for name, values in parse_qs(request.url.query.decode()).items()}
        path = request.url.path
        if path == "/metrics":
            return httpx.Response(200, text=self._exposition())
        if service == "collector" and path.startswith("/v1/"):
            return self._otlp(path.removeprefix("/v1/"), json.loads(request.content))
        if path.startswith("/api/traces/"):
            return self._by_id(path.rpartition("/")[2])
        known: dict[str, Callable[[dict[str, str]], httpx.Response]] = {
            "/api/v1/query": self._promql,
            "/api/v1/query_exemplars": self._exemplars,
            "/api/v1/alerts": lambda _: data({"alerts": list(self._alerts())}),
            "/api/v2/alerts": self._routed,
            "/notifications": self._received,
            "/loki/api/v1/query_range": self._logql,
            "/loki/api/v1/labels": lambda _: data(list(self.labels)),
            "/api/search": self._searched,
        }
        return known[path](asked) if path in known else httpx.Response(200, text="ready")

    def ship(self, labels: Labels, line: Line) -> None:
        """A line that a container printed, on its way through the log agent."""
        for counter, kind in (
            ("promtail_docker_target_entries_total", "read"),
            ("promtail_sent_entries_total", "sent"),
        ):
            if kind in self.stuck:
                return
            self._count(counter)
        self.lines.append((labels, line))

    def _count(self, name: str, by: float = 1) -> None:
        self.counters[name] = self.counters.get(name, 0) + by

    def _exposition(self) -> str:
        lines = [f"{name} {value}" for name, value in self.counters.items()]
        return "\n".join(['prometheus_build_info{version="3.15.0"} 1', *lines, ""])

    def _otlp(self, signal: str, body: dict[str, Any]) -> httpx.Response:
        self._count(f'otelcol_receiver_accepted_{ITEMS[signal]}{{receiver="otlp"}}')
        if signal not in self.stuck:
            exporter = "otlp_grpc/traces" if signal == "traces" else f"otlp_http/{signal}"
            self._count(f'otelcol_exporter_sent_{ITEMS[signal]}{{exporter="{exporter}"}}')
            {"metrics": self._keep_metric, "logs": self._keep_log, "traces": self._keep_trace}[signal](body)
        return httpx.Response(200, json={"partialSuccess": {}})

    def _keep_metric(self, body: dict[str, Any]) -> None:
        resource = body["resourceMetrics"][0]
        metric = resource["scopeMetrics"][0]["metrics"][0]
        point = metric["gauge"]["dataPoints"][0]
        labels = {"job": _attributes(resource["resource"])["service.name"], **_attributes(point)}
        self._sample(metric["name"], labels, float(point["asInt"]))
        if (
            metric["name"] == "pointsman_verify_alert"
            and any(self._alerts())
            and not {"route", "receiver"} & self.stuck
        ):
            known = [each["labels"]["run"] for each in self._alerts()]
            alerts = [{"status": "firing", "labels": {"alertname": "PointsmanVerify", "run": run}} for run in known]
            self.notifications.insert(0, {"received": f"{time.time():.9f}", "alerts": alerts})

    def _sample(self, name: str, labels: Labels, value: float) -> None:
        self.series.add(f"{name}{sorted(labels.items())}")
        self.samples.append((name, labels, value, time.time()))

    def _keep_log(self, body: dict[str, Any]) -> None:
        resource = body["resourceLogs"][0]
        record = resource["scopeLogs"][0]["logRecords"][0]
        labels = {"service_name": _attributes(resource["resource"])["service.name"]}
        self.series.add(f"log{sorted(labels.items())}")
        self.lines.append((labels, Line(int(record["timeUnixNano"]), "", record["body"]["stringValue"])))

    def _keep_trace(self, body: dict[str, Any]) -> None:
        found = [(each, span) for each in body["resourceSpans"] for span in each["scopeSpans"][0]["spans"]]
        trace = found[0][1]["traceId"]
        self.traces[trace] = len(found)
        services = [_attributes(each["resource"])["service.name"] for each, _ in found]
        if "metrics" not in self.stuck:
            self._count('otelcol_exporter_sent_metric_points{exporter="otlp_http/metrics"}')
        if "span metrics" not in self.stuck:
            for name in services:
                self._rise("traces_span_metrics_calls_total", {"service_name": name})
            client, server = services
            self._rise("traces_service_graph_request_total", {"client": client, "server": server})
        if "exemplar" not in self.stuck:
            self.exemplars.append((trace, time.time()))

    def _rise(self, name: str, labels: Labels) -> None:
        before = [value for known, found, value, _ in self.samples if (known, found) == (name, labels)]
        self._sample(name, labels, (before or [0])[-1] + 1)

    def _alerts(self) -> Iterator[dict[str, Any]]:
        last = {labels["run"]: value for name, labels, value, _ in self.samples if name == "pointsman_verify_alert"}
        if "rule" not in self.stuck:
            for run, value in last.items():
                if value == 1:
                    yield {"state": "firing", "labels": {"alertname": "PointsmanVerify", "run": run}}

    def _routed(self, asked: dict[str, str]) -> httpx.Response:
        wanted = asked["filter"].partition('"')[2].rstrip('"')
        there = [each for each in self._alerts() if wanted in each["labels"].values()]
        return httpx.Response(200, json=[] if "route" in self.stuck else there)

    def _received(self, asked: dict[str, str]) -> httpx.Response:
        return httpx.Response(200, json=[each for each in self.notifications if asked["match"] in json.dumps(each)])

    def _by_id(self, trace: str) -> httpx.Response:
        if trace not in self.traces or "id" in self.stuck:
            return httpx.Response(404, text="trace not found")
        return httpx.Response(200, json={"batches": [{"scopeSpans": [{"spans": [{}] * self.traces[trace]}]}]})

    def _searched(self, asked: dict[str, str]) -> httpx.Response:
        found = [trace for trace in self.traces if f'"{trace}"' in asked["q"] and "search" not in self.stuck]
        # Tempo leaves out zeros at the beginning of an id.
        return httpx.Response(200, json={"traces": [{"traceID": trace.lstrip("0")} for trace in found]})

    def _exemplars(self, asked: dict[str, str]) -> httpx.Response:
        every = [{"labels": {"trace_id": trace}, "timestamp": at} for trace, at in self.exemplars]
        return data([{"exemplars": every}] if every else [])

    def _promql(self, asked: dict[str, str]) -> httpx.Response:
        if asked["query"] == "probe_success":
            probes = [({"job": job, "instance": at}, value) for (job, at), value in self.probes.items()]
            return data({"result": [{"metric": labels, "value": [0, str(value)]} for labels, value in probes]})
        parsed = _SELECTOR.match(asked["query"])
        assert parsed, asked["query"]
        name, matchers, ranged, within = parsed.groups()
        oldest = time.time() - float(within) if within else 0.0
        wanted = {label: value for label, _, value in _MATCHER.findall(matchers)}
        rows = [
            (labels, [at, str(int(value))])
            for known, labels, value, at in self.samples
            if known == name and at >= oldest and all(labels.get(label) == value for label, value in wanted.items())
        ]
        if ranged:
            return data({"result": [{"metric": labels, "values": [value]} for labels, value in rows]})
        latest = {json.dumps(labels): (labels, value) for labels, value in rows}
        return data({"result": [{"metric": labels, "value": value} for labels, value in latest.values()]})

    def _logql(self, asked: dict[str, str]) -> httpx.Response:
        selected, _, filtered = asked["query"].partition(" |= ")
        since, until = int(asked["start"]), int(asked["end"])
        wanted = {label: value for label, kind, value in _MATCHER.findall(selected) if kind == "="}
        found = [
            (labels, line)
            for labels, line in self.lines
            if since <= line.at < until
            and all(labels.get(label) == value for label, value in wanted.items())
            and (not filtered or json.loads(filtered) in line.text)
            and ("stdout|stderr" not in selected or labels["stream"] in ("stdout", "stderr"))
        ]
        newest = sorted(found, key=lambda each: each[1].at)[-int(asked["limit"]) :]
        return data({"result": [{"stream": each, "values": [[str(line.at), line.text]]} for each, line in newest]})


def data(value: Any) -> httpx.Response:
    """A JSON answer in the envelope of Prometheus and Loki."""
    return httpx.Response(200, json={"status": "success", "data": value})


def _attributes(holder: dict[str, Any]) -> Labels:
    return {each["key"]: each["value"]["stringValue"] for each in holder.get("attributes", ())}
