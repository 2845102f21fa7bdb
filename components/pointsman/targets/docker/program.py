"""A `Service` as Docker resources in a Pulumi program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pulumi
import pulumi_docker as docker

from pointsman.declared import Declared
from pointsman.errors import PointsmanError
from pointsman.hosts.planning import HostPlan
from pointsman.images.model import ImageRef
from pointsman.plays import controller_key
from pointsman.resources.custom import ConfigVolume, Readiness
from pointsman.services.model import HttpReload, Reload, SecretSource, Service
from pointsman.targets.docker import engine, names
from pointsman.targets.docker.container import ContainerPlan, container_labels
from pointsman.targets.docker.hosts import host_args, host_container, host_labels

STEADY_TIMEOUT = 20.0
RUNNER_HOST = "runner-host"


@dataclass(frozen=True)
class Placed:
    """The resources that one service became."""

    service: Service
    container: docker.Container
    readiness: Readiness


@dataclass
class DockerTarget:
    """The Docker engine that one environment runs on, and its network there."""

    declared: Declared
    placed: dict[str, Placed] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Makes the provider and the network."""
        self.environment, self.estate = self.declared.environment, self.declared.estate_id
        self.provider = docker.Provider(f"{self.environment}-docker", host=engine.host())
        name = names.network(self.environment)
        self.network = docker.Network(
            name,
            name=name,
            labels=[docker.NetworkLabelArgs(label=key, value=value) for key, value in self._labels(None).items()],
            opts=pulumi.ResourceOptions(provider=self.provider, hooks=self._adopt(engine.remove_own_network)),
        )

    def place(self, service: Service, parent: pulumi.Resource) -> Placed:
        """Makes the resources of `service`; it starts after those that it names in `after`, which must be placed."""
        image = self.declared.images.images[service.image]
        planned = self.declared.plans[service.name]
        before: list[pulumi.Resource] = [self.network, *(self.placed[name].readiness for name in service.after)]
        if service.data:
            before.append(self._data_volume(service, parent))
        if service.config:
            before.append(self._config(service, planned, image, parent))
        container = self._container(service, planned, image, parent, before)
        placed = Placed(service, container, self._readiness(service, planned, container, parent))
        self.placed[service.name] = placed
        return placed

    def host(self, planned: HostPlan, parent: pulumi.Resource) -> docker.Container:
        """Makes the container that a runner host is, which log in to with the environment's own key."""
        image = self.declared.images.images[RUNNER_HOST]
        keys = controller_key(self.environment).with_suffix(".pub")
        container = host_container(planned, self.environment, image.image_id, self.declared.bind, str(keys))
        opts = pulumi.ResourceOptions(
            parent=parent,
            provider=self.provider,
            depends_on=[self.network],
            hooks=self._adopt(engine.remove_own_container),
            # Its name and its port are taken until it is gone.
            delete_before_replace=True,
        )
        labels = host_labels(container, self.estate, self.environment, image.label)
        return docker.Container(planned.name, host_args(container, labels), opts=opts)

    def _labels(self, service: str | None) -> dict[str, str]:
        return names.label_set(self.estate, self.environment, service)

    def _data_volume(self, service: Service, parent: pulumi.Resource) -> docker.Volume:
        name = names.data_volume(self.environment, service.name)
        labels = self._labels(service.name)
        return docker.Volume(
            f"{service.name}-data",
            name=name,
            labels=[docker.VolumeLabelArgs(label=key, value=value) for key, value in labels.items()],
            # Data outlives `pulumi destroy`; `pointsman down --volumes` removes it on request.
            opts=pulumi.ResourceOptions(parent=parent, provider=self.provider, retain_on_delete=True),
        )

    def _config(
        self, service: Service, planned: ContainerPlan, image: ImageRef, parent: pulumi.Resource
    ) -> ConfigVolume:
        assert service.config is not None
        assert service.ready is not None
        return ConfigVolume(
            f"{service.name}-config",
            volume=names.config_volume(self.environment, service.name),
            labels=self._labels(service.name),
            files=dict(service.config.files),
            directory=service.config.directory,
            image=image.image_id,
            user=image.user,
            container=planned.name,
            fingerprint=planned.fingerprint,
            validate=service.config.validate,
            watched=service.config.watched,
            watched_metric=service.config.watched_metric,
            reload=_reload(service.config.reload),
            base_url=self.declared.url(service, service.ready.on),
            ready_path=service.ready.path,
            secrets={name: _source(each) for name, each in service.config.secrets.items()},
            opts=pulumi.ResourceOptions(parent=parent),
        )

    def _container(
        self,
        service: Service,
        planned: ContainerPlan,
        image: ImageRef,
        parent: pulumi.Resource,
        before: Sequence[pulumi.Resource],
    ) -> docker.Container:
        labels = container_labels(planned, self.estate, self.environment, service.name, image.label)
        opts = pulumi.ResourceOptions(
            parent=parent,
            provider=self.provider,
            depends_on=before,
            hooks=self._adopt(engine.remove_own_container),
        )
        return docker.Container(service.name, container_args(planned, labels), opts=opts)

    def _readiness(
        self, service: Service, planned: ContainerPlan, container: docker.Container, parent: pulumi.Resource
    ) -> Readiness:
        probe = service.ready
        return Readiness(
            f"{service.name}-ready",
            container=planned.name,
            container_id=container.id,
            url=f"{self.declared.url(service, probe.on)}{probe.path}" if probe else None,
            timeout=probe.timeout if probe else STEADY_TIMEOUT,
            opts=pulumi.ResourceOptions(parent=parent),
        )

    def _adopt(self, remove: engine.RemoveOwn) -> pulumi.ResourceHookBinding:
        """Clears the way for a resource that is about to be made.

        A run that is killed after Docker made a resource and before the state was written leaves one that the state
        does not know; its name would be taken for ever. It is ours by its labels, so it goes before the new one comes.
        """

        def before_create(args: pulumi.ResourceHookArgs) -> None:
            name = (args.new_inputs or {}).get("name", "")
            try:
                remove(str(name), self.estate)
            except PointsmanError as error:
                raise RuntimeError(str(error)) from error

        return pulumi.ResourceHookBinding(before_create=[before_create])


