"""The toolchain's state as rows, for `pointsman toolchain status`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pointsman.builds import Build, Store
from pointsman.toolchain import docker_engine, installed, parts
from pointsman.toolchain.docker_engine import Absence, DockerEngine
from pointsman.toolchain.installed import Installed
from pointsman.toolchain.machine import observe
from pointsman.toolchain.pins import load, recipes_dir
from pointsman.toolchain.provision import choice

State = Literal["ready", "missing", "damaged", "unusable", "not needed"]


@dataclass(frozen=True)
class Row:
    """One part: `where` it comes from (a path or an address), `size_bytes` on disk, `seconds` its making took.

    `checksum_ok` is None where there is nothing to compare (the engine, an installed CLI, a missing build);
    `remark` says more, such as what is damaged.
    """

    part: str
    version: str
    where: str
    state: State
    size_bytes: int | None = None
    seconds: float | None = None
    checksum_ok: bool | None = None
    remark: str = ""


def status(*, thorough: bool = True) -> list[Row]:
    """Every part of the toolchain as it is now; nothing is built, probed or started.

    Checksums of all built files are computed unless `thorough` is off.
    """
    pins = load()
    engine = docker_engine.find(observe())
    host = engine.host
    found = None if choice() == "built" else installed.examine(pins, host, may_probe=False)
    store = Store()
    used = bool(found and found.usable)
    rows = [_engine_row(engine)]
    if found:
        rows.append(_installed_row(found))
    rows += [_build_row(part, store, thorough, used) for part in parts.builds(recipes_dir(), pins)]
    return rows


def _engine_row(engine: DockerEngine | Absence) -> Row:
    if isinstance(engine, Absence):
        return Row(docker_engine.TASK, "", engine.host, "missing", remark=engine.reason)
    return Row(docker_engine.TASK, engine.version, engine.host, "ready", remark=f"API {engine.api_version}")


def _installed_row(found: Installed) -> Row:
    state: State = "ready" if found.usable else "unusable"
    return Row("installed pulumi", found.version, str(found.cli), state, remark=found.reason)


def _build_row(build: Build, store: Store, thorough: bool, installed_is_used: bool) -> Row:
    inspection = store.inspect(build, thorough=thorough)
    made = inspection.manifest
    state: State = "ready" if inspection.state == "built" else inspection.state
    if installed_is_used and state == "missing":
        state = "not needed"
    return Row(
        part=build.name,
        version=build.version,
        where=str(store.path(build)),
        state=state,
        size_bytes=made.size if made else None,
        seconds=made.seconds if made else None,
        checksum_ok=None if inspection.state == "missing" else inspection.state == "built",
        remark=inspection.reason,
    )
