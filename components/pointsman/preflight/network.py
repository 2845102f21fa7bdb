"""Whether containers of the environment's own network can reach each other and what is beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_network
from pathlib import Path

from pointsman.checks import Check, failed, not_verifiable, passed
from pointsman.preflight.engine import Look
from pointsman.preflight.facts import EngineFacts, Network, Pool
from pointsman.targets.docker import names

NAME = "container network"
ROUTES = Path("/proc/net/route")
UP = 0x1  # RTF_UP of linux/route.h
# What networks get their addresses from where the engine is not told (moby, libnetwork/ipamutils/utils.go).
POOLS = (
    *(Pool(f"172.{second}.0.0/16", 16) for second in (17, 18, 19)),
    *(Pool(f"172.{second}.0.0/14", 16) for second in (20, 24, 28)),
    Pool("192.168.0.0/16", 20),
)
DRIVER = "bridge"


@dataclass(frozen=True)
class Route:
    """A route of the machine, the default one left out."""

    to: IPv4Network
    device: str


def check(environment: str, seen: Look) -> Check:
    """Whether the network is as it must be, or can be made; nothing is started for it."""
    if seen.facts is None:
        return not_verifiable(NAME, "no Docker engine answered")
    # Rootless Docker has a network of its own, whose routes are not these.
    here = seen.is_here and not seen.facts.rootless and ROUTES.exists()
    return judge(environment, seen.facts, routes(ROUTES.read_text(encoding="ascii")) if here else ())


def judge(environment: str, facts: EngineFacts, known: Sequence[Route]) -> Check:
    """The check, from facts alone; `known` are the routes of the engine's machine."""
    name = names.network(environment)
    if not facts.forwards:
        return failed(
            NAME,
            "IPv4 forwarding is off: containers reach nothing outside their network, and are reached from none",
            expected="net.ipv4.ip_forward = 1 on the engine's machine, as Docker sets it when it starts",
            remedy="sudo sysctl -w net.ipv4.ip_forward=1, and remove the line that sets it to 0 from /etc/sysctl.d",
        )
    own = next((each for each in facts.networks if each.name == name), None)
    remarks = "".join(f"; Docker warns: {each}" for each in facts.warnings if "bridge" in each)
    if own is not None:
        return _own(own, known, remarks)
    free = free_range(facts, known)
    if free is None:
        return failed(
            NAME,
            f"no range of addresses is left for {name}: {len(facts.networks)} networks and the machine's routes "
            "take all that Docker may give",
            expected="a free range in the engine's address pools",
            remedy="`docker network prune` removes networks without containers; or give the engine more in "
            "default-address-pools of /etc/docker/daemon.json",
        )
    return not_verifiable(
        NAME,
        f"{name} is made by the first `pointsman up`, and only a container can tell what it reaches; nothing stands "
        f"against it: forwarding is on, {free} is free{remarks}",
    )


def free_range(facts: EngineFacts, known: Sequence[Route]) -> IPv4Network | None:
    """The range that a new network may get: overlaps with networks and routes are passed over, as the engine does."""
    taken = [route.to for route in known]
    taken += [found for each in facts.networks for text in each.subnets if (found := _ipv4(text))]
    for pool in facts.pools or POOLS:
        base = _ipv4(pool.base)
        for candidate in base.subnets(new_prefix=pool.size) if base else ():
            if not any(candidate.overlaps(each) for each in taken):
                return candidate
    return None


def routes(text: str) -> tuple[Route, ...]:
    """The routes in the text of /proc/net/route, which has addresses as hexadecimal numbers in the machine's order."""
    found = []
    for line in text.splitlines()[1:]:
        device, destination, _, flags, _, _, _, mask = line.split()[:8]
        if int(flags, 16) & UP and int(mask, 16):
            found.append(Route(IPv4Network(f"{_address(destination)}/{_address(mask)}", strict=False), device))
    return tuple(found)


def _own(own: Network, known: Sequence[Route], remarks: str) -> Check:
    remedy = f"`pointsman down`, `docker network rm {own.name}`, then `pointsman up` makes it as it should be"
    expected = f"a {DRIVER} network whose containers reach each other and the machine"
    if own.driver != DRIVER or own.internal or not own.talks:
        what = f"has the driver {own.driver}" if own.driver != DRIVER else "is internal" if own.internal else ""
        return failed(
            NAME,
            f"{own.name} {what or 'keeps its containers apart (enable_icc=false)'}",
            expected=expected,
            remedy=remedy,
        )
    for subnet in filter(None, map(_ipv4, own.subnets)):
        for route in known:
            # A wider route loses to the network's own; one as narrow or narrower takes its packets.
            if route.device != own.device and route.to.overlaps(subnet) and route.to.prefixlen >= subnet.prefixlen:
                return failed(
                    NAME,
                    f"{own.name} has {subnet}, and a route of this machine leads {route.to} to {route.device}",
                    expected="addresses that no other route leads away",
                    remedy=f"remove that route (`ip route show dev {route.device}`), or let the network get other "
                    f"addresses: {remedy}",
                )
    return passed(NAME, f"{own.name} is there: {own.driver}, {', '.join(own.subnets)}, forwarding is on{remarks}")


def _ipv4(text: str) -> IPv4Network | None:
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        return None
    return found if isinstance(found, IPv4Network) else None


def _address(number: str) -> IPv4Address:
    return IPv4Address(bytes.fromhex(number)[::-1])
