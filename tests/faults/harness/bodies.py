"""A container as the data that it can be made from again."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docker import APIClient

FIRST_NETWORK = "bridge"


@dataclass(frozen=True)
class Body:
    """What the engine was told of a container: its settings, and its aliases by network."""

    name: str
    config: dict[str, Any]
    host: dict[str, Any]
    networks: dict[str, tuple[str, ...]]

    def without_groups(self) -> Body:
        """The same for a process in no group but its user's own."""
        return replace(self, host={**self.host, "GroupAdd": None})


def body(facts: Mapping[str, Any]) -> Body:
    """The body of a container that the engine was asked about."""
    short = facts["Id"][:12]
    # The engine adds the id to the aliases, and names the machine after it.
    config = {key: value for key, value in facts["Config"].items() if (key, value) != ("Hostname", short)}
    networks = {
        name: tuple(alias for alias in each["Aliases"] or () if alias != short)
        for name, each in facts["NetworkSettings"]["Networks"].items()
    }
    return Body(facts["Name"].lstrip("/"), config, dict(facts["HostConfig"]), networks)


def replace_container(engine: APIClient, wanted: Body) -> None:
    """Removes the container of that name and makes and starts the wanted one; volumes stay."""
    from docker.errors import NotFound

    with contextlib.suppress(NotFound):
        engine.remove_container(wanted.name, force=True)
    config = {**wanted.config, "HostConfig": wanted.host}
    made: str = engine.create_container_from_config(config, wanted.name)["Id"]  # type: ignore[no-untyped-call]
    if FIRST_NETWORK not in wanted.networks:
        engine.disconnect_container_from_network(made, FIRST_NETWORK)
    for network, aliases in wanted.networks.items():
        if network != FIRST_NETWORK:
            engine.connect_container_to_network(made, network, aliases=list(aliases))
    engine.start(made)


def matches(engine: APIClient, wanted: Body) -> bool:
    """Whether the container of that name runs on the wanted settings."""
    from docker.errors import NotFound

    try:
        facts = engine.inspect_container(wanted.name)
    except NotFound:
        return False
    found = body(facts)
    same = found.host.get("GroupAdd") == wanted.host.get("GroupAdd") and found.networks == wanted.networks
    return bool(same and facts["State"]["Running"])
