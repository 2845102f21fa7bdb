"""A full disk, without filling the machine's: the volume is a small file system in memory meanwhile."""

from __future__ import annotations

import os
import time

import httpx

from tests.faults.harness import mounts, steps
from tests.faults.harness.faults import DiskFull
from tests.faults.harness.place import NotVerifiable, Place
from tests.faults.harness.prepared import Prepared

READY_SECONDS = 60.0
POLL_SECONDS = 0.2


def disk_full(fault: DiskFull, place: Place) -> Prepared:
    """The service starts on a copy of its data and works; then the file system is filled."""
    plan = place.plan(fault.service)
    mount = next(each for each in plan.volumes if each.volume.endswith("-data"))
    folder = place.mountpoint(mount.volume)

    def act() -> None:
        steps.stop(place.engine, plan.name)
        mounts.overlay(folder, fault.size)
        place.engine.start(plan.name)
        _until_ready(place, fault.service)
        seen = os.statvfs(f"/proc/{place.facts(fault.service)['State']['Pid']}/root{mount.target}")
        if seen.f_blocks * seen.f_frsize > fault.size:
            raise NotVerifiable("the engine does not see what is mounted here: it has a mount namespace of its own")
        mounts.fill(folder)

    return Prepared(act, (steps.Uncover(str(folder), plan.name),))


def _until_ready(place: Place, name: str) -> None:
    service = place.declared.service(name)
    assert service.ready is not None
    url = f"{place.declared.url(service, service.ready.on)}{service.ready.path}"
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.HTTPError:
            pass
        assert time.monotonic() < deadline, f"{url} is not ready on a small file system"
        time.sleep(POLL_SECONDS)
