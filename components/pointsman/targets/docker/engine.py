"""The edge to the Docker engine: which one, what it runs of an environment, and how its logs are read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointsman.errors import PointsmanError, UnreachableError
from pointsman.paths import checkout
from pointsman.services import labels
from pointsman.services.model import Machine

if TYPE_CHECKING:
    from docker import APIClient

DEFAULT_SOCKET = Path("/var/run/docker.sock")
REQUEST_SECONDS = 30


def host() -> str:
    """The engine's address: DOCKER_HOST, else the local socket."""
    return os.environ.get("DOCKER_HOST") or f"unix://{DEFAULT_SOCKET}"


def machine() -> Machine:
    """What services must know of the engine's machine; the socket's group is read from the socket itself."""
    address = host()
    path = address.removeprefix("unix://") if address.startswith("unix://") else str(DEFAULT_SOCKET)
    try:
        group = Path(path).stat().st_gid
    except OSError:
        group = 0
    return Machine(docker_socket=path, docker_group=group, checkout=str(checkout()))


@contextmanager
def connect(timeout: int = REQUEST_SECONDS) -> Iterator[APIClient]:
    """A client of the engine; raises UnreachableError when it does not answer."""
    # Imported late: the Docker SDK takes 0.3 s, which a preview or `--help` need not pay.
    import docker
    from docker.errors import DockerException

    try:
        client = docker.APIClient(base_url=host(), version="auto", timeout=timeout)
    except DockerException as error:
        raise UnreachableError(
            f"the Docker engine at {host()} does not answer: {error}",
            remedy="run `pointsman preflight`, which says why and what to do",
        ) from error
    try:
        yield client
    finally:
        client.close()


@dataclass(frozen=True)
class Running:
    """One container of an environment as the engine sees it. `started` is None when it never ran.

    `killed_for_memory` is about its last run; `networks` are the names of those that it is on, None where nobody asked.
    """

    service: str
    name: str
    id: str
    image: str
    image_label: str
    fingerprint: str
    status: str
    started: datetime | None
    restarts: int
    exit_code: int
    killed_for_memory: bool = False
    networks: tuple[str, ...] | None = None


def containers(client: APIClient, estate: str, environment: str) -> dict[str, Running]:
    """Every container that carries the environment's labels, by service."""
    wanted = [f"{labels.ESTATE}={estate}", f"{labels.ENVIRONMENT}={environment}", labels.SERVICE]
    found = (inspect(client, row["Id"]) for row in client.containers(all=True, filters={"label": wanted}))
    return {each.service: each for each in found if each is not None}


def inspect(client: APIClient, container: str) -> Running | None:
    """One container by name or id; None when there is no such container."""
    from docker.errors import NotFound

    try:
        facts: dict[str, Any] = client.inspect_container(container)
    except NotFound:
        return None
    state, own = facts["State"], facts["Config"]["Labels"] or {}
    return Running(
        service=own.get(labels.SERVICE, ""),
        name=facts["Name"].lstrip("/"),
        id=facts["Id"],
        image=facts["Image"],
        image_label=own.get(labels.IMAGE, ""),
        fingerprint=own.get(labels.FINGERPRINT, ""),
        status=state["Status"],
        started=_time(state["StartedAt"]),
        restarts=facts["RestartCount"],
        exit_code=state["ExitCode"],
        killed_for_memory=state["OOMKilled"],
        networks=tuple(facts["NetworkSettings"]["Networks"]),
    )


def last_lines(client: APIClient, container: str, count: int = 10) -> str:
    """The last lines that a container printed, standard output and error together."""
    raw: bytes = client.logs(container, stdout=True, stderr=True, tail=count)
    return raw.decode("utf-8", "replace").strip()


def _time(text: str) -> datetime | None:
    if text.startswith("0001-"):
        return None
    # Docker prints nanoseconds, which datetime does not read.
    head, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{head}.{fraction[:6].ljust(6, '0')}+00:00")


RemoveOwn = Callable[[str, str], None]
"""Removes what carries a name and the estate's label; raises PointsmanError when it is somebody else's."""


def remove_own_container(name: str, estate: str) -> None:
    """Removes a container that this estate made and that the state does not know."""
    from docker.errors import NotFound

    with connect() as client:
        try:
            facts = client.inspect_container(name)
        except NotFound:
            return
        _refuse_foreign("container", name, facts["Config"]["Labels"] or {}, estate)
        client.remove_container(name, force=True)


def remove_own_network(name: str, estate: str) -> None:
    """Removes a network that this estate made and that the state does not know, with the containers in it."""
    with connect() as client:
        for row in client.networks(names=[name]):
            if row["Name"] != name:
                continue
            _refuse_foreign("network", name, row["Labels"] or {}, estate)
            for member in client.inspect_network(row["Id"])["Containers"].values():
                remove_own_container(member["Name"], estate)
            client.remove_network(row["Id"])


def _refuse_foreign(kind: str, name: str, found: dict[str, str], estate: str) -> None:
    owner = found.get(labels.ESTATE)
    if owner == estate:
        return
    whose = f"belongs to estate {owner}" if owner else "was not made by Pointsman"
    raise PointsmanError(
        f"the {kind} {name} exists already and {whose}; it is left alone",
        remedy=f"give this environment another name, or remove the {kind} by hand",
    )


def run_inside(client: APIClient, container: str, words: Sequence[str]) -> tuple[int, str]:
    """Runs a program in a container that runs; its exit code and what it said.

    Raises UnreachableError where there is no such container, or it does not run.
    """
    from docker.errors import APIError

    try:
        made = client.exec_create(container, list(words))
        said = client.exec_start(made["Id"])
        code = client.exec_inspect(made["Id"])["ExitCode"]
    except APIError as error:
        raise UnreachableError(f"nothing can be run in {container}: {error.explanation}") from error
    return int(code), said.decode("utf-8", "replace")
