"""The notifier: the log of all alerts, and the way to receivers that Alertmanager cannot tell itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pointsman.services.model import Config, Exposed, Probe, RestartInPlace, SecretSource, Service
from pointsman.spec.models import Environment
from pointsman.spec.receivers import Discord, GitHubIssue
from pointsman.spec.scalars import size_bytes
from pointsman.spec.secrets import Secret, Token

NAME = "notifier"
PORT = 9002
CONFIG = "/etc/notifier"
SETTINGS = "settings.json"
EVERY_ADDRESS, LOOPBACK = "0.0.0.0", "127.0.0.1"
CONSOLE = "console"
"""The receiver whose notifications only become lines of its log."""


def service(spec: Environment) -> Service:
    """The notifier with every receiver of the spec that is told by it."""
    receivers = [each for each in spec.alertmanager.receivers if each.by_notifier]
    settings = {
        "port": PORT,
        "dashboards": dashboards(spec),
        "github": {each.name: _github(each) for each in receivers if isinstance(each, GitHubIssue)},
        "discord": {each.name: {"url_file": _path(each.name)} for each in receivers if isinstance(each, Discord)},
    }
    return Service(
        name=NAME,
        image=NAME,
        command=("/usr/bin/python3", "-m", "pointsman.notifier", "--settings", f"{CONFIG}/current/{SETTINGS}"),
        exposed=(Exposed("http", PORT, spec.ports.notifier, "ports.notifier"),),
        memory=size_bytes(spec.notifier.resources.memory),
        cpus=spec.notifier.resources.cpus,
        ready=Probe("/healthz"),
        config=Config(
            directory=CONFIG,
            files={SETTINGS: json.dumps(settings, indent=2) + "\n"},
            validate=(),
            reload=RestartInPlace(),
            secrets={f"secrets/{each.name}": source(secret) for each in receivers for _, secret in each.secrets()},
        ),
    )


def paths(spec: Environment) -> Iterator[tuple[str, str]]:
    """Where Alertmanager posts for the console and for each receiver that is told by the notifier."""
    yield CONSOLE, f"/{CONSOLE}"
    for each in spec.alertmanager.receivers:
        if each.by_notifier:
            yield each.name, f"/{'github' if isinstance(each, GitHubIssue) else 'discord'}/{each.name}"


def dashboards(spec: Environment) -> str:
    """What the address of a dashboard begins with, for who reads a notification on this machine."""
    bind = str(spec.network.bind)
    return f"http://{LOOPBACK if bind == EVERY_ADDRESS else bind}:{spec.ports.grafana}"


def source(secret: Secret) -> SecretSource:
    """Where a secret of the spec is read when it is delivered."""
    what = "" if isinstance(secret, Token) else secret.called
    return SecretSource(file=secret.file or "", environment=secret.environment or "", what=what)


def _github(receiver: GitHubIssue) -> dict[str, Any]:
    return {
        "url": f"{receiver.server}/{receiver.repository}",
        "api_url": receiver.api_url or "",
        "token_file": _path(receiver.name),
        "labels": receiver.labels,
    }


def _path(name: str) -> str:
    return f"{CONFIG}/current/secrets/{name}"
