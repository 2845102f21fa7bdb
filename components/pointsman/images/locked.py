"""What the image lock says of a spec. Light to import: every run of the Pulumi program reads it, and builds nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pointsman.errors import UsageError
from pointsman.images import catalogue as catalogues
from pointsman.images import lock as locks
from pointsman.images.catalogue import Catalogue, Host, Service, in_registry
from pointsman.images.engine import Engine
from pointsman.images.lock import Agent, Lock, Made, Pulled
from pointsman.images.model import ImageRef, Resolution
from pointsman.services import log_agent
from pointsman.services.estate import INSTEAD, OPTIONAL, compose
from pointsman.services.model import Machine
from pointsman.spec.models import Environment, Images

LOG_AGENT: Final = log_agent.NAME
"""Stands in `required_services` for the agent that is chosen only when images are resolved."""
NO_RECIPE: Final = "it cannot be built from packages"


def images_beside(spec: Environment) -> tuple[str, ...]:
    """The images of the catalogue that a spec needs beside those of its services: the system of test hosts, and the
    one that the log agent of all hosts is taken out of."""
    beside = {"none": (), "machines": ("promtail",), "containers": ("promtail", "runner-host")}
    return beside[spec.runners.hosts]


def required_services(spec: Environment) -> tuple[str, ...]:
    """The images that a spec needs, with LOG_AGENT where alloy or promtail is still to be chosen."""
    allowed = agents(spec, None)
    # Neither the environment's name nor the machine decides which images there are.
    services = compose("any", spec, allowed[0], Machine()).services
    needed = (LOG_AGENT if each.name == LOG_AGENT and len(allowed) > 1 else each.image for each in services)
    return tuple(dict.fromkeys((*needed, *images_beside(spec))))


def locked(environment: str, spec: Environment) -> Resolution:
    """What the lock says of the spec's services, each image seen in Docker: no network, no build.

    Raises UsageError when the lock is missing, damaged or outdated, or an image is gone.
    """
    lock = locks.read(locks.path(environment))
    if lock is None or lock.agent is None:
        raise _run_ensure(environment, f"environment {environment} has no images yet")
    required: list[str] = []
    absent: list[str] = []
    for name in required_services(spec):
        out = left_out(name, lock.absent, spec.images)
        (absent if out else required).append(lock.agent if name == LOG_AGENT else name)
        if out and name in INSTEAD:
            required.append(INSTEAD[name])
    stale = _unfit(required, lock, spec.images, catalogues.load())
    if stale:
        raise _run_ensure(environment, f"the images of {environment} are outdated: {'; '.join(stale)}")
    engine = Engine()
    gone = [name for name in required if engine.inspect(lock.services[name].image_id) is None]
    if gone:
        raise _run_ensure(environment, f"Docker no longer has the images of {', '.join(gone)}")
    return resolution(required, lock, absent)


def left_out(name: str, absent: Mapping[str, str], images: Images) -> bool:
    """Whether a service was left out for a reason that still holds; in registry mode none is."""
    reason = absent.get(name, "")
    if images.source == "packages":
        return reason == NO_RECIPE
    return images.source == "auto" and reason not in ("", NO_RECIPE)


def expected_absent(environment: str, spec: Environment) -> frozenset[str]:
    """The services that the environment does without, as far as is known before its images are resolved."""
    if spec.images.source == "packages":
        catalogue = catalogues.load()
        return frozenset(name for name in OPTIONAL if catalogue.service(name).packages is None)
    try:
        lock = locks.read(locks.path(environment)) or Lock()
    except locks.UnreadableLock:
        lock = Lock()
    return frozenset(name for name in OPTIONAL if left_out(name, lock.absent, spec.images))


def fits(entry: Pulled | Made, service: Service | Host, images: Images) -> bool:
    """Whether a locked image is still what spec and catalogue ask for, its recipe (packages) aside."""
    if entry.user != service.uid:
        return False
    if isinstance(entry, Made):
        return (images.source != "registry" or service.official is None) and service.is_made_as(entry.version)
    if service.official is None:
        return False
    wanted = in_registry(service.official.repository, images.registry), service.official.tag
    return images.source != "packages" and (entry.repository, entry.tag) == wanted


def agents(spec: Environment, before: Agent | None) -> tuple[Agent, ...]:
    """The log agents that may be taken, best first; `before` is the one that an automatic choice settled on."""
    if spec.log_agent.kind != "auto":
        return (spec.log_agent.kind,)
    if spec.images.source == "packages" or before == "promtail":
        return ("promtail",)
    return ("alloy", "promtail")


def _unfit(required: list[str], lock: Lock, images: Images, catalogue: Catalogue) -> list[str]:
    stale = []
    for name in required:
        entry, service = lock.services.get(name), catalogue.image(name)
        if entry is None:
            stale.append(f"{name} is not in the lock")
        elif not fits(entry, service, images):
            stale.append(f"{name} is locked to {entry.label}, wanted is version {service.version} from {images.source}")
    return stale


def resolution(required: list[str], lock: Lock, absent: Sequence[str], findings: Sequence[str] = ()) -> Resolution:
    """What a lock that fits comes to, with its reasons among the findings; raises UsageError without a log agent."""
    if lock.agent is None:
        raise UsageError("the lock names no log agent")
    required = list(dict.fromkeys(required))  # the log agent of the containers may be that of the hosts as well
    images = {
        name: ImageRef(name, entry.version, entry.image_id, entry.label, entry.source, entry.user)
        for name, entry in ((name, lock.services[name]) for name in required)
    }
    agent = [lock.agent_reason] if lock.agent_reason else []
    fallen_back: dict[str, list[str]] = {}
    for name in required:
        if reason := lock.services[name].reason:
            fallen_back.setdefault(reason, []).append(name)
    told = [f"{', '.join(those)} built from packages: {reason}" for reason, those in fallen_back.items()]
    told += [f"{name}: {lock.absent[name]}: left out{_stands_in(name)}" for name in absent]
    return Resolution(images, lock.agent, [*findings, *agent, *told], frozenset(absent))


def _stands_in(name: str) -> str:
    return f", the {INSTEAD[name]} stands in" if name in INSTEAD else ""


def _run_ensure(environment: str, message: str) -> UsageError:
    return UsageError(message, remedy=f"pointsman up --env {environment}, which makes them first")
