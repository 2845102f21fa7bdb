"""What keeps a host in shape by itself: updates, bans, logs, disk, and the units that do it."""

from __future__ import annotations

import re

from pointsman.checks import Check, passed
from pointsman.hosts.proving.subject import RUNNER_UNIT, Subject

GUARD = "pointsman-disk-guard"
# A oneshot that its timer starts is inactive between its runs.
_ONESHOT = f"{GUARD}.service"


def units(host: Subject) -> Check:
    """Every unit that plays enable is active and comes back after a reboot; the runner's has a check of its own."""
    name = "services"
    wanted = [each for each in host.unit_names if each not in (RUNNER_UNIT, _ONESHOT)]
    found = {each: host.units.get(each, {}) for each in wanted}
    wrong = [
        f"{each} {state.get('ActiveState', 'missing')}, {state.get('UnitFileState') or 'not enabled'}"
        for each, state in found.items()
        if state.get("ActiveState") != "active" or state.get("UnitFileState") not in ("enabled", "static", "alias")
    ]
    if wrong:
        return host.refused(name, "; ".join(wrong), "active and enabled")
    return passed(name, f"{len(wanted)} active and enabled", service=host.name)


def updates(host: Subject) -> Check:
    """Security updates come by themselves, and never reboot the host under a job."""
    name = "security updates"
    told = host.said("apt-config dump")
    values = dict(re.findall(r'^([\w:-]+) "([^"]*)";$', told, re.MULTILINE))
    origins = re.findall(r'^Unattended-Upgrade::(?:Origins-Pattern|Allowed-Origins):: "([^"]*)";$', told, re.MULTILINE)
    if values.get("Unattended-Upgrade::Automatic-Reboot", "false") != "false":
        return host.refused(name, "they reboot the host", "no reboot by itself")
    if values.get("APT::Periodic::Unattended-Upgrade") != "1":
        return host.refused(name, "they are off", "daily")
    others = [each for each in origins if "security" not in each.lower()]
    if others or not origins:
        return host.refused(name, f"from {', '.join(others) or 'nowhere'}", "security updates alone")
    return passed(name, f"daily, from {len(origins)} origin, without a reboot", service=host.name)


def bans(host: Subject) -> Check:
    """fail2ban watches sshd."""
    name = "fail2ban"
    said = host.said("fail2ban-client status sshd", good=(0, 255))
    banned = re.search(r"Currently banned:\s*(\d+)", said)
    if not banned:
        return host.refused(name, said.strip().splitlines()[-1] if said.strip() else "no answer", "a jail for sshd")
    return passed(name, f"watches sshd, {banned.group(1)} banned", service=host.name)


def journal(host: Subject) -> Check:
    """The journal is kept over a reboot, and within its limit."""
    name = "journal"
    limit = str(host.default("system_logs", "system_logs_journal_size"))
    told = host.said("systemd-analyze cat-config systemd/journald.conf")
    values = dict(re.findall(r"^(\w+)=(\S*)$", told, re.MULTILINE))
    if (values.get("Storage"), values.get("SystemMaxUse")) != ("persistent", limit):
        seen = f"{values.get('Storage')}, at most {values.get('SystemMaxUse')}"
        return host.refused(name, seen, f"persistent, at most {limit}")
    if not host.said("ls -d /var/log/journal/*/ 2>/dev/null", good=(0, 2)).strip():
        remedy = f"on {host.name}: systemctl restart systemd-journald, then {host.harden}"
        return host.refused(name, "nothing is kept on the disk", "files in /var/log/journal", remedy=remedy)
    used = host.said("journalctl --disk-usage").strip()
    amount = re.search(r"take up ([\d.]+\w)", used)
    return passed(name, f"{amount.group(1) if amount else used} of {limit}, on the disk", service=host.name)


def disk_guard(host: Subject) -> Check:
    """It is looked at again and again, and its last look went well."""
    name = "disk guard"
    timer, service = host.units.get(f"{GUARD}.timer", {}), host.units.get(_ONESHOT, {})
    if timer.get("ActiveState") != "active":
        return host.refused(name, f"its timer is {timer.get('ActiveState', 'missing')}", "an active timer")
    if service.get("Result") != "success":
        remedy = f"on {host.name}: journalctl -u {_ONESHOT} -n 20"
        return host.refused(name, f"its last look: {service.get('Result')}", "success", remedy=remedy)
    return passed(name, "its timer runs, its last look went well", service=host.name)
