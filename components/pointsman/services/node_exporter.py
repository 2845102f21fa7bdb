"""node_exporter: the metrics of the machine that runs the estate, read from its file systems without its namespaces."""

from __future__ import annotations

from pointsman.services.model import HostMount, Probe, Service
from pointsman.spec.models import Environment
from pointsman.spec.scalars import size_bytes

PORT = 9100
ROOT = "/host"


def service(spec: Environment) -> Service:
    """node_exporter with the machine's root mounted read-only; without the host's network or process namespace."""
    declared = spec.exporters.node
    return Service(
        name="node-exporter",
        image="node-exporter",
        command=(
            "/bin/node_exporter",
            f"--path.rootfs={ROOT}",
            f"--path.procfs={ROOT}/proc",
            f"--path.sysfs={ROOT}/sys",
            f"--path.udev.data={ROOT}/run/udev/data",
            "--collector.filesystem.mount-points-exclude=^/(dev|proc|sys|run|var/lib/docker)($|/)",
            f"--web.listen-address=:{PORT}",
        ),
        port=PORT,
        published=spec.ports.node_exporter,
        remap="ports.node_exporter",
        memory=size_bytes(declared.resources.memory),
        cpus=declared.resources.cpus,
        ready=Probe("/metrics"),
        mounts=(HostMount("/", ROOT, "the machine's file systems, CPU and memory are read from its own root"),),
    )
