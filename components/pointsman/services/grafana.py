"""Grafana: dashboards over the stores; its data sources and their links derive from the services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pointsman.services.model import Config, Exposed, Probe, RestartInPlace, Service
from pointsman.signals.dashboards import FOLDER
from pointsman.signals.dashboards.files import Draw, Files, chosen, name
from pointsman.spec.models import Environment
from pointsman.spec.scalars import size_bytes
from pointsman.yaml_text import yaml_text

NAME = "grafana"
PORT = 3000
CONFIG = "/etc/grafana/provisioning"
DATA = "/var/lib/grafana"
DASHBOARDS = "dashboards"


def service(
    spec: Environment, metrics: Service, logs: Service, traces: Service | None, alerts: Service | None, draw: Draw
) -> Service:
    """Grafana without any account: everybody who reaches it may look, nobody may change, all comes from files.

    `draw` makes each dashboard its text.
    """
    declared = spec.grafana
    return Service(
        name=NAME,
        image="grafana",
        command=("/run.sh",),
        exposed=(Exposed("http", PORT, spec.ports.grafana, "ports.grafana"),),
        memory=size_bytes(declared.resources.memory),
        cpus=declared.resources.cpus,
        variables={
            "GF_PATHS_PROVISIONING": f"{CONFIG}/current",
            "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",
            "GF_AUTH_ANONYMOUS_ENABLED": "true",
            "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
            "GF_AUTH_DISABLE_LOGIN_FORM": "true",
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
            "GF_NEWS_NEWS_FEED_ENABLED": "false",
        },
        ready=Probe("/api/health"),
        config=Config(
            directory=CONFIG,
            files=provisioning(spec, metrics, logs, traces, alerts, draw),
            # Grafana has no validator of provisioning files; a refused one shows as a start that fails.
            validate=(),
            reload=RestartInPlace(),
        ),
        data=DATA,
    )


def provisioning(
    spec: Environment,
    metrics: Service,
    logs: Service,
    traces: Service | None,
    alerts: Service | None,
    draw: Draw,
) -> Mapping[str, str]:
    """The files of the provisioning folder: data sources, where the dashboards are, and the dashboards.

    These are no templates, unlike the files before them: in them a `$` is a `$`.
    """
    sources = _sources(metrics, logs, traces, alerts)
    there = {
        "datasources/datasources.yml": yaml_text({"apiVersion": 1, "prune": True, "datasources": sources}),
        f"{DASHBOARDS}/{DASHBOARDS}.yml": yaml_text(_folder()),
    }
    boards = chosen(spec, {each["uid"] for each in sources})
    return Files(there, {f"{DASHBOARDS}/{name(board)}": board for board in boards}, draw)


def _folder() -> dict[str, Any]:
    provider = {
        "name": "pointsman",
        "folder": FOLDER,
        "folderUid": FOLDER.lower(),
        "type": "file",
        "allowUiUpdates": False,
        "options": {"path": f"{CONFIG}/current/{DASHBOARDS}"},
    }
    return {"apiVersion": 1, "providers": [provider]}


def _sources(metrics: Service, logs: Service, traces: Service | None, alerts: Service | None) -> list[dict[str, Any]]:
    """The stores, each linked to the others: exemplar → trace, log line → trace, trace → its logs and rates."""
    sources = [
        _source(metrics, "prometheus", isDefault=True, jsonData=_metrics_links(traces, alerts)),
        _source(logs, "loki", jsonData=_logs_links(traces)),
    ]
    if traces:
        sources.append(_source(traces, "tempo", jsonData=_traces_links(metrics, logs)))
    if alerts:
        sources.append(_source(alerts, "alertmanager", jsonData={"implementation": "prometheus"}))
    return sources


def _metrics_links(traces: Service | None, alerts: Service | None) -> dict[str, Any]:
    links: dict[str, Any] = {"prometheusType": "Prometheus"}
    if traces:
        names = ("trace_id", "traceID")
        links["exemplarTraceIdDestinations"] = [{"name": name, "datasourceUid": traces.name} for name in names]
    if alerts:
        links["alertmanagerUid"] = alerts.name
    return links


def _logs_links(traces: Service | None) -> dict[str, Any]:
    if traces is None:
        return {}
    link = {"url": "$${__value.raw}", "datasourceUid": traces.name}
    in_text = r"trace_?id[\"']?[=:] ?[\"']?([0-9a-fA-F]{32})"
    return {
        "derivedFields": [
            {"name": "trace", "matcherType": "label", "matcherRegex": "trace_id", **link},
            {"name": "trace in text", "matcherRegex": in_text, **link},
        ]
    }


def _traces_links(metrics: Service, logs: Service) -> dict[str, Any]:
    tags = [{"key": "service.name", "value": "service_name"}]
    # Without it a link shows what was seen while the span lasted, when nothing was counted of it yet.
    around = {"spanStartTimeShift": "-5m", "spanEndTimeShift": "5m"}
    rate = {"name": "request rate", "query": "sum(rate(traces_span_metrics_calls_total{$$__tags}[5m]))"}
    return {
        "tracesToLogsV2": {
            "datasourceUid": logs.name,
            "tags": tags,
            "filterByTraceID": True,
            **around,
        },
        "tracesToMetrics": {"datasourceUid": metrics.name, "tags": tags, "queries": [rate], **around},
        "serviceMap": {"datasourceUid": metrics.name},
        "nodeGraph": {"enabled": True},
    }


def _source(service: Service, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "name": service.name.capitalize(),
        "uid": service.name,
        "type": kind,
        "access": "proxy",
        "url": service.url(),
        "editable": False,
        **more,
    }
