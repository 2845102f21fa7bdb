"""Kernel settings by their live values; what belongs to the machine below or proves nothing is counted apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pointsman.checks import Check, not_verifiable, passed
from pointsman.hosts.proving.subject import Subject

DEFAULTS: Mapping[str, int] = {
    "kernel.randomize_va_space": 2,
    "kernel.unprivileged_userns_clone": 1,
    "net.ipv4.conf.all.accept_source_route": 0,
    "net.ipv4.icmp_echo_ignore_broadcasts": 1,
    "net.ipv4.icmp_ignore_bogus_error_responses": 1,
    "net.ipv4.ip_forward": 0,
    "net.ipv4.tcp_syncookies": 1,
    "net.ipv6.conf.all.accept_source_route": 0,
    "net.ipv6.conf.default.accept_source_route": 0,
}
"""Values that Linux begins with (its Documentation/networking/ip-sysctl and admin-guide/sysctl): that they are so is no
proof that anybody has seen to it."""
MACHINERY: Mapping[str, str] = {
    "apparmor": "AppArmor",
    "auditd": "audit rules",
    "clock": "clock",
    "modules": "kernel modules off",
}


def settings(host: Subject) -> list[Check]:
    """One check for those that are changed here, one for those that can't be, one for those that prove nothing."""
    wanted = _wanted(host)
    own = {key: value for key, value in wanted.items() if key not in host.unverifiable}
    live = dict(line.partition(" = ")[::2] for line in host.said(f"sysctl {' '.join(own)}").splitlines())
    wrong = {key: live.get(key, "missing") for key, value in own.items() if live.get(key, "").split() != [str(value)]}
    if wrong:
        seen = ", ".join(f"{key} {value}" for key, value in wrong.items())
        expected = ", ".join(f"{key} {wanted[key]}" for key in wrong)
        first = host.refused("kernel settings", seen, expected)
    else:
        changed = [key for key, value in own.items() if DEFAULTS.get(key) != value]
        seen = f"{len(changed)} live that are not Linux's default"
        first = passed("kernel settings", seen, service=host.name)
    return [first, *_unproved(host, wanted, {key for key in own if key not in wrong})]


def _unproved(host: Subject, wanted: Mapping[str, int], right: set[str]) -> Iterator[Check]:
    reasons: dict[str, list[str]] = {}
    for key in wanted:
        if why := host.unverifiable.get(key):
            reasons.setdefault(why, []).append(key)
    for place, (why, keys) in enumerate(reasons.items()):
        name = "kernel settings of the machine below" + (f" ({place + 1})" if place else "")
        yield not_verifiable(name, f"{len(keys)}: {why}: {', '.join(keys)}", service=host.name)
    vacuous = sorted(key for key in right if DEFAULTS.get(key) == wanted[key])
    if vacuous:
        why = f"{len(vacuous)} are right, as Linux has them anyway, which proves nothing: {', '.join(vacuous)}"
        yield not_verifiable("kernel settings at Linux's default", why, service=host.name)


def modules(host: Subject) -> Check:
    """A module that is turned off is not loaded by its name."""
    name = "kernel modules off"
    if why := host.unverifiable.get("modules"):
        return not_verifiable(name, why, service=host.name)
    names = [str(each) for each in host.default("kernel", "kernel_modules_off")]
    told = host.said("; ".join(f"modprobe -n -v {each} 2>&1 | tail -n 1" for each in names)).splitlines()
    open_ones = [each for each, line in zip(names, told, strict=False) if "/bin/false" not in line]
    if open_ones:
        return host.refused(name, f"loaded when asked for: {', '.join(open_ones)}", "none is")
    return passed(name, f"{len(names)} are refused", service=host.name)


def machinery(host: Subject) -> list[Check]:
    """What containers have not, and machines should have: AppArmor, audit rules, a clock that is kept right."""
    return [
        _judged(host, "apparmor", "aa-enabled", "Yes"),
        _judged(host, "auditd", "auditctl -l | grep -c pointsman || true", ""),
        _judged(host, "clock", "timedatectl show --property=NTPSynchronized --value", "yes"),
    ]


def _judged(host: Subject, key: str, command: str, wanted: str) -> Check:
    name = MACHINERY[key]
    if why := host.unverifiable.get(key):
        return not_verifiable(name, why, service=host.name)
    found = host.remote.run(command)
    if found.rc == 127:
        return not_verifiable(name, f"{command.split()[0]} is not installed on the host", service=host.name)
    seen = found.stdout.strip() or found.stderr.strip()
    if wanted and seen != wanted:
        return host.refused(name, seen, wanted, remedy=f"on {host.name}: {command}")
    return passed(name, seen, service=host.name)


def _wanted(host: Subject) -> dict[str, int]:
    wanted = dict(host.default("kernel", "kernel_sysctl"))
    if host.variable("runner_profile") == "docker":
        wanted |= host.default("kernel", "kernel_sysctl_docker")
    return wanted
