"""The GitHub exporter: asks GitHub for runners, queues, secrets and rate limit, once for the whole environment."""

from __future__ import annotations

import json

from pointsman.services import github_standin
from pointsman.services.fleet import Fleet
from pointsman.services.model import Config, Exposed, Probe, RestartInPlace, SecretSource, Service
from pointsman.spec.models import Environment
from pointsman.spec.scalars import duration_seconds, size_bytes

NAME = "github-exporter"
PORT = 9103
CONFIG = "/etc/github-exporter"
SETTINGS = "settings.json"
TOKEN = "token"


def token_source(spec: Environment, fleet: Fleet) -> SecretSource:
    """Where the token is that registers runners and reads their state; the stand-in's own is made when it is needed."""
    if declared := spec.runners.github.token:
        return SecretSource(file=declared.file or "", environment=declared.environment or "")
    return SecretSource(file=fleet.standin.token_file if fleet.standin else "", generated=True)


def service(spec: Environment, token: SecretSource) -> Service:
    """The exporter of what `runners.github` names, or of the stand-in; `token` is good for it."""
    declared, github = spec.runners.exporter, spec.runners.github
    settings = {
        "url": github.url or github_standin.URL,
        "api_url": github.api_url or "",
        "token_file": f"{CONFIG}/current/{TOKEN}",
        "port": PORT,
        "interval": duration_seconds(declared.interval),
        "repositories": github.repositories,
        "secrets": declared.secrets,
    }
    return Service(
        name=NAME,
        image="github-exporter",
        command=(
            *("/usr/bin/python3", "-m", "pointsman.github_exporter"),
            *("--settings", f"{CONFIG}/current/{SETTINGS}"),
        ),
        exposed=(Exposed("http", PORT, spec.ports.github_exporter, "ports.github_exporter"),),
        memory=size_bytes(declared.resources.memory),
        cpus=declared.resources.cpus,
        ready=Probe("/healthz"),
        config=Config(
            directory=CONFIG,
            files={SETTINGS: json.dumps(settings, indent=2) + "\n"},
            validate=(),
            reload=RestartInPlace(),
            secrets={TOKEN: token},
        ),
        after=(github_standin.NAME,) if github.url is None else (),
    )
