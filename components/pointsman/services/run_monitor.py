"""The run monitor: watches a store of runs, and archives, reports and tells of what becomes of them."""

from __future__ import annotations

import posixpath
from typing import Any

from pointsman.services import notifier
from pointsman.services.model import Config, Exposed, HostMount, Machine, Probe, RestartInPlace, SecretSource, Service
from pointsman.spec.models import Environment
from pointsman.spec.run_alerts import BUILT_IN
from pointsman.spec.run_monitor import SQLITE, WatchedStore
from pointsman.spec.scalars import size_bytes
from pointsman.yaml_text import yaml_text

NAME = "run-monitor"
PORT = 9465
CONFIG = "/etc/run-monitor"
DATA = "/var/lib/run-monitor"
SETTINGS, ALERTS, MAPPING = "monitor.yaml", "alerts.yaml", "mapping.yaml"
PASSWORD, TOKEN = "store-password", "github-token"
COMMAND = ("/usr/bin/python3", "-m", "pointsman.monitor", "--settings", f"{CONFIG}/current/{SETTINGS}")
SQLITE_WAIVER = "the runs store is a file of this machine that other programs write; the monitor only reads it"
ARTIFACTS_WAIVER = "what runs made lies in this folder of the machine, and is read to be archived"


def service(spec: Environment, machine: Machine, alerts: Service | None, spans: Service | None) -> Service:
    """The monitor of the declared store. Alerts go to `alerts`, spans to `spans`, where they are there."""
    declared = spec.monitor
    files = {SETTINGS: yaml_text(settings(spec, machine, spans)), ALERTS: yaml_text(_alerts(spec, alerts))}
    if declared.store.mapping:
        files[MAPPING] = yaml_text(declared.store.mapping.model_dump(mode="json", exclude_unset=True))
    return Service(
        name=NAME,
        image=NAME,
        command=COMMAND,
        exposed=(Exposed("http", PORT, spec.ports.monitor, "ports.monitor"),),
        memory=size_bytes(declared.resources.memory),
        cpus=declared.resources.cpus,
        # Not whether the store answers: that is an alert, and no reason to call what is deployed broken.
        ready=Probe("/healthz"),
        config=Config(
            directory=CONFIG, files=files, validate=(), reload=RestartInPlace(), secrets=_secrets(declared.store, spec)
        ),
        data=DATA,
        mounts=mounts(declared.store, machine),
    )


def settings(spec: Environment, machine: Machine, spans: Service | None) -> dict[str, Any]:
    """monitor.yaml as the container reads it."""
    declared, store = spec.monitor, spec.monitor.store
    artifacts = _artifacts(store, machine)
    github = declared.github
    return {
        "store": {
            "url": f"{SQLITE}{path}" if (path := database(store, machine)) else store.url,
            **({"password_file": _here(PASSWORD)} if store.password else {}),
            **({"mapping": _here(MAPPING)} if store.mapping else {}),
            **({"estate_id": store.estate_id} if store.estate_id else {}),
            **({"artifacts": artifacts} if artifacts else {}),
        },
        **({"github": _github(spec)} if github else {}),
        "state": f"{DATA}/state",
        "limits": declared.limits.model_dump(mode="json", exclude_none=True),
        "archive": {**declared.archive.model_dump(mode="json", exclude_none=True), "folder": f"{DATA}/archive"},
        "reports": {"folder": f"{DATA}/reports"},
        **({"traces": {"endpoint": spans.url()}} if spans else {}),
        "alerts": _here(ALERTS),
        "serving": {"listen": "0.0.0.0", "port": PORT},
    }


def database(store: WatchedStore, machine: Machine) -> str:
    """The file of SQLite on the machine; empty for a server."""
    if not store.url.startswith(SQLITE):
        return ""
    return posixpath.join(machine.checkout, store.url.removeprefix(SQLITE))


def mounts(store: WatchedStore, machine: Machine) -> tuple[HostMount, ...]:
    """The folders that it reads, each at the path that it has on the machine: the store may name files by it."""
    found = {}
    if artifacts := _artifacts(store, machine):
        found[posixpath.dirname(artifacts)] = ARTIFACTS_WAIVER
    if file := database(store, machine):
        # The folder: beside the file lies what was written last.
        found[posixpath.dirname(file)] = SQLITE_WAIVER
    outermost = [folder for folder in found if not any(folder.startswith(f"{other}/") for other in found)]
    return tuple(HostMount(folder, folder, found[folder]) for folder in outermost)


def _artifacts(store: WatchedStore, machine: Machine) -> str:
    return posixpath.join(machine.checkout, store.artifacts) if store.artifacts else ""


def _alerts(spec: Environment, alerts: Service | None) -> dict[str, Any]:
    declared = {name: rule.model_dump(mode="json", exclude_unset=True) for name, rule in spec.monitor.rules.items()}
    pages = {name: {"runbook": f"{spec.alerts.runbooks}/{name}.md"} for name in BUILT_IN}
    rules = {name: {**pages.get(name, {}), **declared.get(name, {})} for name in {**pages, **declared}}
    return {
        "rules": rules,
        **({"alertmanager": {"url": alerts.url()}} if alerts else {}),
    }


def _github(spec: Environment) -> dict[str, Any]:
    assert spec.monitor.github is not None
    told = spec.monitor.github.model_dump(mode="json", exclude_none=True)
    return {**told, "token": {"file": _here(TOKEN)}}


def _secrets(store: WatchedStore, spec: Environment) -> dict[str, SecretSource]:
    found = {}
    if store.password:
        found[PASSWORD] = notifier.source(store.password)
    if spec.monitor.github:
        found[TOKEN] = notifier.source(spec.monitor.github.token)
    return found


def _here(file: str) -> str:
    return f"{CONFIG}/current/{file}"
