"""Runs all checks of the preflight at once and reports them in a stable order."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from pointsman.checks import Check, Report, failed, not_verifiable
from pointsman.errors import PointsmanError
from pointsman.identity import estate_id
from pointsman.preflight import cgroup, disk, engine, images, locks, memory, names, passphrase, ports
from pointsman.services.estate import compose
from pointsman.spec.models import Environment
from pointsman.targets.docker.engine import machine


def run(environment: str, spec: Environment) -> Report:
    """Whether `environment` can be brought up here, as `spec` declares it: under two seconds, nothing is changed.

    An engine that accepts connections and stays silent makes it `engine.DEADLINE` seconds.
    """
    # Either log agent has the same name, ports, volumes and memory: which one it is does not matter here.
    services = compose(environment, spec, "promtail", machine()).services
    bind = str(spec.network.bind)
    whose = names.Owner(_estate(), environment)
    wanted = ports.wanted(services, bind)
    with ThreadPoolExecutor(max_workers=len(wanted) + 10, thread_name_prefix="preflight") as pool:
        look = pool.submit(engine.look)
        listeners = pool.submit(ports.listeners)

        def check(name: str, work: Callable[..., Check], *needs: Future[Any]) -> Future[Check]:
            return pool.submit(_timed, name, work, *needs)

        checks = [check("docker", engine.check, look)]
        for want in wanted:
            checks.append(check(want.check_name, ports.checker(want, whose), look, listeners))
        checks += [
            check("names", lambda found: names.check(whose, services, found), look),
            check("disk", disk.check, look),
            check("state lock", lambda: locks.check(environment)),
            check("passphrase", passphrase.check),
            check("images", lambda found: images.check(environment, spec, found), look),
            check("memory", lambda found: memory.check(services, whose, found), look),
            check("cgroup", cgroup.check, look),
        ]
        return Report(tuple(done.result() for done in checks))


def _estate() -> str:
    """This user's estate, "" where the state directory cannot be used, which the check of the disk tells."""
    try:
        return estate_id()
    except OSError:
        return ""


def _timed(name: str, work: Callable[..., Check], *needs: Future[Any]) -> Check:
    """The check with the seconds of its own look; waiting for one that others share is not in them."""
    values = [need.result() for need in needs]
    began = time.monotonic()
    try:
        found = work(*values)
    except PointsmanError as error:
        found = failed(name, error.message, expected="", remedy=error.remedy)
    except OSError as error:
        found = not_verifiable(name, str(error))
    return replace(found, seconds=round(found.seconds + time.monotonic() - began, 3))
