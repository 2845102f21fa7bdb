"""How a machine gets Pulumi, its plugins and a Docker engine when it has none."""

from pointsman.toolchain.docker_engine import DockerEngine
from pointsman.toolchain.provision import Toolchain, ensure, find
from pointsman.toolchain.status import Row, status

__all__ = ["DockerEngine", "Row", "Toolchain", "ensure", "find", "status"]
