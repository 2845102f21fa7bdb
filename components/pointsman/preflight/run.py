"""Runs all checks of the preflight at once and reports them in a stable order."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from pointsman.checks import Check, Report, failed, not_verifiable
from pointsman.errors import PointsmanError
from pointsman.hosts import fleet_of
from pointsman.identity import estate_id
from pointsman.images.locked import expected_absent
from pointsman.preflight import (
    builds,
    cgroup,
    clock,
    config_files,
    disk,
    engine,
    images,
    inotify,
    locks,
    memory,
    names,
    network,
    passphrase,
    ports,
    registry,
    secrets,
)
from pointsman.preflight.images import ImageLook
from pointsman.preflight.registry import RegistryLook
from pointsman.services.estate import compose
from pointsman.services.model import Machine
from pointsman.spec.models import Environment
from pointsman.spec.scalars import size_bytes

Shared = TypeVar("Shared", ImageLook, RegistryLook)


def run(environment: str, spec: Environment) -> Report:
    """Whether `environment` can be brought up here, as `spec` declares it: under two seconds, nothing is changed.

    An engine that accepts connections and stays silent makes it `engine.DEADLINE` seconds, a registry that does so
    `registry.SECONDS` more than the look at images takes.
    """
    # Either log agent has the same name, ports, volumes and memory: which one it is does not matter here, nor
    # does the machine.
    services = compose(environment, spec, "promtail", Machine(), expected_absent(environment, spec)).services
    bind = str(spec.network.bind)
    # An inventory with mistakes is told as a whole, as a spec is, before anything is looked at.
    hosts = fleet_of(environment, spec).hosts if spec.runners.hosts == "containers" else ()
    whose = names.Owner(_estate(), environment)
    wanted = (*ports.wanted(services, bind), *ports.of_hosts(hosts, environment, bind))
    limits = {each.name: each.memory for each in services}
    limits |= {each.name: size_bytes(spec.runners.container.memory) for each in hosts}
    # A worker for every check and look: they wait for each other.
    with ThreadPoolExecutor(max_workers=len(wanted) + 20, thread_name_prefix="preflight") as pool:
        look = pool.submit(engine.look)
        listeners = pool.submit(ports.listeners)
        made = pool.submit(lambda: _measured(images.look, environment, spec, look.result()))
        reached = pool.submit(lambda: _measured(registry.look, spec, made.result(), look.result()))
        source = spec.images.source

        def check(name: str, work: Callable[..., Check], *needs: Future[Any]) -> Future[Check]:
            return pool.submit(_timed, name, work, *needs)

        checks = [check("docker", engine.check, look)]
        for want in wanted:
            checks.append(check(want.check_name, ports.checker(want, whose), look, listeners))
        checks += [
            check("names", lambda found: names.check(whose, services, hosts, found), look),
            check("config files", lambda: config_files.check(environment)),
            check("secrets", lambda: secrets.check(environment, spec)),
            check("container network", lambda found: network.check(environment, found), look),
            check("registry", lambda found: registry.check(source, found), reached),
            check("builds", lambda *found: builds.check(source, *found), made, reached),
            check("images", lambda found: images.check(spec, found), made),
            check("disk", disk.check, look),
            check("memory", lambda found: memory.check(limits, whose, found), look),
            check("inotify", lambda found: inotify.check(services, whose, found), look),
            check("clock", clock.check, look),
            check("cgroup", cgroup.check, look),
            check("state lock", lambda: locks.check(environment)),
            check("passphrase", passphrase.check),
        ]
        return Report(tuple(done.result() for done in checks))


def _estate() -> str:
    """This user's estate, "" where the state directory cannot be used, which the check of the disk tells."""
    try:
        return estate_id()
    except OSError:
        return ""


def _measured(work: Callable[..., Shared], *known: Any) -> Shared:
    """A look that others share, with the seconds that it took."""
    began = time.monotonic()
    return replace(work(*known), seconds=time.monotonic() - began)


def _timed(name: str, work: Callable[..., Check], *needs: Future[Any]) -> Check:
    """The check with the seconds of its own look; waiting for one that others share is not in them."""
    began = time.monotonic()
    try:
        values = [need.result() for need in needs]
        began = time.monotonic()
        found = work(*values)
    except PointsmanError as error:
        found = failed(name, error.message, expected="", remedy=error.remedy)
    except OSError as error:
        found = not_verifiable(name, str(error))
    return replace(found, seconds=round(found.seconds + time.monotonic() - began, 3))
