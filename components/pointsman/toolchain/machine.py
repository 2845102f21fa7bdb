"""The facts of this machine that decide how it gets a Docker engine: looked up once, then only values."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from docker.context import ContextAPI

DEFAULT_SOCKET = Path("/var/run/docker.sock")


@dataclass(frozen=True)
class Machine:
    """Facts.

    `docker_host` is DOCKER_HOST ("" when not set); `sockets` are the places where an engine's socket is looked for;
    `dockerd` and `apt` say whether these programs are there; `systemd` whether it is the init.
    """

    root: bool
    debian: bool
    systemd: bool
    docker_host: str
    sockets: tuple[Path, ...]
    dockerd: bool
    apt: bool
    user: str


def observe() -> Machine:
    """This machine's facts."""
    return Machine(
        root=os.geteuid() == 0,
        debian=_is_debian(Path("/etc/os-release")),
        systemd=Path("/run/systemd/system").is_dir(),
        docker_host=os.environ.get("DOCKER_HOST", ""),
        sockets=_sockets(),
        dockerd=shutil.which("dockerd", path=_system_path()) is not None,
        apt=shutil.which("apt-get", path=_system_path()) is not None,
        user=os.environ.get("USER") or str(os.geteuid()),
    )


def _system_path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def _is_debian(os_release: Path) -> bool:
    """Whether ID or ID_LIKE says Debian (so do Ubuntu and its like)."""
    if sys.platform != "linux" or not os_release.is_file():
        return False
    facts = dict(line.split("=", 1) for line in os_release.read_text(encoding="utf-8").splitlines() if "=" in line)
    return "debian" in f"{facts.get('ID', '')} {facts.get('ID_LIKE', '')}".replace('"', "").split()


def _sockets() -> tuple[Path, ...]:
    """Sockets in the order they are tried: the `docker` command's context, the system's, rootless, Docker Desktop's."""
    places = [_context_socket(), DEFAULT_SOCKET]
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        places.append(Path(runtime) / "docker.sock")
    places.append(Path.home() / ".docker" / "run" / "docker.sock")
    return tuple(dict.fromkeys(place for place in places if place))


def _context_socket() -> Path | None:
    try:
        context = ContextAPI.get_current_context()
    except Exception:  # the SDK raises what json, os or itself raise for a broken ~/.docker; then there is no context
        return None
    host = context.Host if context else None
    return Path(host.removeprefix("unix://")) if isinstance(host, str) and host.startswith("unix://") else None
