"""`RunnerHost` and `RunnerFleet`: hosts that run the jobs of GitHub Actions, hardened, registered and watched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from pointsman.hosts.planning import HostPlan, Registration
from pointsman.plays import tree_hash
from pointsman.resources.hosts import HostPlay, RunnerRegistration
from pointsman.services import github_standin, loki
from pointsman.services.model import Service
from pointsman.targets.docker.program import DockerTarget


class RunnerHost(pulumi.ComponentResource):
    """One host: its container where it is one, the play that makes it what the inventory says, its registration.

    `machine_id` names the machine that was played on.
    """

    machine_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        target: DockerTarget,
        host: HostPlan,
        tree: str,
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Makes `host`; `tree` is the hash of the plays, `after` are what it must reach to be made."""
        super().__init__("pointsman:index:RunnerHost", name, None, opts)
        environment, machine = target.environment, target.host(host, self) if host.container else None
        identity = machine.id if machine else ""
        play = HostPlay(
            f"{name}-play",
            environment=environment,
            host=host.name,
            tree=tree,
            variables=host.variables,
            machine=identity,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*after, *([machine] if machine else [])]),
        )
        if host.registration:
            self._register(name, environment, host, host.registration, play, identity)
        self.machine_id = play.installed
        self.register_outputs({"machineId": self.machine_id})

    def _register(
        self,
        name: str,
        environment: str,
        host: HostPlan,
        wanted: Registration,
        play: HostPlay,
        machine: pulumi.Input[str],
    ) -> None:
        RunnerRegistration(
            f"{name}-registration",
            environment=environment,
            host=host.name,
            variables={**host.variables, **wanted.variables},
            url=wanted.url,
            api_url=wanted.api_url,
            token=wanted.token,
            runner=wanted.runner,
            labels=wanted.labels,
            routing_label=wanted.routing_label,
            mode=wanted.mode,
            drain_seconds=wanted.drain_seconds,
            installed=play.installed,
            machine=machine,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[play]),
        )


class RunnerFleet(pulumi.ComponentResource):
    """All runner hosts of an environment, and the services that belong to them: GitHub's exporter, a stand-in for it.

    `urls` tells where each service is reached from the machine.
    """

    urls: Mapping[str, str]

    def __init__(
        self,
        name: str,
        *,
        target: DockerTarget,
        services: Sequence[Service],
        hosts: Sequence[HostPlan],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Places `services`, and makes `hosts` once what they must reach is ready."""
        super().__init__("pointsman:index:RunnerFleet", name, None, opts)
        self.placed = [target.place(service, self) for service in services]
        tree = tree_hash() if hosts else ""
        # Before a host is played on, what it will talk to must answer: its reachability is part of the play.
        after = [placed.readiness for placed in target.placed.values() if placed.service.name in NEEDED]
        child = pulumi.ResourceOptions(parent=self)
        self.hosts = [
            RunnerHost(each.name, target=target, host=each, tree=tree, after=after, opts=child) for each in hosts
        ]
        self.urls = {each.name: target.declared.url(each) for each in services if each.published}
        self.register_outputs({"urls": self.urls})


NEEDED = (github_standin.NAME, loki.NAME)
"""The services that hosts talk to."""
