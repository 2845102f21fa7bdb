"""The Pulumi program of every environment: read the spec, build the components, export the addresses."""

from __future__ import annotations

import pulumi

from pointsman import Exporters, ObservabilityStack
from pointsman.errors import PointsmanError
from pointsman.identity import estate_id
from pointsman.images import locked
from pointsman.services.estate import compose
from pointsman.spec.reader import read_environment
from pointsman.targets.docker.engine import machine
from pointsman.targets.docker.program import DockerTarget


def main() -> None:
    """Declares the environment that the stack is named after."""
    environment = pulumi.get_stack()
    spec = read_environment(environment)
    images = locked(environment, spec)
    estate = compose(environment, spec, images.agent, machine())
    target = DockerTarget(estate_id(), environment, spec, images.images)
    stack = ObservabilityStack("observability", target=target, services=estate.stack)
    Exporters("exporters", target=target, services=estate.exporters)
    pulumi.export("urls", stack.urls)


try:
    main()
except PointsmanError as error:
    # RunError is shown as it is: a user's mistake must not end in a traceback.
    raise pulumi.RunError(str(error)) from None
