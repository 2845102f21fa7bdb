"""One host under proof: what it should be, and the ways in which it is asked."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pointsman.checks import Check, failed
from pointsman.errors import PointsmanError
from pointsman.hosts import asking
from pointsman.hosts.planning import HostPlan
from pointsman.paths import checkout
from pointsman.plays.tree import PLAYBOOKS

if TYPE_CHECKING:
    from pointsman.declared import Declared
    from pointsman.github.model import Runner
    from pointsman.plays import Way
    from pointsman.verify.site import Site

ON_HOST = Path(__file__).with_name("on_host")
UNVERIFIABLE = "/etc/pointsman/not-verifiable.json"
RUNNER_UNIT = "actions-runner.service"
# A command on a host that takes longer hangs.
COMMAND_SECONDS = 20


class Unexpected(PointsmanError):
    """A command on the host failed that ends well on each host that plays have made."""


@dataclass(frozen=True)
class Subject:
    """A host as planned, the way to it, and testinfra's view of it as root and as the account that plays log in with;
    `site` is its environment as verify asks it.

    `address` is where the host's own ports are reached from this machine; empty where they are not.
    """

    declared: Declared
    plan: HostPlan
    way: Way
    config: Path
    remote: Any
    account: Any
    site: Site
    address: str

    @property
    def name(self) -> str:
        """Its name in the inventory."""
        return self.plan.name

    @property
    def harden(self) -> str:
        """The command that makes the host what the inventory says."""
        return f"pointsman harden {self.name} --env {self.declared.environment}"

    def variable(self, name: str, default: Any = None) -> Any:
        """A variable of its plays."""
        return self.plan.variables.get(name, default)

    def default(self, role: str, name: str) -> Any:
        """What a role does where nobody says otherwise."""
        return self.variable(name, _defaults(role)[name])

    def said(self, command: str, *, good: tuple[int, ...] = (0,)) -> str:
        """What a command prints when root runs it there; raises Unexpected when it ends with another code."""
        return self._ended(self.remote.run(command), command, good)

    def said_to_account(self, command: str) -> str:
        """What a command prints when the account runs it that plays log in with."""
        return self._ended(self.account.run(command), command, (0,))

    def told(self, program: str, given: str) -> str:
        """What a program of `on_host` prints when root runs it there; `given` is its input, which may be secret.

        Over the same connection; nothing of what is given is an argument, which logs and lists of processes show.
        """
        text = (ON_HOST / f"{program}.py").read_text()
        remote = f"sudo -n python3 -c {shlex.quote(text)}"
        done = subprocess.run(
            ["ssh", "-F", str(self.config), self.name, remote],
            input=given,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if done.returncode:
            raise Unexpected(f"the program {program} ended with {done.returncode}", detail=done.stderr.strip()[-300:])
        return done.stdout

    def refused(self, name: str, seen: str, expected: str, *, remedy: str = "") -> Check:
        """A red check; unless told otherwise the host is to be hardened again."""
        return failed(name, seen, expected=expected, remedy=remedy or self.harden, service=self.name)

    @cached_property
    def unverifiable(self) -> Mapping[str, str]:
        """What the host says can't be verified on it, and why, as the play has found."""
        text = self.said(f"cat {UNVERIFIABLE}")
        return {str(each["key"]): str(each["reason"]) for each in json.loads(text)}

    @cached_property
    def units(self) -> Mapping[str, Mapping[str, str]]:
        """The state of every unit that plays enable, as systemd tells it."""
        names = " ".join(self.unit_names)
        properties = "Id,ActiveState,SubState,UnitFileState,Result,MainPID"
        blocks = self.said(f"systemctl show --property={properties} {names}").strip().split("\n\n")
        found = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]
        return {each["Id"]: each for each in found}

    @property
    def unit_names(self) -> tuple[str, ...]:
        """The units that plays enable on it."""
        exporters = self.variable("exporters_enabled") or ()
        return (
            *("ssh.service", "pointsman-firewall.service", "fail2ban.service", "rsyslog.service"),
            *("unattended-upgrades.service", "apt-daily.timer", "apt-daily-upgrade.timer"),
            *(("pointsman-disk-guard.timer", "pointsman-disk-guard.service") if self.has_runner else ()),
            *((RUNNER_UNIT,) if self.has_runner else ()),
            *(("prometheus-node-exporter.service",) if "node" in exporters else ()),
            *(("pointsman-runner-exporter.service",) if "runner" in exporters else ()),
            *(("pointsman-log-agent.service",) if self.variable("pointsman_loki_url") else ()),
        )

    @property
    def has_runner(self) -> bool:
        """Whether jobs run on it."""
        return self.plan.registration is not None

    @cached_property
    def runner(self) -> Runner | None:
        """Its runner as GitHub knows it. Raises PointsmanError when GitHub can't be asked."""
        assert self.plan.registration is not None
        return asking.runner(self.plan.registration)

    @cached_property
    def token(self) -> str:
        """The token that the runner is registered with; it must be nowhere on the host."""
        assert self.plan.registration is not None
        return asking.token(self.plan.registration).reveal()

    def _ended(self, done: Any, command: str, good: tuple[int, ...]) -> str:
        if done.rc not in good:
            said = (done.stderr or done.stdout).strip()[-300:]
            raise Unexpected(f"`{command.split(chr(10))[0][:80]}` ended with {done.rc}: {said or 'it said nothing'}")
        return str(done.stdout)


def _defaults(role: str) -> Mapping[str, Any]:
    path = checkout() / PLAYBOOKS / "roles" / role / "defaults" / "main.yml"
    found: Mapping[str, Any] = yaml.safe_load(path.read_text())
    return found
