"""A runner host as a systemd container: what its container is, as plain data and as the provider's arguments.

The settings were measured: `--privileged` fails where the machine's bounding set lacks CAP_SYS_RESOURCE, these do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pulumi_docker as docker

from pointsman.hosts.planning import SSH_PORT, HostPlan
from pointsman.services import labels
from pointsman.targets.docker import names
from pointsman.targets.docker.container import fingerprint_of

CAPABILITIES = ("SYS_ADMIN", "NET_ADMIN")
UNCONFINED = ("seccomp=unconfined", "apparmor=unconfined")
STOP_SIGNAL = "SIGRTMIN+3"
# systemd ends within a second of that signal; a job that hangs must not keep a `down` waiting.
STOP_SECONDS = 10
KEYS = "/etc/pointsman-firstboot/authorized_keys"
# The user of the runner, who owns the work folder; a restart empties it.
RUNNER = 1500
WORK_SIZE = "64m"
CGROUP_V1 = Path("/sys/fs/cgroup/systemd")


@dataclass(frozen=True)
class HostContainer:
    """Every setting of a host's container but its labels. `memory` is in MiB; `keys` is the file of authorized keys."""

    name: str
    host: str
    image_id: str
    network: str
    published: int
    bind: str
    memory: int
    cpus: str
    tmpfs: tuple[tuple[str, str], ...]
    cgroup: str
    keys: str

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits that change when the container must be replaced."""
        return fingerprint_of(asdict(self))


def host_container(planned: HostPlan, environment: str, image_id: str, bind: str, keys: str) -> HostContainer:
    """The container that a host is, with SSH on `planned.published`."""
    work = f"rw,nosuid,nodev,exec,size={WORK_SIZE},uid={RUNNER},gid={RUNNER},mode=0750"
    tmpfs = {"/run": "rw,nosuid,nodev,mode=755,size=64m", "/run/lock": "rw,nosuid,nodev,size=5m"}
    if planned.work_folder:
        tmpfs[planned.work_folder] = work
    return HostContainer(
        name=names.container(environment, planned.name),
        host=planned.name,
        image_id=image_id,
        network=names.network(environment),
        published=planned.published,
        bind=bind,
        memory=planned.memory // 2**20,
        cpus=str(float(planned.cpus)),
        tmpfs=tuple(sorted(tmpfs.items())),
        # systemd needs its own hierarchy of version 1; of version 2 a private namespace is all it takes.
        cgroup=str(CGROUP_V1) if CGROUP_V1.is_dir() else "",
        keys=keys,
    )


def host_labels(planned: HostContainer, estate: str, environment: str, image: str) -> dict[str, str]:
    """The labels of a host's container: no service, so that none is taken for one."""
    whose = names.label_set(estate, environment)
    return whose | {labels.HOST: planned.host, labels.IMAGE: image, labels.FINGERPRINT: planned.fingerprint}


def host_args(planned: HostContainer, labels: Mapping[str, str]) -> docker.ContainerArgs:
    """The provider's arguments of a host's container."""
    volumes = [docker.ContainerVolumeArgs(host_path=planned.keys, container_path=KEYS, read_only=True)]
    if planned.cgroup:
        volumes.append(docker.ContainerVolumeArgs(host_path=planned.cgroup, container_path=planned.cgroup))
    return docker.ContainerArgs(
        name=planned.name,
        hostname=planned.host,
        image=planned.image_id,
        capabilities=docker.ContainerCapabilitiesArgs(adds=[f"CAP_{name}" for name in CAPABILITIES]),
        security_opts=list(UNCONFINED),
        cgroupns_mode="host" if planned.cgroup else "private",
        tmpfs=dict(planned.tmpfs),
        memory=planned.memory,
        memory_swap=planned.memory,
        cpus=planned.cpus,
        network_mode="bridge",
        networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=planned.network, aliases=[planned.host])],
        ports=[docker.ContainerPortArgs(internal=SSH_PORT, external=planned.published, ip=planned.bind)],
        volumes=volumes,
        labels=[docker.ContainerLabelArgs(label=key, value=value) for key, value in sorted(labels.items())],
        restart="unless-stopped",
        must_run=True,
        stop_signal=STOP_SIGNAL,
        stop_timeout=STOP_SECONDS,
        destroy_grace_seconds=STOP_SECONDS,
    )
