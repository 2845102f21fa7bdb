"""The program side of what is made on hosts: plays and registrations of runners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi


class HostPlay(pulumi.CustomResource):
    """A host that a play has made what the inventory says.

    `changed` are the tasks that changed something the last time.
    """

    changed: pulumi.Output[Sequence[str]]

    def __init__(
        self,
        name: str,
        *,
        environment: str,
        host: str,
        tree: str,
        variables: Mapping[str, Any],
        machine: pulumi.Input[str] = "",
        playbook: str = "site",
        timeout: float = 1200,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """The arguments are described at `pointsman.resources.provider.host_play.HostPlayKind`.

        `variables` hold no secret; those that begin with `ansible_` say how the host is reached, and a change of them
        plays nothing. `tree` is `pointsman.plays.tree_hash()`; `timeout` is in seconds.
        """
        props: dict[str, Any] = {
            "environment": environment,
            "host": host,
            "playbook": playbook,
            "tree": tree,
            "variables": dict(variables),
            "machine": machine,
            "timeout": timeout,
            "machineId": None,
            "changed": None,
        }
        super().__init__("pointsman:index:HostPlay", name, props, opts)

    @property
    def installed(self) -> pulumi.Output[str]:
        """The machine-id of the machine that was played on, for what comes after the play."""
        return _output(self, "machineId")


class RunnerRegistration(pulumi.CustomResource):
    """A host's runner, registered at GitHub and seen online.

    An ephemeral one is gone after its job: the next refresh finds it gone, and the next `up` registers it anew.
    """

    def __init__(
        self,
        name: str,
        *,
        environment: str,
        host: str,
        variables: Mapping[str, Any],
        url: str,
        token: Mapping[str, str],
        runner: str,
        labels: Sequence[str],
        routing_label: str,
        mode: str,
        drain_seconds: float,
        installed: pulumi.Input[str],
        machine: pulumi.Input[str] = "",
        api_url: str = "",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """The arguments are described at `pointsman.resources.provider.runner_registration.RunnerRegistrationKind`.

        `token` says where the token is: `{"file": PATH}` or `{"environment": NAME}`; `runner` is the runner's name at
        GitHub; `installed` is `HostPlay.installed`, so that it comes after the play.
        """
        props: dict[str, Any] = {
            "environment": environment,
            "host": host,
            "variables": dict(variables),
            "url": url,
            "apiUrl": api_url,
            "token": dict(token),
            "name": runner,
            "labels": list(labels),
            "routingLabel": routing_label,
            "mode": mode,
            "drainSeconds": drain_seconds,
            "installed": installed,
            "machine": machine,
            "runnerId": None,
            "machineId": None,
        }
        super().__init__("pointsman:index:RunnerRegistration", name, props, opts)

    @property
    def runner_id(self) -> pulumi.Output[int]:
        """The runner's id at GitHub."""
        return _output(self, "runnerId")


def _output(resource: pulumi.CustomResource, name: str) -> pulumi.Output[Any]:
    found: pulumi.Output[Any] = pulumi.get(resource, name)
    return found
