"""`Exporters`: the exporters that run beside the stack as one component."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from pointsman.services.model import Service
from pointsman.targets.docker.program import DockerTarget


class Exporters(pulumi.ComponentResource):
    """Exporters of the machine, each a scrape target that Prometheus knows from the same `Service` value.

    `urls` tells where each is reached from the machine.
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
        """Places `services`; they start independently of one another."""
        super().__init__("pointsman:index:Exporters", name, None, opts)
        self.placed = [target.place(service, self) for service in services]
        self.urls = {each.name: target.declared.url(each) for each in services if each.published}
        self.register_outputs({"urls": self.urls})
