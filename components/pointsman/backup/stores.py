"""Data volumes through the Docker engine: read and written without running anything in them.

A container of the service's own image that is created and never started shows the volume to the engine's archive API.
That works with remote engines and with images that have no shell. Owners, modes and capabilities are kept; the engine
leaves other extended attributes out of its archives, in both directions.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from pointsman.backup.guard import Guard
from pointsman.backup.tree import is_empty
from pointsman.declared import Declared
from pointsman.errors import PointsmanError, UnreachableError
from pointsman.services import labels
from pointsman.services.model import Service
from pointsman.targets.docker import names
from pointsman.targets.docker.engine import host

if TYPE_CHECKING:
    from docker import APIClient

# The engine answers a write once all is on its disk.
TRANSFER_SECONDS: Final = 3600


@dataclass(frozen=True)
class Store:
    """The data volume of a service: `directory` is where the service sees it, `labels` are those of the program."""

    service: Service
    volume: str
    directory: PurePosixPath
    image: str
    labels: Mapping[str, str]

    @property
    def copier(self) -> str:
        """The container through which it is read and written."""
        return f"{self.volume}-copier"


def stores(environment: Declared) -> dict[str, Store]:
    """Every data volume that the environment is to have, by service, in the order in which services start."""
    return {
        each.name: Store(
            service=each,
            volume=names.data_volume(environment.environment, each.name),
            directory=PurePosixPath(each.data),
            image=environment.plans[each.name].image_id,
            labels=names.label_set(environment.estate_id, environment.environment, each.name),
        )
        for each in environment.estate.services
        if each.data
    }


def exists(client: APIClient, store: Store) -> bool:
    """Whether the volume is there; raises PointsmanError when it is another estate's or nobody's."""
    from docker.errors import NotFound

    try:
        carried: dict[str, str] = client.inspect_volume(store.volume)["Labels"] or {}
    except NotFound:
        return False
    owner = carried.get(labels.ESTATE)
    if owner != store.labels[labels.ESTATE]:
        whose = f"belongs to estate {owner}" if owner else "was not made by Pointsman"
        raise PointsmanError(
            f"the volume {store.volume} exists and {whose}; it is left alone",
            remedy="if the state directory was lost: pointsman restore FILE --state; else take another environment",
        )
    return True


def holds_data(client: APIClient, store: Store, guard: Guard) -> bool:
    """Whether an existing volume has anything in it."""
    with opened(client, store, guard), closing(_archive(client, store)) as chunks:
        return not is_empty(chunks)


def read(client: APIClient, store: Store) -> Iterator[bytes]:
    """The volume as a tar, in chunks; its copier must be open."""
    return _archive(client, store)


def write(client: APIClient, store: Store, chunks: Iterator[bytes]) -> None:
    """Puts a tar, whose paths begin with the directory's name, into the volume; its copier must be open.

    It is put above the directory, so that owner and mode of the directory itself are set too.
    """
    client.put_archive(store.copier, str(store.directory.parent), chunks)


def make(client: APIClient, store: Store) -> None:
    """Makes the volume as Pulumi does, so that the next `up` takes it up."""
    client.create_volume(store.volume, labels=dict(store.labels))


@contextmanager
def opened(client: APIClient, store: Store, guard: Guard) -> Iterator[None]:
    """The volume's copier is there meanwhile; one that a killed run left goes first."""
    # Without the service's name: it must not be taken for the service itself.
    carried = {name: value for name, value in store.labels.items() if name != labels.SERVICE}
    host_config = client.create_host_config(binds=[f"{store.volume}:{store.directory}:rw"])
    with guard.over("container", store.copier):
        _remove(client, store.copier)
        client.create_container(
            store.image,
            ["never-started"],
            name=store.copier,
            host_config=host_config,
            labels=carried,
            user="0",
            network_disabled=True,
        )
        try:
            yield
        finally:
            _remove(client, store.copier)


def users(client: APIClient, store: Store) -> list[str]:
    """The ids of the containers, running or not, that mount the volume; raises PointsmanError when one is not ours."""
    rows: list[dict[str, Any]] = client.containers(all=True, filters={"volume": store.volume})
    for row in rows:
        if (row["Labels"] or {}).get(labels.ESTATE) != store.labels[labels.ESTATE]:
            name = row["Names"][0].lstrip("/")
            raise PointsmanError(
                f"the container {name}, which Pointsman did not make, uses the volume {store.volume}",
                remedy=f"docker rm --force {name}, if it may go",
            )
    return [row["Id"] for row in rows]


def remove_users(client: APIClient, store: Store) -> None:
    """Stops and removes the containers that mount the volume."""
    for container in users(client, store):
        client.stop(container)
        client.remove_container(container, force=True)


@contextmanager
def failures_in_words(consequence: str) -> Iterator[None]:
    """What the engine or the way to it refuses is a message and not a traceback; `consequence` ends its first line."""
    from docker.errors import DockerException
    from requests import RequestException

    try:
        yield
    except (DockerException, RequestException) as error:
        raise UnreachableError(
            f"the Docker engine at {host()} failed: {consequence}",
            detail=str(error),
            remedy="mend what the engine says; `docker info` and `df -h` tell more",
        ) from error


def _archive(client: APIClient, store: Store) -> Generator[bytes, None, None]:
    chunks, _ = client.get_archive(store.copier, str(store.directory))
    yield from chunks


def _remove(client: APIClient, name: str) -> None:
    from docker.errors import NotFound

    try:
        client.remove_container(name, force=True)
    except NotFound:
        return
