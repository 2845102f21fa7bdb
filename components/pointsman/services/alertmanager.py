"""Alertmanager: groups what Prometheus finds wrong, and tells the receivers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pointsman.errors import UsageError
from pointsman.services import alert_sink, notifier
from pointsman.services.model import Config, Exposed, HttpReload, Probe, Service
from pointsman.services.receivers import TEMPLATE, TEMPLATES, rendered, secret_sources, texts
from pointsman.signals.routes import Route, routes
from pointsman.signals.walking import Told, walk
from pointsman.spec.alerting import MuteTime
from pointsman.spec.models import Environment
from pointsman.spec.scalars import size_bytes
from pointsman.yaml_text import yaml_text

NAME = "alertmanager"
PORT = 9093
CONFIG = "/etc/alertmanager"
DATA = "/alertmanager"


def service(spec: Environment, sink: Service, tells: Service | None) -> Service:
    """One Alertmanager, without a cluster; its config is drawn from the routes of the signals."""
    return Service(
        name=NAME,
        image="alertmanager",
        command=(
            "/bin/alertmanager",
            f"--config.file={CONFIG}/current/alertmanager.yml",
            f"--storage.path={DATA}",
            f"--web.listen-address=:{PORT}",
            # What messages lead to; by default the container's own name, which nobody outside reaches.
            f"--web.external-url={spec.network.url(spec.ports.alertmanager)}",
            # Empty: a single Alertmanager opens no port for peers.
            "--cluster.listen-address=",
        ),
        exposed=(Exposed("http", PORT, spec.ports.alertmanager, "ports.alertmanager"),),
        memory=size_bytes(spec.alertmanager.resources.memory),
        cpus=spec.alertmanager.resources.cpus,
        ready=Probe("/-/ready"),
        config=Config(
            directory=CONFIG,
            files={"alertmanager.yml": yaml_text(config(spec, sink, tells)), TEMPLATE: texts(spec)},
            validate=("/bin/amtool", "check-config", "{release}/alertmanager.yml"),
            reload=HttpReload(
                path="/-/reload",
                succeeded="alertmanager_config_last_reload_successful",
                at="alertmanager_config_last_reload_success_timestamp_seconds",
            ),
            secrets=secret_sources(spec),
        ),
        data=DATA,
    )


def config(spec: Environment, sink: Service, tells: Service | None) -> dict[str, Any]:
    """Alertmanager's config; `tells` is the notifier, None where there is none."""
    declared = spec.alertmanager
    console = notifier.CONSOLE if tells else ""
    return {
        "route": {
            "receiver": sink.name,
            "group_by": declared.group_by,
            "group_wait": declared.group_wait,
            "group_interval": declared.group_interval,
            "repeat_interval": declared.repeat_interval,
            "routes": [_route(each) for each in routes(sink.name, console, declared)],
        },
        # What is worse explains the lesser about the same thing. A label that neither has is alike.
        "inhibit_rules": [
            _inhibition("critical", "warning|info", declared.inhibit_by),
            _inhibition("warning", "info", declared.inhibit_by),
        ],
        **({"time_intervals": [_mute_time(each) for each in declared.mute_times]} if declared.mute_times else {}),
        "receivers": rendered(spec, sink, tells, f"{CONFIG}/current"),
        "templates": [f"{TEMPLATES}/*.tmpl"],
    }


def told(spec: Environment, labels: Mapping[str, str], environment: str) -> tuple[Told, ...]:
    """Who is told of an alert with `labels` in `environment`, whose name Prometheus adds to every alert.

    Raises UsageError where the environment has no Alertmanager.
    """
    if not spec.alertmanager.enabled:
        raise UsageError(
            f"environment {environment} has no Alertmanager",
            remedy=f"set alertmanager.enabled to true in stacks/{environment}.yaml",
        )
    tells = notifier.service(spec) if spec.notifier.enabled else None
    whole = {"environment": environment, **spec.prometheus.external_labels, **labels}
    return walk(config(spec, alert_sink.service(spec), tells), whole)


def _inhibition(source: str, target: str, equal: list[str]) -> dict[str, Any]:
    return {
        "source_matchers": [f'severity="{source}"'],
        "target_matchers": [f'severity=~"{target}"'],
        "equal": equal,
    }


def _mute_time(declared: MuteTime) -> dict[str, Any]:
    times = [{"start_time": each.begin, "end_time": each.end} for each in declared.hours]
    interval = {
        **({"weekdays": list(declared.weekdays)} if declared.weekdays else {}),
        **({"times": times} if times else {}),
        "location": declared.time_zone,
    }
    return {"name": declared.name, "time_intervals": [interval]}


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
        **({"mute_time_intervals": list(route.mute_times)} if route.mute_times else {}),
        **({"continue": True} if route.goes_on else {}),
    }
