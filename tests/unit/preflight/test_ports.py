"""Judgement on ports: whoever holds one is named, with the key that moves it."""

from __future__ import annotations

import dataclasses

import pytest

from pointsman.checks import Outcome
from pointsman.preflight.facts import Published, Thing
from pointsman.preflight.names import Owner
from pointsman.preflight.ports import Listener, PortFacts, Want, judge, of_hosts, overlap
from pointsman.services import labels
from tests.unit.services.cases import host

WHOSE = Owner("mine", "dev")
WANT = Want("prometheus", 9090, "127.0.0.1", "ports.prometheus")
PROXY = Listener("127.0.0.1", 9090, 77, "docker-proxy", "root")


def holder(
    estate: str = "mine", environment: str = "dev", service: str = "prometheus", address: str = "0.0.0.0"
) -> Thing:
    """A running container that publishes 9090."""
    carried = {labels.ESTATE: estate, labels.ENVIRONMENT: environment, labels.SERVICE: service}
    return Thing("holder", carried if estate else {}, True, (Published(address, 9090),))


def test_a_free_port_passes() -> None:
    """Neighbours on other ports, or on other addresses of the machine, are in nobody's way."""
    around = (Listener("127.0.0.1", 9091, 1, "a", "root"), Listener("10.0.0.5", 9090, 2, "b", "root"))
    found = judge(PortFacts(WANT, (holder(address="10.0.0.5"),), around), WHOSE)
    assert found.outcome is Outcome.PASS
    assert found.name == "port 9090 (prometheus)"


def test_the_services_own_container_passes() -> None:
    """A second `up` meets its own port, behind Docker's proxy."""
    found = judge(PortFacts(WANT, (holder(),), (PROXY,), "taken"), WHOSE)
    assert found.outcome is Outcome.PASS
    assert "own container holder" in found.seen


def test_the_services_own_restarting_container_passes() -> None:
    """While it dies and restarts the engine lists no port of it, and its proxy may hold the port all the same."""
    restarting = dataclasses.replace(holder(), published=())
    found = judge(PortFacts(WANT, (restarting,), (PROXY,), "taken"), WHOSE)
    assert found.outcome is Outcome.PASS
    assert "own container holder, which restarts" in found.seen
    another = dataclasses.replace(holder(service="loki"), published=())
    assert judge(PortFacts(WANT, (another,), (PROXY,), "taken"), WHOSE).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("by", "words"),
    [
        (holder(estate=""), "was not made by Pointsman"),
        (holder(environment="trial"), "belongs to environment trial of this estate"),
        (holder(estate="theirs"), "belongs to environment dev of another estate, theirs"),
        (holder(service="loki"), "would let go of it only during the same run"),
    ],
)
def test_another_container_is_named_with_its_owner(by: Thing, words: str) -> None:
    """The container, whose it is, and the key; never its proxy's pid, which nobody should end."""
    found = judge(PortFacts(WANT, (by,), (PROXY,), "taken"), WHOSE)
    assert found.outcome is Outcome.FAIL
    assert "container holder" in found.seen
    assert words in found.seen
    assert "77" not in found.seen + found.remedy
    assert "ports.prometheus in stacks/dev.yaml" in found.remedy


def test_a_process_is_named() -> None:
    """Name, pid and user, each process once although it listens twice."""
    listeners = (Listener("127.0.0.1", 9090, 123, "nginx", "web"), Listener("::", 9090, 123, "nginx", "web"))
    found = judge(PortFacts(WANT, (), listeners, "taken"), WHOSE)
    assert found.outcome is Outcome.FAIL
    assert "nginx (pid 123, user web)" in found.seen
    assert "ps -fp 123`" in found.remedy
    assert "ports.prometheus in stacks/dev.yaml" in found.remedy


@pytest.mark.parametrize(("root", "words"), [(False, "which only root may see"), (True, "cannot be seen from here")])
def test_an_unknown_holder_is_said_to_be_unknown(root: bool, words: str) -> None:
    """A taken port is never called free because its holder is hidden."""
    hidden = (Listener("0.0.0.0", 9090),)
    for facts in (PortFacts(WANT, (), hidden, "", root=root), PortFacts(WANT, (), (), "taken", root=root)):
        found = judge(facts, WHOSE)
        assert found.outcome is Outcome.FAIL
        assert words in found.seen


def test_an_engine_elsewhere() -> None:
    """What listens on this machine says nothing of another: its containers do, and the rest is not verifiable."""
    elsewhere = PortFacts(WANT, (), (PROXY,), here=False)
    assert judge(elsewhere, WHOSE).outcome is Outcome.NOT_VERIFIABLE
    taken = dataclasses.replace(elsewhere, containers=(holder(estate=""),))
    assert judge(taken, WHOSE).outcome is Outcome.FAIL


def test_an_address_that_is_not_there() -> None:
    """The key to mend is then the address and not the port."""
    found = judge(PortFacts(dataclasses.replace(WANT, bind="192.0.2.1"), refusal="no such address"), WHOSE)
    assert found.outcome is Outcome.FAIL
    assert "network.bind in stacks/dev.yaml" in found.remedy


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("0.0.0.0", "127.0.0.1", True),
        ("127.0.0.1", "0.0.0.0", True),
        ("::", "127.0.0.1", True),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("::1", "127.0.0.1", False),
        ("10.0.0.5", "127.0.0.1", False),
    ],
)
def test_which_addresses_clash(one: str, other: str, clash: bool) -> None:
    """As the kernel decides it."""
    assert overlap(one, other) is clash


def test_a_hosts_port_is_moved_in_the_inventory() -> None:
    """SSH of a host that is a container is published too; its own container may hold it, and nobody else."""
    (want,) = of_hosts((host("runner-1", "primary", "127.0.0.1"),), "dev", "127.0.0.1")
    published, ours = (Published("127.0.0.1", want.port),), {labels.ESTATE: "mine", labels.ENVIRONMENT: "dev"}
    mine = Thing("pointsman-dev-runner-1", ours | {labels.HOST: "runner-1"}, True, published)
    other = Thing("pointsman-dev-runner-2", ours | {labels.HOST: "runner-2"}, True, published)
    assert judge(PortFacts(want, (mine,)), WHOSE).outcome is Outcome.PASS
    refused = judge(PortFacts(want, (other,)), WHOSE)
    assert refused.outcome is Outcome.FAIL
    assert "set ansible_port in inventory/dev/host_vars/runner-1.yml" in refused.remedy
