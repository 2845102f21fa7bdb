"""What a `Service` asks of its container, as plain data: pure, so that it can be read, compared and hashed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pointsman.services import labels
from pointsman.services.model import Service
from pointsman.spec.models import ContainerLogs
from pointsman.spec.scalars import size_bytes
from pointsman.targets.docker import names

# Docker kills a service that has not ended this long after SIGTERM: the Collector was seen to take minutes.
STOP_SECONDS = 10


@dataclass(frozen=True)
class VolumeMount:
    """A named volume inside the container."""

    volume: str
    target: str
    read_only: bool


@dataclass(frozen=True)
class PublishedPort:
    """A port inside the container, and the machine's port that leads to it."""

    internal: int
    external: int


@dataclass(frozen=True)
class ContainerPlan:
    """Every setting of a container but its labels; two equal plans are one container. Memory is in MiB.

    It is killed when it has not stopped within `stop_seconds`.
    """

    name: str
    image_id: str
    user: str
    command: tuple[str, ...]
    groups: tuple[str, ...]
    memory: int
    cpus: str
    network: str
    alias: str
    published: tuple[PublishedPort, ...]
    bind: str
    variables: tuple[tuple[str, str], ...]
    volumes: tuple[VolumeMount, ...]
    host_paths: tuple[tuple[str, str], ...]
    log_opts: tuple[tuple[str, str], ...]
    stop_seconds: int

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits that change when the container must be replaced."""
        return fingerprint_of(asdict(self))


def plan(
    service: Service, environment: str, image_id: str, user: int, bind: str, rotation: ContainerLogs
) -> ContainerPlan:
    """The container of `service` in `environment`, made from `image_id` and run as `user`."""
    volumes = []
    if service.config:
        volumes.append(VolumeMount(names.config_volume(environment, service.name), service.config.directory, True))
    if service.data:
        volumes.append(VolumeMount(names.data_volume(environment, service.name), service.data, False))
    return ContainerPlan(
        name=names.container(environment, service.name),
        image_id=image_id,
        user=f"{user}:{user}",
        command=service.command,
        groups=tuple(str(group) for group in service.groups),
        memory=service.memory // 2**20,
        cpus=str(float(service.cpus)),
        network=names.network(environment),
        alias=service.name,
        published=tuple(PublishedPort(each.port, each.published) for each in service.exposed if each.published),
        # What publishes nothing is bound to nothing: another address is no reason to replace it.
        bind=bind if service.published else "",
        variables=tuple(sorted(service.variables.items())),
        volumes=tuple(volumes),
        host_paths=tuple((mount.source, mount.target) for mount in service.mounts),
        log_opts=(
            ("max-file", str(rotation.max_files)),
            ("max-size", f"{size_bytes(rotation.max_size)}"),
        ),
        stop_seconds=service.stop_seconds or STOP_SECONDS,
    )


def container_labels(plan: ContainerPlan, estate: str, environment: str, service: str, image: str) -> dict[str, str]:
    """The labels of the container: whose it is, the image's name for people, and the plan it was made from."""
    whose = names.label_set(estate, environment, service)
    return whose | {labels.IMAGE: image, labels.FINGERPRINT: plan.fingerprint}


def fingerprint_of(settings: Mapping[str, Any]) -> str:
    """Twelve hex digits that tell a container's settings from others."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]