def container_args(planned: ContainerPlan, labels: Mapping[str, str]) -> docker.ContainerArgs:
    """The provider's arguments of a planned container; every trap of the provider is answered here.

    `memory_swap` beside `memory` and an explicit `network_mode`: without them every `up` shows a difference. The mode
    is `bridge` because the provider sets network aliases only when it connects the network itself, after creation.
    `volumes` and not `uploads`: an upload replaces the container and lands in state in clear text.
    """
    volumes = [
        docker.ContainerVolumeArgs(volume_name=each.volume, container_path=each.target, read_only=each.read_only)
        for each in planned.volumes
    ]
    volumes += [
        docker.ContainerVolumeArgs(host_path=source, container_path=target, read_only=True)
        for source, target in planned.host_paths
    ]
    ports = [
        docker.ContainerPortArgs(internal=each.internal, external=each.external, ip=planned.bind)
        for each in planned.published
    ]
    return docker.ContainerArgs(
        name=planned.name,
        image=planned.image_id,
        entrypoints=[planned.command[0]],
        command=list(planned.command[1:]),
        user=planned.user,
        group_adds=list(planned.groups) or None,
        envs=[f"{name}={value}" for name, value in planned.variables] or None,
        read_only=True,
        capabilities=docker.ContainerCapabilitiesArgs(drops=["ALL"]),
        security_opts=["no-new-privileges:true"],
        tmpfs={"/tmp": "size=16m"},
        memory=planned.memory,
        memory_swap=planned.memory,
        cpus=planned.cpus,
        network_mode="bridge",
        networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=planned.network, aliases=[planned.alias])],
        ports=ports or None,
        volumes=volumes or None,
        log_driver="json-file",
        log_opts=dict(planned.log_opts),
        labels=[docker.ContainerLabelArgs(label=key, value=value) for key, value in sorted(labels.items())],
        restart="unless-stopped",
        must_run=True,
        stop_timeout=planned.stop_seconds,
        destroy_grace_seconds=planned.stop_seconds,
    )


def _source(secret: SecretSource) -> dict[str, Any]:
    """Where a secret is, without what is not said of it."""
    return {key: value for key, value in asdict(secret).items() if value}


def _reload(reload: Reload) -> dict[str, str]:
    if isinstance(reload, HttpReload):
        return {"kind": "http", "path": reload.path, "succeeded": reload.succeeded, "at": reload.at}
    return {"kind": "restart"}
