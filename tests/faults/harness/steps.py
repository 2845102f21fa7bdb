"""How an injected fault is undone: steps as plain data, so that a journal can hold them, each harmless when repeated.

A step looks at what is there before it does anything: it may be applied before its fault happened, half-way, twice, or
when the environment is gone altogether.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tests.faults.harness import bodies, mounts, netns, skewing
from tests.faults.harness.bodies import Body

if TYPE_CHECKING:
    from docker import APIClient

# Long enough for a database to end well.
STOP_SECONDS = 10


@dataclass(frozen=True)
class Start:
    """A container runs; a paused one goes on."""

    container: str
    kind: Literal["start"] = "start"

    def apply(self, engine: APIClient) -> None:
        """Starts it unless it runs."""
        state = _state(engine, self.container)
        if state is None:
            return
        if state["Paused"]:
            engine.unpause(self.container)
        elif not state["Running"]:
            engine.start(self.container)


@dataclass(frozen=True)
class Recreate:
    """There is a container with these settings, and it runs."""

    body: Body
    kind: Literal["recreate"] = "recreate"

    def apply(self, engine: APIClient) -> None:
        """Makes it anew unless it is there; nothing when its network is gone, and so the environment."""
        there = {row["Name"] for row in engine.networks()}
        if self.body.networks.keys() <= there and not bodies.matches(engine, self.body):
            bodies.replace_container(engine, self.body)


@dataclass(frozen=True)
class PointConfig:
    """A config volume's `current` link points to `slot`, and its service was restarted on it.

    `directory` is where `container` mounts the volume; `image` serves to look into it.
    """

    container: str
    volume: str
    directory: str
    image: str
    slot: str
    kind: Literal["point-config"] = "point-config"

    def apply(self, engine: APIClient) -> None:
        """Points and restarts, unless it does already."""
        from pointsman.resources.provider import releases

        if _state(engine, self.container) is None:
            return
        with releases.opened(engine, self.volume, self.directory, self.image, f"{self.volume}-fault", {}) as volume:
            live = volume.live()
            if live is not None and live.slot == self.slot:
                return
            volume.point(self.slot)
        restart(engine, self.container)


@dataclass(frozen=True)
class MoveBack:
    """What was moved out of a volume's folder is in it again; `container` is restarted when it was moved."""

    folder: str
    container: str
    kind: Literal["move-back"] = "move-back"

    def apply(self, engine: APIClient) -> None:
        """Moves it back with the container stopped."""
        folder = Path(self.folder)
        if not mounts.is_away(folder):
            return
        stop(engine, self.container)
        mounts.move_back(folder)
        Start(self.container).apply(engine)


@dataclass(frozen=True)
class Uncover:
    """No file system of the harness lies over a volume's folder."""

    folder: str
    container: str
    kind: Literal["uncover"] = "uncover"

    def apply(self, engine: APIClient) -> None:
        """Stops the container, takes the file system away, starts the container."""
        folder = Path(self.folder)
        if mounts.mounted(folder):
            stop(engine, self.container)
        mounts.uncover(folder)
        Start(self.container).apply(engine)


@dataclass(frozen=True)
class Connect:
    """A container is on a network, reached there as each of `aliases` and as nothing else."""

    container: str
    network: str
    aliases: tuple[str, ...]
    kind: Literal["connect"] = "connect"

    def apply(self, engine: APIClient) -> None:
        """Connects it unless it is connected so."""
        from docker.errors import NotFound

        if _state(engine, self.container) is None:
            return
        found = bodies.body(engine.inspect_container(self.container)).networks
        if found.get(self.network) == self.aliases:
            return
        if self.network in found:
            engine.disconnect_container_from_network(self.container, self.network)
        try:
            engine.connect_container_to_network(self.container, self.network, aliases=list(self.aliases))
        except NotFound:
            return


@dataclass(frozen=True)
class DeleteRule:
    """The packet filter of a container has no such rule; a container that was restarted has none anyway."""

    container: str
    rule: tuple[str, ...]
    kind: Literal["delete-rule"] = "delete-rule"

    def apply(self, engine: APIClient) -> None:
        """Deletes it where it is."""
        if (state := _state(engine, self.container)) and state["Pid"]:
            netns.delete_rule(state["Pid"], self.rule)


@dataclass(frozen=True)
class Limits:
    """A container has these limits: bytes of memory, the same with swap, and billionths of a core."""

    container: str
    memory: int
    memory_swap: int
    nano_cpus: int
    kind: Literal["limits"] = "limits"

    def apply(self, engine: APIClient) -> None:
        """Sets them; a container with another memory limit is stopped meanwhile, since it may be in a crash loop."""
        if _state(engine, self.container) is None:
            return
        found = engine.inspect_container(self.container)["HostConfig"]
        if found["NanoCpus"] != self.nano_cpus:
            update(engine, self.container, NanoCpus=self.nano_cpus)
        if found["Memory"] != self.memory:
            stop(engine, self.container)
            update(engine, self.container, Memory=self.memory, MemorySwap=self.memory_swap)
        Start(self.container).apply(engine)


@dataclass(frozen=True)
class Remove:
    """There is no container of that name."""

    container: str
    kind: Literal["remove"] = "remove"

    def apply(self, engine: APIClient) -> None:
        """Removes it where it is."""
        from docker.errors import NotFound

        try:
            engine.remove_container(self.container, force=True, v=True)
        except NotFound:
            return


@dataclass(frozen=True)
class TurnBack:
    """Commands that find their modules in a folder have the machine's clock."""

    library: str
    kind: Literal["turn-back"] = "turn-back"

    def apply(self, engine: APIClient) -> None:
        """Turns it back."""
        skewing.turn_back(Path(self.library))


Step = Start | Recreate | PointConfig | MoveBack | Uncover | Connect | DeleteRule | Limits | Remove | TurnBack


def stop(engine: APIClient, container: str) -> None:
    """Stops a container that is there, paused or not."""
    state = _state(engine, container)
    if state is None:
        return
    if state["Paused"]:
        engine.unpause(container)
    engine.stop(container, timeout=STOP_SECONDS)


def restart(engine: APIClient, container: str) -> None:
    """Stops and starts a container: Docker's own restart refuses one in a crash loop on some engines."""
    stop(engine, container)
    Start(container).apply(engine)


def update(engine: APIClient, container: str, **limits: int) -> None:
    """Changes limits of a container; by the bare interface, since the library knows no NanoCpus."""
    url = f"{engine.base_url}/v{engine.api_version}/containers/{container}/update"
    answer = engine.post(url, json=limits)
    assert answer.ok, answer.text


def _state(engine: APIClient, container: str) -> dict[str, Any] | None:
    from docker.errors import NotFound

    try:
        state: dict[str, Any] = engine.inspect_container(container)["State"]
    except NotFound:
        return None
    return state
