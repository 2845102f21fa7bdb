"""Alertmanager: groups what Prometheus finds wrong, and tells the receivers."""

from __future__ import annotations

from typing import Any

from pointsman.services.alert_sink import WEBHOOK
from pointsman.services.model import Config, Exposed, HttpReload, Probe, Service
from pointsman.signals.routes import Route, routes
from pointsman.spec.models import Environment
from pointsman.spec.scalars import size_bytes
from pointsman.yaml_text import yaml_text

NAME = "alertmanager"
PORT = 9093
CONFIG = "/etc/alertmanager"
DATA = "/alertmanager"


def service(spec: Environment, sink: Service) -> Service:
    """One Alertmanager, without a cluster; its config is drawn from the routes of the signals."""
    return Service(
        name=NAME,
        image="alertmanager",
        command=(
            "/bin/alertmanager",
            f"--config.file={CONFIG}/current/alertmanager.yml",
            f"--storage.path={DATA}",
            f"--web.listen-address=:{PORT}",
            # Empty: a single Alertmanager opens no port for peers.
            "--cluster.listen-address=",
        ),
        exposed=(Exposed("http", PORT, spec.ports.alertmanager, "ports.alertmanager"),),
        memory=size_bytes(spec.alertmanager.resources.memory),
        cpus=spec.alertmanager.resources.cpus,
        ready=Probe("/-/ready"),
        config=Config(
            directory=CONFIG,
            files={"alertmanager.yml": yaml_text(_config(spec, sink))},
            validate=("/bin/amtool", "check-config", "{release}/alertmanager.yml"),
            reload=HttpReload(
                path="/-/reload",
                succeeded="alertmanager_config_last_reload_successful",
                at="alertmanager_config_last_reload_success_timestamp_seconds",
            ),
        ),
        data=DATA,
    )


def _config(spec: Environment, sink: Service) -> dict[str, Any]:
    declared = spec.alertmanager
    urls = {sink.name: f"http://{sink.address()}{WEBHOOK}", **{each.name: each.url for each in declared.receivers}}
    return {
        "route": {
            "receiver": sink.name,
            "group_by": ["alertname", "environment", "service"],
            "group_wait": declared.group_wait,
            "group_interval": declared.group_interval,
            "repeat_interval": declared.repeat_interval,
            "routes": [_route(each) for each in routes(sink.name, declared)],
        },
        # What is critical explains the warnings about the same thing.
        "inhibit_rules": [
            {
                "source_matchers": ['severity="critical"'],
                "target_matchers": ['severity=~"warning|info"'],
                "equal": ["alertname", "environment", "service"],
            }
        ],
        "receivers": [{"name": name, "webhook_configs": [{"url": url}]} for name, url in urls.items()],
    }


def _route(route: Route) -> dict[str, Any]:
    timing = {
        "group_wait": route.group_wait,
        "group_interval": route.group_interval,
        "repeat_interval": route.repeat_interval,
    }
    return {
        "receiver": route.receiver,
        "matchers": list(route.matchers),
        **({"group_by": list(route.group_by)} if route.group_by else {}),
        **{key: value for key, value in timing.items() if value},
        **({"continue": True} if route.goes_on else {}),
    }
