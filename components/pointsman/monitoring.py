"""`RunMonitor`: the monitor of runs as one component."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pulumi

from pointsman.services.model import Service
from pointsman.targets.docker.program import DockerTarget


class RunMonitor(pulumi.ComponentResource):
    """The container that watches a runs store, a scrape target that Prometheus knows from the same `Service` value.

    `urls` tells where its page is reached from the machine.
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
        """Places `services`. Folders of runs that are not there yet are made, as the user who deploys: the engine
        would make them root's."""
        super().__init__("pointsman:index:RunMonitor", name, None, opts)
        if not pulumi.runtime.is_dry_run():
            for folder in {Path(mount.source) for service in services for mount in service.mounts}:
                folder.mkdir(parents=True, exist_ok=True)
        self.placed = [target.place(service, self) for service in services]
        self.urls = {each.name: target.declared.url(each) for each in services if each.published}
        self.register_outputs({"urls": self.urls})
