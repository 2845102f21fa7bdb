"""What can be done to an estate: each fault as a value. Pure; `injecting` makes them happen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

REFUSED = "pointsman-fault: [this is no config\n"


@dataclass(frozen=True)
class ContainerKilled:
    """The container of `service` is dead, and Docker leaves it so."""

    service: str


@dataclass(frozen=True)
class ContainerPaused:
    """Every process of `service` is stopped, with its connections open."""

    service: str


@dataclass(frozen=True)
class ContainerRemoved:
    """The container of `service` is gone; its volumes stay."""

    service: str


@dataclass(frozen=True)
class ConfigBroken:
    """The live release of `service`'s config holds `text` in each of its files, and the service was made to load it."""

    service: str
    text: str = REFUSED


@dataclass(frozen=True)
class MountEmptied:
    """The config or data volume of `service` holds nothing any more; the service was not restarted."""

    service: str
    volume: Literal["config", "data"]


@dataclass(frozen=True)
class NetworkCut:
    """`service` is on no network, in neither direction."""

    service: str


@dataclass(frozen=True)
class NetworkCutOneWay:
    """What `service` asks of `to` is lost without a word; what `to` asks of `service` is answered as before."""

    service: str
    to: str


@dataclass(frozen=True)
class DnsBroken:
    """`service` resolves no names, and its open connections were cut once, so that it has to resolve them again."""

    service: str


@dataclass(frozen=True)
class DiskFull:
    """The data volume of `service` is a small file system of `size` bytes, in memory, and not a byte of it is free."""

    service: str
    size: int = 96 * 2**20


@dataclass(frozen=True)
class MemoryLimit:
    """`service` was started with `limit` bytes of memory, less than it needs: the kernel kills it again and again."""

    service: str
    limit: int


@dataclass(frozen=True)
class CpuStarved:
    """`service` gets `cpus` of a core; 0.01 is the least that the kernel gives."""

    service: str
    cpus: float = 0.01


@dataclass(frozen=True)
class ConnectionSlow:
    """What the other services ask of `service` is answered `latency` milliseconds late."""

    service: str
    latency: int = 15_000


@dataclass(frozen=True)
class ConnectionReset:
    """What the other services ask of `service` ends in a reset connection."""

    service: str


@dataclass(frozen=True)
class WrongCredentials:
    """`service` runs without the groups that it is allowed in by: the engine's socket refuses it."""

    service: str


@dataclass(frozen=True)
class ClockSkew:
    """The clock of `service` is `seconds` ahead of the clock of whoever runs a command of the clone."""

    service: str
    seconds: float


Fault = (
    ContainerKilled
    | ContainerPaused
    | ContainerRemoved
    | ConfigBroken
    | MountEmptied
    | NetworkCut
    | NetworkCutOneWay
    | DnsBroken
    | DiskFull
    | MemoryLimit
    | CpuStarved
    | ConnectionSlow
    | ConnectionReset
    | WrongCredentials
    | ClockSkew
)


def described(fault: Fault) -> str:
    """The fault in a few words, for a test's name and a table's row."""
    match fault:
        case NetworkCutOneWay(service, to):
            return f"{phrase(type(fault))} {service} to {to}"
        case MountEmptied(service, volume):
            return f"{phrase(type(fault))} {service} {volume}"
        case _:
            return f"{phrase(type(fault))} {fault.service}"


def phrase(kind: type[Fault]) -> str:
    """The name of a kind of fault as words."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind.__name__).strip()
