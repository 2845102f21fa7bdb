"""The `Service` value: all that is known of one service, written once and read by targets, status and verify alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class HttpReload:
    """The service re-reads its config on a POST and says in its own metrics whether it took it.

    `succeeded` is 1 after a good reload, `at` is the Unix time of the last good one; both are read from /metrics.
    """

    path: str
    succeeded: str
    at: str


@dataclass(frozen=True)
class RestartInPlace:
    """The service cannot re-read its config (Loki exits on SIGHUP: grafana/loki#12395): the same container restarts."""


Reload = HttpReload | RestartInPlace


@dataclass(frozen=True)
class Config:
    """The config directory of a service, delivered as a volume of releases.

    The volume is mounted at `directory`; the live release is always `directory`/current. `validate` is the command that
    accepts or refuses a release, with `{release}` in place of its path. Files whose name starts with one of `watched`
    are re-read by the service on its own: a change to only those needs no reload, and `watched_metric` tells by file
    name the modification time of each as it was read.
    """

    directory: str
    files: Mapping[str, str]
    validate: tuple[str, ...]
    reload: Reload
    watched: tuple[str, ...] = ()
    watched_metric: str = ""


@dataclass(frozen=True)
class Probe:
    """An HTTP request that answers 200 once the service works; seen from outside, on the published port."""

    path: str
    timeout: float = 60.0


@dataclass(frozen=True)
class HostMount:
    """A read-only path of the machine inside the container, with the reason why the service may see it."""

    source: str
    target: str
    waiver: str


@dataclass(frozen=True)
class Retention:
    """Where a service tells the retention that is in force, and what the spec wants it to be.

    `path` answers JSON or YAML and `key` is the way to the value in it, printed as a duration, or as a duration and a
    size joined by " or ". `time` is what the spec wants in seconds, `size` in bytes (None: no such limit).
    """

    path: str
    key: tuple[str, ...]
    time: float
    size: int | None = None


@dataclass(frozen=True)
class Service:
    """One service, independent of where it runs.

    `port` is the one it listens on inside its network, where others reach it as `name`; `published` is the port of the
    machine, or None when only the network may reach it. `image` is a name in images/catalogue.yaml. `memory` is in
    bytes, `cpus` a share of cores.
    """

    name: str
    image: str
    command: tuple[str, ...]
    port: int
    memory: int
    cpus: float
    published: int | None = None
    remap: str = ""
    ready: Probe | None = None
    config: Config | None = None
    data: str | None = None
    mounts: tuple[HostMount, ...] = ()
    groups: tuple[int, ...] = ()
    metrics: str | None = "/metrics"
    retention: Retention | None = None
    after: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """How other services reach it: name and port on the estate's network."""
        return f"{self.name}:{self.port}"


@dataclass(frozen=True)
class Machine:
    """What services must know of the machine they will run on.

    `docker_socket` is the engine's socket on the machine, `docker_group` the numeric group that may read it.
    """

    docker_socket: str = "/var/run/docker.sock"
    docker_group: int = 0
