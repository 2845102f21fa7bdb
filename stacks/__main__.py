"""The Pulumi program of every environment: read the spec, build the components, export the addresses."""

from __future__ import annotations

import pulumi

from pointsman import Exporters, ObservabilityStack, RunMonitor, RunnerFleet
from pointsman.backup.journal import refuse_unfinished
from pointsman.declared import declared
from pointsman.errors import PointsmanError
from pointsman.targets.docker.program import DockerTarget


def main() -> None:
    """Declares the environment that the stack is named after."""
    refuse_unfinished(pulumi.get_stack())
    environment = declared(pulumi.get_stack())
    target = DockerTarget(environment)
    stack = ObservabilityStack("observability", target=target, services=environment.estate.stack)
    exporters = Exporters("exporters", target=target, services=environment.estate.exporters)
    urls = stack.urls | exporters.urls
    if environment.estate.runners or environment.hosts:
        services, hosts = environment.estate.runners, environment.hosts
        urls |= RunnerFleet("runners", target=target, services=services, hosts=hosts).urls
    if environment.estate.monitoring:
        urls |= RunMonitor("run-monitor", target=target, services=environment.estate.monitoring).urls
    pulumi.export("urls", urls)


try:
    main()
except PointsmanError as error:
    # RunError is shown as it is: a user's mistake must not end in a traceback.
    raise pulumi.RunError(str(error)) from None
