"""node_exporter: the metrics of the machine that runs the estate, read from its file systems without its namespaces."""

from __future__ import annotations

from pointsman.services.model import Exposed, HostMount, Probe, Service
from pointsman.spec.models import Environment
from pointsman.spec.scalars import size_bytes

NAME = "node-exporter"
PORT = 9100
ROOT = "/host"
# Each start of a container makes a device with a name of its own, which would be new series for ever. Containers have
# metrics of their own, from the Collector.
CONTAINER_DEVICES = "^(veth|br-|docker).*"
DEVICE_OPTIONS = ("netdev.device-exclude", "netclass.ignored-devices")


def service(spec: Environment) -> Service:
    """node_exporter with the machine's root mounted read-only; without the host's network or process namespace."""
    declared = spec.exporters.node
    return Service(
        name=NAME,
        image="node-exporter",
        command=(
            "/bin/node_exporter",
            f"--path.rootfs={ROOT}",
            f"--path.procfs={ROOT}/proc",
            f"--path.sysfs={ROOT}/sys",
            f"--path.udev.data={ROOT}/run/udev/data",
            "--collector.filesystem.mount-points-exclude=^/(dev|proc|sys|run|var/lib/docker)($|/)",
            *(f"--collector.{option}={CONTAINER_DEVICES}" for option in DEVICE_OPTIONS),
            "--no-collector.arp",
            f"--web.listen-address=:{PORT}",
        ),
        exposed=(Exposed("http", PORT, spec.ports.node_exporter, "ports.node_exporter"),),
        memory=size_bytes(declared.resources.memory),
        cpus=declared.resources.cpus,
        ready=Probe("/metrics"),
        mounts=(HostMount("/", ROOT, "the machine's file systems, CPU and memory are read from its own root"),),
    )
