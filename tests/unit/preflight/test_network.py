"""Judgement on the containers' network: what Docker would refuse or what would not carry a packet, from facts alone."""

from __future__ import annotations

import dataclasses

import pytest

from pointsman.checks import Outcome
from pointsman.preflight.facts import EngineFacts, Network, Pool, network
from pointsman.preflight.network import Route, free_range, judge, routes

# As the kernel of a little-endian machine prints it: the default route, Docker's bridge, one that is down.
TABLE = """\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
docker0	000011AC	00000000	0001	0	0	0	0000FFFF	0	0	0
tun0	0000A8C0	00000000	0000	0	0	0	0000FFFF	0	0	0
"""
DOCKER0 = routes(TABLE)[0]
OWN = Network("pointsman-dev", {}, device="br-1", subnets=("172.18.0.0/16",))
FACTS = EngineFacts("unix:///s", networks=(Network("bridge", {}, device="docker0", subnets=("172.17.0.0/16",)),))


def route(to: str, device: str) -> Route:
    """A route as it is read."""
    return dataclasses.replace(DOCKER0, to=type(DOCKER0.to)(to), device=device)


def test_routes_of_the_kernel() -> None:
    """Addresses are in the machine's byte order; the default route and those that are down lead nothing away."""
    assert [(str(each.to), each.device) for each in routes(TABLE)] == [("172.17.0.0/16", "docker0")]


def test_before_the_first_up() -> None:
    """What only a container could tell is not claimed; what can be told is."""
    found = judge("dev", FACTS, (DOCKER0,))
    assert found.outcome is Outcome.NOT_VERIFIABLE
    assert "172.18.0.0/16 is free" in found.seen


def test_the_environments_own_network() -> None:
    """It is there and a bridge; the engine's remark on bridges is passed on, others are not its matter."""
    facts = dataclasses.replace(
        FACTS,
        networks=(*FACTS.networks, OWN),
        warnings=("WARNING: bridge-nf-call-iptables is disabled", "WARNING: No swap limit support"),
    )
    found = judge("dev", facts, (DOCKER0, route("172.18.0.0/16", "br-1"), route("172.16.0.0/12", "tun0")))
    assert found.outcome is Outcome.PASS
    assert "bridge-nf-call-iptables" in found.seen
    assert "swap" not in found.seen


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (dataclasses.replace(OWN, driver="macvlan"), "has the driver macvlan"),
        (dataclasses.replace(OWN, internal=True), "is internal"),
        (dataclasses.replace(OWN, talks=False), "keeps its containers apart"),
    ],
)
def test_a_network_that_would_not_do(own: Network, words: str) -> None:
    """Somebody made it otherwise: it is said how, and how it comes right."""
    found = judge("dev", dataclasses.replace(FACTS, networks=(own,)), ())
    assert found.outcome is Outcome.FAIL
    assert words in found.seen
    assert "docker network rm pointsman-dev" in found.remedy


def test_a_route_that_takes_the_networks_packets() -> None:
    """A tunnel that came up later with the same addresses is a fault; one to a wider range loses to the network."""
    facts = dataclasses.replace(FACTS, networks=(OWN,))
    found = judge("dev", facts, (route("172.18.4.0/24", "tun0"),))
    assert found.outcome is Outcome.FAIL
    assert "leads 172.18.4.0/24 to tun0" in found.seen


def test_forwarding_is_off() -> None:
    """The one line that turns it on."""
    found = judge("dev", dataclasses.replace(FACTS, forwards=False), ())
    assert found.outcome is Outcome.FAIL
    assert "sysctl -w net.ipv4.ip_forward=1" in found.remedy


def test_ranges_that_networks_and_routes_take() -> None:
    """A new network gets the first range that nobody has; none left is a fault before Docker says so."""
    assert str(free_range(FACTS, (route("172.16.0.0/12", "tun0"),))) == "192.168.0.0/20"
    small = dataclasses.replace(FACTS, pools=(Pool("10.9.0.0/23", 24),))
    assert str(free_range(small, (route("10.9.0.0/24", "eth1"),))) == "10.9.1.0/24"
    found = judge("dev", small, (route("10.0.0.0/8", "tun0"),))
    assert found.outcome is Outcome.FAIL
    assert "docker network prune" in found.remedy


def test_a_row_of_the_engines_list() -> None:
    """The bridge's interface is the option's, else made of the id."""
    row = {
        "Name": "n",
        "Id": "0123456789abcdef",
        "Driver": "bridge",
        "Internal": False,
        "Options": {"com.docker.network.bridge.enable_icc": "false"},
        "IPAM": {"Config": [{"Subnet": "172.18.0.0/16"}]},
        "Labels": None,
    }
    assert network(row) == Network("n", {}, talks=False, device="br-0123456789ab", subnets=("172.18.0.0/16",))
    assert network({**row, "Options": {"com.docker.network.bridge.name": "mine"}}).device == "mine"
