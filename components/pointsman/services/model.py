"""The `Service` value: all that is known of one service, written once and read by targets, status and verify alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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
class SecretSource:
    """Where a secret is read when it is delivered: a file or an environment variable. Its value is in no state.

    A `generated` one is made in its file where it is missing: both of its ends are ours. `what` it is
    (address, password; a GitHub token when empty) says how it must look.
    """

    file: str = ""
    environment: str = ""
    generated: bool = False
    what: str = ""


@dataclass(frozen=True)
class Config:
    """The config directory of a service, delivered as a volume of releases.

    The volume is mounted at `directory`; the live release is always `directory`/current. `validate` is the command that
    accepts or refuses a release, with `{release}` in place of its path; empty where the service has none. Files whose
    name starts with one of `watched` are re-read by the service on its own: a change to only those needs no reload, and
    `watched_metric` tells by file name the modification time of each as it was read. `secrets` lie beside the files.
    """

    directory: str
    files: Mapping[str, str]
    validate: tuple[str, ...]
    reload: Reload
    watched: tuple[str, ...] = ()
    watched_metric: str = ""
    secrets: Mapping[str, SecretSource] = field(default_factory=dict)


@dataclass(frozen=True)
class Exposed:
    """A port that a service listens on inside its network.

    `published` is the port of the machine that leads to it, None when only the network may reach it; the key `remap` of
    the spec moves it. `http` tells whether a browser or an HTTP client is at home there.
    """

    name: str
    port: int
    published: int | None = None
    remap: str = ""
    http: bool = True


@dataclass(frozen=True)
class Probe:
    """An HTTP request that answers 200 once the service works; seen from outside, on the published port.

    `on` names the exposed port, the main one when empty.
    """

    path: str
    timeout: float = 60.0
    on: str = ""


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
class Scrape:
    """Where a service's metrics are read. `on` names the exposed port, the main one when empty.

    `honor_labels`: labels in what is read win over the target's own, for metrics that others have handed in.
    """

    path: str = "/metrics"
    on: str = ""
    honor_labels: bool = False


@dataclass(frozen=True)
class Service:
    """One service, independent of where it runs.

    The first of `exposed` is its main port, where others reach it as `name`. `image` is a name in
    images/catalogue.yaml. `memory` is in bytes, `cpus` a share of cores. It is killed when it has not stopped within
    `stop_seconds`; None leaves that to the target. `elsewhere` is the URL of one that others run:
    it is asked there, and nothing is made of it.
    """

    name: str
    image: str
    command: tuple[str, ...]
    exposed: tuple[Exposed, ...]
    memory: int
    cpus: float
    variables: Mapping[str, str] = field(default_factory=dict)
    ready: Probe | None = None
    config: Config | None = None
    data: str | None = None
    mounts: tuple[HostMount, ...] = ()
    groups: tuple[int, ...] = ()
    metrics: Scrape | None = field(default_factory=Scrape)
    retention: Retention | None = None
    stop_seconds: int | None = None
    after: tuple[str, ...] = ()
    elsewhere: str = ""

    @property
    def main(self) -> Exposed:
        """The port that the service is known by."""
        return self.exposed[0]

    @property
    def published(self) -> tuple[Exposed, ...]:
        """The ports that the machine offers."""
        return tuple(each for each in self.exposed if each.published)

    def port(self, name: str = "") -> Exposed:
        """The exposed port called `name`, the main one when empty; KeyError when there is none."""
        return {"": self.main, **{each.name: each for each in self.exposed}}[name]

    def address(self, on: str = "") -> str:
        """How other services reach it: name and port on the estate's network."""
        return f"{self.name}:{self.port(on).port}"

    def url(self, on: str = "") -> str:
        """The same for HTTP, without a slash at the end."""
        return self.elsewhere or f"http://{self.address(on)}"


@dataclass(frozen=True)
class Machine:
    """What services must know of the machine they will run on.

    `docker_socket` is the engine's socket on the machine, `docker_group` the numeric group that may read it;
    `checkout` is the absolute folder that relative paths of the spec begin at.
    """

    docker_socket: str = "/var/run/docker.sock"
    docker_group: int = 0
    checkout: str = "/checkout"
