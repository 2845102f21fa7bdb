"""What a Docker engine says of itself and of what it has: one look, then only values."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docker import APIClient


@dataclass(frozen=True)
class Published:
    """A TCP port of the engine's machine that leads to a container."""

    address: str
    port: int


@dataclass(frozen=True)
class Thing:
    """A container, network or volume. `running` and `published` are a container's."""

    name: str
    labels: Mapping[str, str]
    running: bool = False
    published: tuple[Published, ...] = ()


@dataclass(frozen=True)
class Network(Thing):
    """A network: `device` is its interface on the engine's machine, `talks` whether its containers reach each other."""

    driver: str = "bridge"
    internal: bool = False
    talks: bool = True
    device: str = ""
    subnets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pool:
    """A range that new networks get their addresses from, `size` the prefix length of each."""

    base: str
    size: int


@dataclass(frozen=True)
class Registries:
    """How the engine reaches registries: its proxies, Docker Hub's mirrors, and where it does not insist on TLS."""

    http_proxy: str = ""
    https_proxy: str = ""
    no_proxy: str = ""
    mirrors: tuple[str, ...] = ()
    insecure: tuple[str, ...] = ()


@dataclass(frozen=True)
class EngineFacts:
    """What the engine says of itself, and what it has.

    `memory` is its machine's, in bytes; `clock` by how many seconds its clock is ahead of ours at least, None when it
    does not tell; `forwards` whether its machine forwards IPv4; `pools` is empty when it has Docker's own.
    """

    host: str
    name: str = ""
    system: str = ""
    root: str = ""
    memory: int = 0
    cgroup: str = ""
    cgroup_driver: str = ""
    clock: float | None = None
    forwards: bool = True
    rootless: bool = False
    warnings: tuple[str, ...] = ()
    pools: tuple[Pool, ...] = ()
    registries: Registries = Registries()
    containers: tuple[Thing, ...] = ()
    networks: tuple[Network, ...] = ()
    volumes: tuple[Thing, ...] = ()


def ask(host: str, client: APIClient) -> EngineFacts:
    """The facts of the engine that a client is of."""
    asked = time.time()
    info: dict[str, Any] = client.info()
    answered = time.time()
    return EngineFacts(
        host=host,
        name=info.get("Name", ""),
        system=info.get("OperatingSystem", ""),
        root=info.get("DockerRootDir", ""),
        memory=info.get("MemTotal", 0),
        cgroup=info.get("CgroupVersion", ""),
        cgroup_driver=info.get("CgroupDriver", ""),
        clock=ahead(info.get("SystemTime", ""), asked, answered),
        forwards=bool(info.get("IPv4Forwarding", True)),
        rootless="name=rootless" in (info.get("SecurityOptions") or ()),
        warnings=tuple(info.get("Warnings") or ()),
        pools=tuple(Pool(each["Base"], int(each["Size"])) for each in info.get("DefaultAddressPools") or ()),
        registries=registries(info),
        containers=tuple(container(row) for row in client.containers(all=True)),
        networks=tuple(network(row) for row in client.networks()),
        volumes=tuple(Thing(row["Name"], row.get("Labels") or {}) for row in client.volumes()["Volumes"] or ()),
    )


def ahead(told: str, asked: float, answered: float) -> float | None:
    """Seconds that a clock is ahead of ours (negative: behind) at least, told between two looks at ours."""
    try:
        at = datetime.fromisoformat(told).timestamp()
    except ValueError:
        return None
    return min(0.0, at - asked) or max(0.0, at - answered)


def container(row: Mapping[str, Any]) -> Thing:
    """One container from a row of the engine's list."""
    published = tuple(
        Published(port.get("IP") or "0.0.0.0", port["PublicPort"])
        for port in row.get("Ports") or ()
        if port.get("PublicPort") and port.get("Type") == "tcp"
    )
    name = (row.get("Names") or [row["Id"]])[0].lstrip("/")
    return Thing(name, row.get("Labels") or {}, row.get("State") in ("running", "paused", "restarting"), published)


def network(row: Mapping[str, Any]) -> Network:
    """One network from a row of the engine's list."""
    options: Mapping[str, str] = row.get("Options") or {}
    return Network(
        name=row["Name"],
        labels=row.get("Labels") or {},
        driver=row.get("Driver", ""),
        internal=bool(row.get("Internal")),
        talks=options.get("com.docker.network.bridge.enable_icc", "true") == "true",
        # moby, libnetwork/drivers/bridge: br- and 12 characters of the id where no option names it.
        device=options.get("com.docker.network.bridge.name") or f"br-{row['Id'][:12]}",
        subnets=tuple(each["Subnet"] for each in (row.get("IPAM") or {}).get("Config") or () if "Subnet" in each),
    )


def registries(info: Mapping[str, Any]) -> Registries:
    """The part of the engine's info that is about registries."""
    config: Mapping[str, Any] = info.get("RegistryConfig") or {}
    named: Mapping[str, Any] = config.get("IndexConfigs") or {}
    return Registries(
        http_proxy=info.get("HttpProxy") or "",
        https_proxy=info.get("HttpsProxy") or "",
        no_proxy=info.get("NoProxy") or "",
        mirrors=tuple(config.get("Mirrors") or ()),
        insecure=(
            *(config.get("InsecureRegistryCIDRs") or ()),
            *(host for host, index in named.items() if not index.get("Secure", True)),
        ),
    )
