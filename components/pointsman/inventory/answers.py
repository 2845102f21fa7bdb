"""What is asked of the process that resolves an inventory, and what it answers: plain data, one JSON document each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["environment", "vault", "undefined", "template", "secret", "inventory"]


@dataclass(frozen=True)
class Request:
    """`hosts` is the path of a hosts.yml, `names` are the variables that are asked for; of those in `secrets` only
    whether they have a value."""

    hosts: str
    names: tuple[str, ...]
    secrets: tuple[str, ...]

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Request:
        """The request that JSON holds."""
        return cls(plain["hosts"], tuple(plain["names"]), tuple(plain["secrets"]))


@dataclass(frozen=True)
class Fault:
    """Why a value, a host or a whole inventory cannot be resolved: for `environment`, `message` names the variables
    that are not set; else it is Ansible's own."""

    kind: Kind
    message: str


@dataclass(frozen=True)
class ResolvedHost:
    """A host: its groups from the outermost in, its values, the names of its secrets, and the fault of each variable
    that has one; the empty name stands for all of them."""

    name: str
    groups: tuple[str, ...]
    values: Mapping[str, Any]
    secrets: tuple[str, ...]
    faults: Mapping[str, Fault]


@dataclass(frozen=True)
class Resolved:
    """An inventory: its hosts, the environment variables that were read for them, and what kept Ansible from all of
    it."""

    hosts: tuple[ResolvedHost, ...]
    environment: tuple[str, ...]
    fault: Fault | None

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Resolved:
        """What JSON holds."""
        hosts = tuple(
            ResolvedHost(
                each["name"],
                tuple(each["groups"]),
                each["values"],
                tuple(each["secrets"]),
                {name: Fault(**fault) for name, fault in each["faults"].items()},
            )
            for each in plain["hosts"]
        )
        fault = Fault(**plain["fault"]) if plain["fault"] else None
        return cls(hosts, tuple(plain["environment"]), fault)
