"""The runner: its unit, its sandbox as the kernel enforces it on the process that runs, its registration."""

from __future__ import annotations

import json
import re

from pointsman.checks import Check, not_verifiable, passed
from pointsman.hosts.proving.subject import RUNNER_UNIT, Subject

PROGRAM = "/srv/runner/actions-runner"
STRICT_SCORE = 2.5
"""The most that the strict profile may score in `systemd-analyze security`; 10 is no sandbox at all."""
LIMITS = ("MemoryMax", "TasksMax", "DevicePolicy")

_OF_DOCKER = frozenset(
    {"UMask", "SystemCallFilter", "ProtectSystem", "ReadWritePaths", "ProtectHome", "PrivateTmp", "InaccessiblePaths"}
)
"""What the looser profile keeps."""


def service(host: Subject) -> Check:
    """The service runs: the stock unit's way to end is *inactive*, which no list of failed units shows."""
    name = "runner service"
    if not host.has_runner:
        return _without(host, name)
    state = host.units.get(RUNNER_UNIT, {})
    seen = f"{state.get('ActiveState', 'missing')} ({state.get('SubState', '')}), {state.get('UnitFileState')}"
    if state.get("ActiveState") != "active" or state.get("UnitFileState") != "enabled":
        remedy = f"pointsman runner restore {host.name} --env {host.declared.environment}"
        return host.refused(name, seen, "active and enabled", remedy=remedy)
    return passed(name, seen, service=host.name)


def score(host: Subject) -> Check:
    """How much systemd itself says is left open."""
    name = "runner sandbox score"
    if not host.has_runner:
        return _without(host, name)
    found = re.search(r"→ Overall exposure level for \S+: ([\d.]+)", _analyzed(host))
    if not found:
        return host.refused(name, "systemd-analyze gave no score", f"at most {STRICT_SCORE}")
    value, profile = float(found.group(1)), host.variable("runner_profile")
    if profile == "strict" and value > STRICT_SCORE:
        return host.refused(name, f"{value}", f"at most {STRICT_SCORE} with the profile strict")
    return passed(name, f"{value} with the profile {profile}", service=host.name)


def sandbox(host: Subject) -> Check:
    """Directives that systemd accepts are not all enforced everywhere: these are seen on the process that runs."""
    name = "runner sandbox in force"
    if not host.has_runner:
        return _without(host, name)
    pid = host.units.get(RUNNER_UNIT, {}).get("MainPID", "0")
    if pid == "0":
        return not_verifiable(name, "the service does not run: see runner service", service=host.name)
    found: dict[str, bool] = json.loads(host.told("sandbox", f"{pid}\n{host.plan.work_folder}\n"))
    strict = host.variable("runner_profile") == "strict"
    wanted = {key: held for key, held in found.items() if strict or key in _OF_DOCKER}
    loose = [key for key, held in wanted.items() if not held]
    if loose:
        return host.refused(name, f"not in force: {', '.join(loose)}", "each as the unit says")
    return passed(name, f"{len(wanted)} directives seen on the process: {', '.join(wanted)}", service=host.name)


def limits(host: Subject) -> Check:
    """Limits of units are the kernel's to keep, which it does not do for a container."""
    name = "limits of units"
    reasons = {host.unverifiable[key]: None for key in LIMITS if key in host.unverifiable}
    if reasons:
        return not_verifiable(name, f"{', '.join(LIMITS)}: {'; '.join(reasons)}", service=host.name)
    told = host.said("systemctl show --property=MemoryMax,TasksMax pointsman-runner-exporter.service").split()
    if any(line.endswith("=infinity") for line in told):
        return host.refused(name, ", ".join(told), "both are set")
    return passed(name, ", ".join(told), service=host.name)


def program(host: Subject) -> Check:
    """The program is the one whose checksum is declared, configured as the runner of that name."""
    name = "runner program"
    if not host.has_runner:
        return _without(host, name)
    wanted = host.variable("pointsman_runner_package")
    told = host.said(f"cat {PROGRAM}/.pointsman-package; cat {PROGRAM}/.runner 2>/dev/null || true")
    checksum, _, configured = told.replace("\ufeff", "").partition("\n")
    if checksum.strip() != wanted["sha256"]:
        return host.refused(name, f"of {checksum[:12]}", f"{wanted['version']} of {wanted['sha256'][:12]}")
    if not configured.strip():
        return host.refused(name, "not configured", "registered", remedy=host.declared.apply)
    agent = json.loads(configured)["agentName"]
    if host.plan.registration and agent != host.plan.registration.runner:
        expected = f"as {host.plan.registration.runner}"
        return host.refused(name, f"configured as {agent}", expected, remedy=host.declared.apply)
    return passed(name, f"{wanted['version']}, configured as {agent}", service=host.name)


def registered(host: Subject) -> Check:
    """GitHub knows it, sees it online, and leads jobs of its labels to it."""
    name = "registered at GitHub"
    wanted = host.plan.registration
    if wanted is None:
        return _without(host, name)
    found = host.runner
    if found is None:
        return host.refused(name, f"{wanted.url} has no {wanted.runner}", "online", remedy=host.declared.apply)
    if not found.online:
        remedy = f"pointsman runner restore {host.name} --env {host.declared.environment}"
        return host.refused(name, found.status, "online", remedy=remedy)
    missing = [label for label in wanted.labels if not found.takes([label])]
    if missing:
        return host.refused(name, f"without {', '.join(missing)}", ", ".join(wanted.labels), remedy=host.declared.apply)
    shown = ", ".join(label.name for label in found.labels)
    return passed(name, f"online{' and busy' if found.busy else ''}: {shown}", service=host.name)


def _analyzed(host: Subject) -> str:
    return host.said(f"systemd-analyze security --no-pager {RUNNER_UNIT}")


def _without(host: Subject, name: str) -> Check:
    return not_verifiable(name, "the inventory has no runner on this host", service=host.name)
