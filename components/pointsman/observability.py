"""`ObservabilityStack`: the stores, the ways to them and the alerting as one component."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from pointsman.services.model import Service
from pointsman.targets.docker.program import DockerTarget


class ObservabilityStack(pulumi.ComponentResource):
    """The services that collect and keep the estate's signals, on one target.

    `urls` tells where each published service is reached from the machine.
    """

    urls: dict[str, str]

    def __init__(
        self,
        name: str,
        *,
        target: DockerTarget,
        services: Sequence[Service],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Places `services` in their order, which must be one in which they can start."""
        super().__init__("pointsman:index:ObservabilityStack", name, None, opts)
        self.placed = [target.place(service, self) for service in services]
        self.urls = {each.name: target.declared.url(each) for each in services if each.published}
        self.register_outputs({"urls": self.urls})
