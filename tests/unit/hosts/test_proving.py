"""The suite's judgement, without a host: what a host says is right, wrong, or no proof."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pointsman.checks import Check, Outcome
from pointsman.errors import UsageError
from pointsman.hosts.planning import HostPlan
from pointsman.hosts.proving import firewall, kernel, running, upkeep
from pointsman.hosts.proving.subject import UNVERIFIABLE, Subject
from pointsman.hosts.proving.suite import ARRIVED, CHECKS, REACHED
from pointsman.plays import Way
from tests.unit.verify.doubles import World

BELOW = "the kernel belongs to the machine below"
VARIABLES = {
    "exporters_enabled": ["node"],
    "exporters_node_port": 9100,
    "runner_profile": "strict",
    "kernel_sysctl": {"net.ipv4.ip_forward": 0, "net.ipv4.conf.all.log_martians": 1, "kernel.sysrq": 0},
}


@dataclass
class Said:
    """How a command ended."""

    stdout: str
    rc: int = 0
    stderr: str = ""


@dataclass
class Remote:
    """A host that says by heart what it is asked: by the beginning of a command."""

    answers: dict[str, str | Said]
    asked: list[str] = field(default_factory=list)

    def run(self, command: str) -> Said:
        """What it says."""
        self.asked.append(command)
        found = next((said for start, said in self.answers.items() if command.startswith(start)), Said("", 127, "no"))
        return found if isinstance(found, Said) else Said(found)


@pytest.fixture
def subject(tmp_path: Path) -> Any:
    """Makes a host of answers."""

    def make(answers: dict[str, str | Said], **variables: Any) -> Subject:
        world = World()
        plan = HostPlan("runner-1", True, 2201, 2**30, 1.0, VARIABLES | variables, None, "")
        way = Way("runner-1", "127.0.0.1", 2201, "pointsman", None, (), tmp_path)
        told = {f"cat {UNVERIFIABLE}": json.dumps([{"key": "kernel.sysrq", "reason": BELOW}])} | answers
        remote = Remote(told)
        return Subject(world.environment, plan, way, tmp_path / "config", remote, remote, world.site(), "")

    return make


def outcomes(checks: list[Check]) -> dict[str, Outcome]:
    """The outcome of each by its name."""
    return {check.name: check.outcome for check in checks}


def test_kernel_settings_have_three_verdicts(subject: Any) -> None:
    """Live ones that are not the default are proved; those below and those at the default are counted, with reasons."""
    host = subject({"sysctl": "net.ipv4.ip_forward = 0\nnet.ipv4.conf.all.log_martians = 1\n"})
    found = kernel.settings(host)
    assert [(check.name, check.outcome) for check in found] == [
        ("kernel settings", Outcome.PASS),
        ("kernel settings of the machine below", Outcome.NOT_VERIFIABLE),
        ("kernel settings at Linux's default", Outcome.NOT_VERIFIABLE),
    ]
    assert found[0].seen.startswith("1 live")
    assert found[1].seen == f"1: {BELOW}: kernel.sysrq"
    assert "net.ipv4.ip_forward" in found[2].seen


def test_a_kernel_setting_that_is_wrong_is_red_with_its_value(subject: Any) -> None:
    """And what is wrong is no longer counted among the defaults."""
    host = subject({"sysctl": "net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.log_martians = 1\n"})
    first, *rest = kernel.settings(host)
    assert (first.outcome, first.seen, first.expected) == (
        Outcome.FAIL,
        "net.ipv4.ip_forward 1",
        "net.ipv4.ip_forward 0",
    )
    assert first.remedy.startswith("pointsman harden runner-1")
    assert len(rest) == 1


@pytest.mark.parametrize(
    ("policy", "ports", "outcome"),
    [
        ("drop", [22, 9100], Outcome.PASS),
        ("accept", [22, 9100], Outcome.FAIL),
        ("drop", [22, 9100, 8080], Outcome.FAIL),
        ("drop", [22], Outcome.FAIL),
    ],
)
def test_the_firewall_lets_in_what_it_should_and_no_more(
    subject: Any, policy: str, ports: list[int], outcome: Outcome
) -> None:
    """A port too many, one too few, and a policy that lets all in are red."""
    dport = {"payload": {"protocol": "tcp", "field": "dport"}}
    rule = {"expr": [{"match": {"left": dport, "right": {"set": ports}}}, {"accept": None}]}
    dropped = {"expr": [{"match": {"left": dport, "right": 1}}, {"drop": None}]}
    told = [{"chain": {"hook": "input", "policy": policy}}, {"rule": rule}, {"rule": dropped}]
    assert firewall.rules(subject({"nft": json.dumps({"nftables": told})})).outcome is outcome


def test_updates_that_reboot_or_take_more_than_security_are_red(subject: Any) -> None:
    """A job would be cut off, or changed below itself."""
    periodic = 'APT::Periodic::Unattended-Upgrade "1";\n'
    security = 'Unattended-Upgrade::Origins-Pattern:: "origin=Debian,label=Debian-Security";\n'
    good = periodic + security + 'Unattended-Upgrade::Automatic-Reboot "false";\n'
    assert upkeep.updates(subject({"apt-config": good})).outcome is Outcome.PASS
    for bad in (good.replace('"false"', '"true"'), good + security.replace("Security", "Backports"), periodic):
        said = bad.replace("label=Debian-Backports", "label=Debian-Updates")
        assert upkeep.updates(subject({"apt-config": said})).outcome is Outcome.FAIL


def test_an_answer_that_nobody_expected_is_red_and_no_traceback(subject: Any) -> None:
    """Whatever a host says to any command, each check tells its outcome."""
    for said in ("", "\0", "{}", "[]", "a=b\n\nc", Said("", 1, "boom"), Said("x", 255, "lost")):
        host = subject(dict.fromkeys(("sysctl", "nft", "apt-config", "systemctl", "passwd", "sshd", "cat", ""), said))
        for name in (
            "kernel settings",
            "firewall rules",
            "sudo",
            "accounts",
            "services",
            "security updates",
            "journal",
        ):
            for check in running._guarded(host, name, CHECKS[name]):
                assert check.outcome in tuple(Outcome)
                assert check.seen or check.outcome is Outcome.PASS


def test_a_host_that_is_not_reached_has_one_red_check(subject: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """All others are there, and say why they could not look."""
    host = subject({})
    monkeypatch.setattr(running, "SSH_SECONDS", 2)
    variables = {"ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_user": "x"}
    plan = HostPlan("runner-1", False, 0, 0, 1.0, variables, None, "")
    found = running._host(host.site, Path("config"), {"runner-1": ""}, plan)
    assert [check.name for check in found if check.outcome is Outcome.FAIL] == [REACHED]
    assert [check.name for check in found] == [REACHED, *CHECKS, ARRIVED]
    assert {check.group for check in found} == {"host runner-1"}
    assert "refused" in found[0].seen


def test_an_environment_without_hosts_says_so() -> None:
    """With what to declare."""
    with pytest.raises(UsageError, match="environment test has no hosts"):
        running.chosen(World().environment, [])
