"""What spec and inventory make of each host: the variables of its plays, its container, its registration. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address
from typing import Any

from pointsman.inventory import Host, Package
from pointsman.inventory.variables import ROUTING_LABEL
from pointsman.services import github_standin, loki
from pointsman.services.fleet import Fleet
from pointsman.spec.models import Environment
from pointsman.spec.scalars import size_bytes

SSH_PORT = 22
# What only the registration makes something of.
OF_REGISTRATION = ("runner_name", "runner_labels")
LOOPBACK = IPv4Address("127.0.0.1")


@dataclass(frozen=True)
class File:
    """A file of the controller that a play copies to the host."""

    path: str
    sha256: str

    @property
    def plain(self) -> dict[str, str]:
        """For a play."""
        return {"path": self.path, "sha256": self.sha256}


@dataclass(frozen=True)
class Artifacts:
    """The programs of our own that plays install."""

    log_agent: File
    runner_exporter: File


@dataclass(frozen=True)
class Registration:
    """Where and as what a host's runner is registered. `token` says where the token is, `{file}` or `{environment}`;
    `variables` are those that its plays get beside the host's own: another label is no reason to play all of them."""

    url: str
    api_url: str
    token: Mapping[str, str]
    runner: str
    labels: tuple[str, ...]
    routing_label: str
    mode: str
    drain_seconds: float

    @property
    def variables(self) -> dict[str, Any]:
        """For its plays."""
        return {
            "runner_name": self.runner,
            "runner_labels": list(self.labels),
            "pointsman_runner_name": self.runner,
            "pointsman_routing_label": self.routing_label,
        }


@dataclass(frozen=True)
class HostPlan:
    """One host. `published` is the port of this machine that leads to the SSH of one that is a container; `memory` is
    in bytes. `variables` hold no secret."""

    name: str
    container: bool
    published: int
    memory: int
    cpus: float
    variables: Mapping[str, Any]
    registration: Registration | None
    work_folder: str


def plans(environment: str, spec: Environment, fleet: Fleet, artifacts: Artifacts, api: str) -> tuple[HostPlan, ...]:
    """The plan of every host; `api` is where this machine reaches the stand-in's REST API."""
    return tuple(_plan(environment, spec, fleet, host, artifacts, api) for host in fleet.hosts)


def _plan(environment: str, spec: Environment, fleet: Fleet, host: Host, artifacts: Artifacts, api: str) -> HostPlan:
    is_container = spec.runners.hosts == "containers"
    return HostPlan(
        name=host.name,
        container=is_container,
        published=host.port if is_container else 0,
        memory=size_bytes(spec.runners.container.memory),
        cpus=spec.runners.container.cpus,
        variables=play_variables(environment, spec, fleet, host, artifacts),
        registration=_registration(spec, fleet, host, api),
        work_folder=host.runner.work_folder if host.runner else "",
    )


def play_variables(
    environment: str, spec: Environment, fleet: Fleet, host: Host, artifacts: Artifacts
) -> dict[str, Any]:
    """The variables of a host's plays: those of the inventory with their defaults, and what the spec says."""
    runner, program = host.runner, _program(spec, fleet, host)
    logs = loki_url(spec)
    values: dict[str, Any] = {
        **{name: value for name, value in host.variables.items() if name not in (*host.secrets, *OF_REGISTRATION)},
        "pointsman_environment": environment,
        "pointsman_runner": runner is not None,
        "pointsman_loki_url": logs,
        "pointsman_log_agent": artifacts.log_agent.plain,
        "pointsman_runner_exporter": artifacts.runner_exporter.plain,
    }
    if runner and program:
        values |= {
            "pointsman_github_url": _github_url(spec),
            "pointsman_runner_package": asdict(program),
            **_newest(spec),
            "pointsman_min_free_bytes": runner.min_free,
            "pointsman_drain_seconds": runner.drain_seconds,
        }
    values["pointsman_reach"] = [{"name": name, "url": url} for name, url in _reach(spec, program, logs)]
    return values


def _newest(spec: Environment) -> dict[str, str]:
    """The settings of the runner exporter that tell how long GitHub will serve this version."""
    newest = spec.runners.package.newest if spec.runners.package else None
    if newest is None:
        return {}
    return {"runner_exporter_latest_version": newest.version, "runner_exporter_latest_released": newest.released}


def loki_url(spec: Environment) -> str:
    """Loki as hosts reach it; "" where they cannot, and no logs are sent."""
    if spec.runners.loki:
        return spec.runners.loki
    if spec.runners.hosts == "containers":
        return f"http://{loki.NAME}:{loki.PORT}"
    bind = spec.network.bind
    return "" if bind in (LOOPBACK, IPv4Address("0.0.0.0")) else f"http://{bind}:{spec.ports.loki}"


def _github_url(spec: Environment) -> str:
    return spec.runners.github.url or github_standin.URL


def _program(spec: Environment, fleet: Fleet, host: Host) -> Package | None:
    """The host's own program, else the spec's, else the stand-in's."""
    if host.runner is None or host.runner.package:
        return host.runner.package if host.runner else None
    if declared := spec.runners.package:
        return Package(declared.url, declared.sha256, declared.version)
    assert fleet.standin is not None
    program = fleet.standin.program
    return Package(f"{github_standin.PACKAGES_URL}/{program.url}", program.sha256, program.version)


def _routing_label(fleet: Fleet, host: Host) -> str:
    """The first primary has it when it is registered for the first time; later it is the fleet controller's."""
    first = next((each for each in fleet.hosts if each.runner and each.runner.part == "primary"), None)
    return ROUTING_LABEL if first and first.name == host.name else ""


def _reach(spec: Environment, program: Package | None, logs: str) -> Iterator[tuple[str, str]]:
    if program:
        github = spec.runners.github
        yield "GitHub", github.url or f"http://{github_standin.NAME}:{github_standin.PORT}/_health"
        yield "the runner program", program.url
    if logs:
        yield "Loki", f"{logs}/ready"


def _registration(spec: Environment, fleet: Fleet, host: Host, api: str) -> Registration | None:
    if host.runner is None:
        return None
    github = spec.runners.github
    if github.token:
        token = {"file": github.token.file} if github.token.file else {"environment": github.token.environment}
    else:
        assert fleet.standin is not None
        token = {"file": fleet.standin.token_file}
    return Registration(
        url=_github_url(spec),
        api_url=(github.api_url or "") if github.url else api,
        token={key: value for key, value in token.items() if value},
        runner=host.runner.name,
        labels=host.runner.labels,
        routing_label=_routing_label(fleet, host),
        mode=host.runner.mode,
        drain_seconds=host.runner.drain_seconds,
    )
