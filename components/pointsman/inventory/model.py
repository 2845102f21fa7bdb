"""The inventory as everything else sees it: hosts with what was resolved for each, groups, and a hash of both."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pointsman.errors import UsageError

Part = Literal["primary", "secondary"]
PARTS: Mapping[str, Part] = {"runners_primary": "primary", "runners_secondary": "secondary"}
"""The groups of runner hosts, and what they make of a host."""
RUNNERS = "runners"
MONITORED = "monitored"


@dataclass(frozen=True)
class Package:
    """The archive of the runner program for one host."""

    url: str
    sha256: str
    version: str


@dataclass(frozen=True)
class Runner:
    """The runner on a host. `min_free` in bytes, `drain_seconds` in seconds; `package` is None where the spec's is
    taken."""

    part: Part
    name: str
    labels: tuple[str, ...]
    mode: Literal["persistent", "ephemeral"]
    profile: Literal["strict", "docker"]
    work_folder: str
    min_free: int
    drain_seconds: float
    package: Package | None


@dataclass(frozen=True)
class Host:
    """One host.

    `groups` are all that it is in, from the outermost in, as Ansible orders them. `exporters` are the ports of what is
    scraped, by exporter. `variables` are those that were written for it or have a default, resolved, as plain data for
    a play; `secrets` are the names of those whose value is left out. `hash` (SHA-256) changes with what a play makes of
    the host: not with a secret, and not with the way in (key, ssh arguments, interpreter).
    """

    name: str
    groups: tuple[str, ...]
    address: str
    port: int
    user: str
    runner: Runner | None
    exporters: Mapping[str, int]
    ssh_from: tuple[str, ...]
    scrape_from: tuple[str, ...]
    variables: Mapping[str, Any]
    secrets: tuple[str, ...]
    hash: str

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of its runner; none without one."""
        return self.runner.labels if self.runner else ()


@dataclass(frozen=True)
class Group:
    """A group: the groups in it, and the hosts that stand in it directly."""

    name: str
    children: tuple[str, ...]
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Inventory:
    """All hosts of an environment, in the order of hosts.yml. `folder` is where they are written, as people call it;
    `path` is what Ansible reads."""

    environment: str
    folder: str
    path: str
    hosts: tuple[Host, ...]
    groups: tuple[Group, ...]

    @property
    def runners(self) -> tuple[Host, ...]:
        """The hosts that have a runner."""
        return tuple(host for host in self.hosts if host.runner)

    def group(self, name: str) -> Group:
        """The group called `name`; raises UsageError where there is none."""
        found = {group.name: group for group in self.groups}
        if name not in found:
            raise self._unknown(name)
        return found[name]

    def inside(self, group: str) -> tuple[Host, ...]:
        """All hosts of a group and of the groups in it; raises UsageError where there is no such group."""
        self.group(group)
        return tuple(host for host in self.hosts if group in host.groups)

    def select(self, *names: str) -> tuple[Host, ...]:
        """The hosts that are named, by their own names or by those of groups; all of them where none is.

        Raises UsageError for a name that is neither.
        """
        if not names:
            return self.hosts
        known = {host.name for host in self.hosts} | {group.name for group in self.groups} | {"all"}
        for name in names:
            if name not in known:
                raise self._unknown(name)
        return tuple(host for host in self.hosts if {host.name, "all", *host.groups} & set(names))

    def _unknown(self, name: str) -> UsageError:
        there = [host.name for host in self.hosts] + [group.name for group in self.groups]
        near = difflib.get_close_matches(name, there, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        shown = ", ".join(there[:20]) + (f" and {len(there) - 20} more" if len(there) > 20 else "")
        return UsageError(f"{self.folder} has no host or group {name}", remedy=f"{hint}there is: {shown}")
