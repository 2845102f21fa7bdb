"""The socket proxy: the only container that sees the Docker socket, and passes on nothing but reads of a few paths."""

from __future__ import annotations

from pointsman.services.model import Exposed, HostMount, Machine, Service
from pointsman.spec.models import Environment
from pointsman.spec.scalars import size_bytes

NAME = "socket-proxy"
PORT = 2375
SOCKET = "/var/run/docker.sock"
# What Docker discovery, log reading and container metrics ask for; inspection tells whether a TTY is attached.
ALLOWED = r"(/v1\.[0-9]+)?/(_ping|version|info|events|networks|containers/json|containers/[a-f0-9]+/(json|logs|stats))"


def service(spec: Environment, machine: Machine) -> Service:
    """A GET-only proxy on the estate's network; nothing is published on the machine."""
    return Service(
        name=NAME,
        image="socket-proxy",
        command=(
            "/socket-proxy",
            "-listenip=0.0.0.0",
            f"-proxyport={PORT}",
            f"-socketpath={SOCKET}",
            "-allowfrom=0.0.0.0/0",
            f"-allowGET={ALLOWED}",
            "-allowHEAD=/_ping",
        ),
        exposed=(Exposed("docker", PORT),),
        memory=size_bytes(spec.socket_proxy.resources.memory),
        cpus=spec.socket_proxy.resources.cpus,
        mounts=(
            HostMount(
                machine.docker_socket,
                SOCKET,
                "container logs are read through the engine; this proxy passes on GET requests to a few paths only",
            ),
        ),
        groups=(machine.docker_group,),
        metrics=None,
    )
