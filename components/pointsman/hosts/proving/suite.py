"""The suite: every check of a host, in the order in which it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pointsman.checks import Check
from pointsman.hosts.proving import accounts, exposure, firewall, kernel, runner, signals, upkeep, way_in
from pointsman.hosts.proving.subject import Subject

Look = Callable[[Subject], Check | list[Check]]

REACHED = "reach from here to SSH"
"""The first check: without it there are no others."""
ARRIVED = "log line of the host in Loki"
"""The last: its line is on its way while the others are made."""
CHECKS: Mapping[str, Look] = {
    "reach": signals.reached,
    "exporters": signals.exporters,
    "SSH algorithms offered": way_in.algorithms,
    "SSH settings in force": way_in.settings,
    "SSH logs in by key alone": way_in.methods,
    "ssh-audit": way_in.audit,
    "kernel settings": kernel.settings,
    "kernel modules off": kernel.modules,
    "AppArmor, audit rules, clock": kernel.machinery,
    "firewall rules": firewall.rules,
    "firewall from outside": firewall.outside,
    "sudo": accounts.sudo,
    "accounts": accounts.accounts,
    "umask and login.defs": accounts.logins,
    "faillock": accounts.faillock,
    "services": upkeep.units,
    "security updates": upkeep.updates,
    "fail2ban": upkeep.bans,
    "journal": upkeep.journal,
    "disk guard": upkeep.disk_guard,
    "runner service": runner.service,
    "runner sandbox score": runner.score,
    "runner sandbox in force": runner.sandbox,
    "limits of units": runner.limits,
    "runner program": runner.program,
    "registered at GitHub": runner.registered,
    "no secret in the open": exposure.nowhere,
}
