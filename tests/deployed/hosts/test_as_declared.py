"""Two hosts as plays have made them: the suite of `verify --hosts`, and that a second play has nothing to do."""

from __future__ import annotations

import time

import pytest

from pointsman.checks import Check, Outcome
from pointsman.hosts.proving import CHECKS
from tests.deployed.fleet import HOSTS, Fleet

# Checks with several names tell the first of them.
MANY = {
    "reach": "reach from the host to GitHub",
    "exporters": "node exporter answers",
    "AppArmor, audit rules, clock": "AppArmor",
}
NAMES = ("reach from here to SSH", *(MANY.get(name, name) for name in CHECKS), "log line of the host in Loki")
# What a container has not, and what is no proof: each tells why.
UNPROVED = {
    "kernel settings of the machine below",
    "kernel settings of the machine below (2)",
    "kernel settings at Linux's default",
    "kernel modules off",
    "AppArmor",
    "audit rules",
    "clock",
    "limits of units",
}

Proof = dict[tuple[str, str], Check]


@pytest.fixture(scope="module")
def proof(fleet: Fleet) -> tuple[Proof, float]:
    """One look at both hosts, and the seconds that it took."""
    began = time.monotonic()
    return fleet.prove(), time.monotonic() - began


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("name", NAMES)
def test_a_host_is_what_the_inventory_says(proof: tuple[Proof, float], host: str, name: str) -> None:
    """The check holds on the live host; where it can't be proved in a container, the reason is told."""
    check = proof[0][host, name]
    assert check.outcome is not Outcome.FAIL, check
    assert (check.outcome is Outcome.NOT_VERIFIABLE) == (name in UNPROVED), check
    assert check.seen


def test_nothing_else_is_red_and_what_is_unproved_is_known(proof: tuple[Proof, float]) -> None:
    """Also of what only turns up on some hosts; the unproved ones are those of containers, each with its reason."""
    checks, seconds = proof
    assert not [check for check in checks.values() if check.outcome is Outcome.FAIL]
    unproved = [check for check in checks.values() if check.outcome is Outcome.NOT_VERIFIABLE]
    assert {check.name for check in unproved} <= UNPROVED
    assert all(check.seen for check in unproved)
    print(f"{len(checks)} checks of {len(HOSTS)} hosts in {seconds:.1f} s, {len(unproved)} not verifiable here")


@pytest.mark.parametrize("host", HOSTS)
def test_the_numbers_of_the_hardening(proof: tuple[Proof, float], host: str) -> None:
    """ssh-audit fails nothing; the unit scores 2.5 at most and is active."""
    checks = proof[0]
    assert checks[host, "ssh-audit"].seen.startswith("0 fail")
    assert float(checks[host, "runner sandbox score"].seen.split()[0]) <= 2.5
    assert checks[host, "runner service"].seen.startswith("active (running)")


def test_users_run_the_same_suite(fleet: Fleet, proof: tuple[Proof, float]) -> None:
    """`verify --host` proves one host, shows every check with its outcome, and ends with 0."""
    done = fleet.pointsman("verify", "--host", HOSTS[0], "--output", "json").good()
    found = {check["name"] for check in done.document()["checks"]}
    assert found == {name for host, name in proof[0] if host == HOSTS[0]}


def test_plain_verify_proves_hosts_without_a_login(fleet: Fleet) -> None:
    """Container, service, GitHub's word and exporters of each host are green."""
    done = fleet.pointsman("verify", "--output", "json").good()
    found = {check["name"]: check["outcome"] for check in done.document()["checks"] if check["group"] == "hosts"}
    kinds = ("host {}", "runner service of {}", "GitHub's word on {}", "node exporter of {}", "runner exporter of {}")
    assert found == {kind.format(host): "pass" for kind in kinds for host in HOSTS}


def test_a_second_play_changes_nothing(fleet: Fleet) -> None:
    """`harden` of hosts that are as they should be: `changed=0`."""
    code, hosts = fleet.harden()
    assert code == 0, hosts
    assert {host: each["changed"] for host, each in hosts.items()} == dict.fromkeys(HOSTS, 0), hosts
    print(f"second harden: {max(each['seconds'] for each in hosts.values()):.1f} s")


def test_a_second_up_plays_nothing(fleet: Fleet) -> None:
    """Not a resource changes: the inventory is as it was."""
    told = fleet.estate.up()
    assert set(told["changes"]) == {"same"}, told["changes"]
    assert told["good"]
    print(f"second up: {told['seconds']}")
