"""What is known of services and hosts at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

READY = "ready"
NOT_PUBLISHED = "not published"
ELSEWHERE = "elsewhere"
MISSING = "no such container"
MACHINE = "machine"
NOT_WATCHED = "not watched"


@dataclass(frozen=True)
class Row:
    """One service. Seconds and bytes; None is unknown.

    `state` is Docker's word, `missing`, or `elsewhere` for one that others run. `health` is `ready` when its
    readiness URL answered, `not published` when it runs and nothing outside can ask it, else the reason why it is not
    well. `version` comes from the service itself where it told one to Prometheus, else from its image, as
    `version_from` says. `memory` is the working set: usage without the file cache that the kernel may take back at
    once. `ingestion` is what it takes in a second, averaged over the last minute or four scrapes, in `ingestion_unit`,
    which is empty for a service that counts nothing. `url` is its main address; `addresses` are all, by port name.
    """

    service: str
    state: str
    health: str
    version: str
    version_from: Literal["service", "image", "unknown"]
    image: str
    uptime: float | None
    restarts: int
    memory: int | None
    memory_limit: int
    url: str
    ingestion: float | None = None
    ingestion_unit: str = ""
    addresses: Mapping[str, str] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Runs, and was seen ready from outside where it is published."""
        return self.state in ("running", ELSEWHERE) and self.health in (READY, NOT_PUBLISHED)


@dataclass(frozen=True)
class HostRow:
    """One runner host. Seconds and bytes; None is unknown.

    `state` is Docker's word, `missing`, or `machine` for one that is no container. `health` is `ready` when its
    container runs, its exporters are scraped, its runner's service is active and GitHub does not call it offline;
    `not watched` when nothing tells of it and nothing is declared to; else the reason why it is not well. `version` is
    its runner's; `free` and `size` are of the file system that the work folder is on. `address` is where SSH is.
    """

    host: str
    state: str
    health: str
    labels: tuple[str, ...] = ()
    version: str = ""
    job: bool | None = None
    free: int | None = None
    size: int | None = None
    uptime: float | None = None
    address: str = ""

    @property
    def good(self) -> bool:
        """Nothing that is known of it is wrong, and all that is declared to be known is."""
        return self.health in (READY, NOT_WATCHED)


@dataclass(frozen=True)
class Status:
    """An environment at one moment: services, those that others run the last, and hosts in the inventory's order."""

    services: tuple[Row, ...]
    hosts: tuple[HostRow, ...] = ()

    @property
    def good(self) -> bool:
        """All of them are."""
        return all(row.good for row in self.services) and all(host.good for host in self.hosts)
