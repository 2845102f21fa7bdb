"""How a runner host is: by its container where it is one, then by what Prometheus tells of it. Pure."""

from __future__ import annotations

from pointsman.hosts.planning import SSH_PORT, HostPlan
from pointsman.hosts.sight import BOOTED, FREE, JOB_RUNNING, ONLINE, READING_FAILED, RUNNERS, SIZE, VERSION, Sight
from pointsman.status.health import halted
from pointsman.status.model import MACHINE, MISSING, NOT_WATCHED, READY, HostRow
from pointsman.targets.docker.engine import Running
from pointsman.verify.containers import uptime

UNSEEN = "unknown: Prometheus does not tell"


def row(plan: HostPlan, found: Running | None, sight: Sight | None) -> HostRow:
    """The row of a host: `found` is the container that it is, None for a machine and for one that is gone; `sight` is
    None when Prometheus does not answer."""
    stopped = _stopped(plan, found)
    # What was scraped of a container before it halted is not what it is now.
    seen = Sight({}) if sight is None or stopped else sight
    job = seen.value(JOB_RUNNING, host=plan.name)
    return HostRow(
        host=plan.name,
        state=MACHINE if not plan.container else found.status if found else "missing",
        health=stopped or _health(plan, sight),
        labels=plan.registration.labels if plan.registration else (),
        version=next((each.labels.get("version", "") for each in seen.told(VERSION, host=plan.name)), ""),
        job=None if job is None else bool(job),
        free=_bytes(seen, FREE, plan.name),
        size=_bytes(seen, SIZE, plan.name),
        uptime=_uptime(plan, found, seen),
        address=_address(plan),
    )


def _stopped(plan: HostPlan, found: Running | None) -> str:
    if not plan.container:
        return ""
    return halted(found, plan.memory) if found else MISSING


def _health(plan: HostPlan, sight: Sight | None) -> str:
    """The first that explains the rest: the service, the exporters, GitHub's word."""
    exporters = plan.variables.get("exporters_enabled") or ()
    if not exporters and not plan.registration:
        return READY if plan.container else NOT_WATCHED
    if sight is None:
        return UNSEEN
    service = _service(plan, sight) if plan.registration and "runner" in exporters else ""
    return service or _exporters(plan, sight) or _online(plan, sight) or READY


def _service(plan: HostPlan, sight: Sight) -> str:
    state = sight.states.get(plan.name)
    if state == "active":
        return ""
    if state is None:
        told = sight.targets.get((plan.name, "runner"), {})
        return "runner service unknown: its exporter could not read it" if told.get("health") == "up" else ""
    return f"runner service {state}"


def _exporters(plan: HostPlan, sight: Sight) -> str:
    down: dict[str, list[str]] = {}
    for exporter in plan.variables.get("exporters_enabled") or ():
        told = sight.targets.get((plan.name, exporter))
        if told is None:
            reason = "not scraped: Prometheus does not have it"
        elif told["health"] == "unknown":
            reason = "not scraped yet"
        elif told["health"] != "up":
            # The URL in front of the reason is the host's.
            reason = "down: " + str(told["lastError"]).rpartition('": ')[2]
        else:
            continue
        down.setdefault(reason, []).append(exporter)
    return "; ".join(
        f"{' and '.join(names)} exporter{'s' if names[1:] else ''} {reason}" for reason, names in down.items()
    )


def _online(plan: HostPlan, sight: Sight) -> str:
    """GitHub's word, as its exporter last told it; nothing where that could not ask."""
    if plan.registration is None or sight.value(READING_FAILED, reading="runners"):
        return ""
    online = sight.value(ONLINE, runner=plan.registration.runner)
    if online is None:
        known = sight.value(RUNNERS) is not None
        return f"GitHub knows no runner {plan.registration.runner}" if known else ""
    return "" if online else "offline at GitHub"


def _address(plan: HostPlan) -> str:
    """Where SSH is, as plays reach it."""
    address, port = plan.variables.get("ansible_host") or plan.name, plan.variables.get("ansible_port") or SSH_PORT
    return f"{address}:{port}"


def _bytes(sight: Sight, name: str, host: str) -> int | None:
    found = sight.value(name, host=host, folder="work")
    return None if found is None else int(found)


def _uptime(plan: HostPlan, found: Running | None, sight: Sight) -> float | None:
    """Docker's for a container, whose kernel is the machine's; else since the start of the machine."""
    if plan.container:
        up = uptime(found) if found else None
        return up.total_seconds() if up else None
    return next((each.at - each.value for each in sight.told(BOOTED, host=plan.name)), None)
