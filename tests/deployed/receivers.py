"""The Alertmanager of an estate as a process of this machine, so that it reaches receivers on loopback.

It runs in the files of its image, with the config that a spec renders; only the addresses of its neighbours are moved.
"""

from __future__ import annotations

import io
import os
import socket
import subprocess
import tarfile
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import docker
import httpx

from pointsman.images.model import Resolution
from pointsman.notifier.serving import NotifierServer, desks
from pointsman.notifier.settings import load
from pointsman.services import alert_sink, alertmanager, notifier
from pointsman.services.model import Service
from pointsman.spec.models import Environment
from tests.standins.sinks import HttpSink, until

PROGRAM = "/bin/alertmanager"
POSTING_SECONDS = 30.0
FAILED = "alertmanager_notifications_failed_total"
"""The counter of notifications that it could not deliver."""


@dataclass
class Teller:
    """Alertmanager at `url`."""

    url: str

    def fire(self, *alerts: Mapping[str, str], seconds: float = 3600.0) -> None:
        """Posts alerts as Prometheus does: they begin now, and are over `seconds` from now.

        For one that began longer ago than `group_wait` its group does not wait, not even to see what silences it.
        """
        now = datetime.now(UTC)
        told = [
            {
                "labels": labels,
                "annotations": {"summary": f"{labels['alertname']} is on", "runbook_url": "https://example.org/r.md"},
                "startsAt": now.isoformat(),
                "endsAt": (now + timedelta(seconds=seconds)).isoformat(),
                "generatorURL": "http://prometheus:9090/graph",
            }
            for labels in alerts
        ]
        answer = httpx.post(f"{self.url}/api/v2/alerts", json=told, timeout=POSTING_SECONDS)
        assert answer.status_code == 200, answer.text

    def failures(self) -> dict[str, float]:
        """Failed notifications by integration and reason, of those that failed."""
        return {labels: value for labels, value in self.counted(FAILED).items() if value}

    def counted(self, name: str) -> dict[str, float]:
        """A counter of its own by its labels, as they are written."""
        lines = httpx.get(f"{self.url}/metrics", timeout=POSTING_SECONDS).text.splitlines()
        found = (line.removeprefix(name).rsplit(" ", 1) for line in lines if line.startswith(f"{name}{{"))
        return {labels: float(value) for labels, value in found}


def unpacked(engine: docker.DockerClient, images: Resolution, folder: Path) -> Path:
    """`folder` with the files of Alertmanager's image."""
    container = engine.containers.create(images.images["alertmanager"].image_id, network_mode="none")
    try:
        archive = io.BytesIO(b"".join(container.export()))  # type: ignore[arg-type]
    finally:
        container.remove(force=True)
    with tarfile.open(fileobj=archive) as tar:
        tar.extractall(folder, filter="tar")
    return folder


def started(
    stack: ExitStack,
    root: Path,
    spec: Environment,
    sink: HttpSink,
    secrets: Mapping[str, str] | None = None,
    moved: Mapping[str, str] | None = None,
) -> str:
    """Alertmanager of a spec, and its notifier where it has one, both running until `stack` ends; its address.

    `root` holds the files of its image, `sink` stands for the alert sink. `secrets` are by the receiver's name; `moved`
    are other texts of its config, each with what stands for it.
    """
    collects = alert_sink.service(spec)
    tells = notifier.service(spec) if spec.notifier.enabled else None
    there = {collects.url(): sink.url, **(moved or {})}
    for service in (tells, alertmanager.service(spec, collects, tells)):
        if service:
            _write_config(root, service, secrets or {})
    if tells:
        there[tells.url()] = _notifier(stack, root)
    return _alertmanager(stack, root, there)


def _write_config(root: Path, service: Service, secrets: Mapping[str, str]) -> None:
    assert service.config is not None
    live = root / service.config.directory.lstrip("/") / "current"
    for name, content in service.config.files.items():
        _write(live / name, content)
    for name in service.config.secrets:
        _write(live / name, secrets[Path(name).name])


def _notifier(stack: ExitStack, root: Path) -> str:
    file = root / f"{notifier.CONFIG}/current/{notifier.SETTINGS}".lstrip("/")
    file.write_text(file.read_text().replace(notifier.CONFIG, f"{root}{notifier.CONFIG}"))
    settings = replace(load(file), port=0, listen="127.0.0.1")
    server = NotifierServer(settings, dict(desks(settings)))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    stack.callback(server.server_close)
    stack.callback(server.shutdown)
    return f"http://127.0.0.1:{server.port}"


def _alertmanager(stack: ExitStack, root: Path, there: Mapping[str, str]) -> str:
    config = root / f"{alertmanager.CONFIG}/current/alertmanager.yml".lstrip("/")
    for what, instead in there.items():
        config.write_text(config.read_text().replace(what, instead))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = root.parent / "log"
    output = stack.enter_context(log.open("w"))
    enter = ["chroot", str(root)] if os.geteuid() == 0 else ["unshare", "--map-root-user", f"--root={root}"]
    options = (f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", "--storage.path=/alertmanager")
    command = [*enter, PROGRAM, f"--config.file={alertmanager.CONFIG}/current/alertmanager.yml", *options]
    process = subprocess.Popen(command, stdout=output, stderr=output)
    stack.callback(process.wait, 20)
    stack.callback(process.terminate)
    url = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return httpx.get(f"{url}/-/ready", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    until(ready, "Alertmanager is ready")
    return url


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)
