"""Lynis, an auditor that knows nothing of these plays, finds a host better after them."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from pointsman.builds.debian import unpack
from pointsman.builds.model import Workspace
from tests.deployed.bare_hosts import HOST_OPTIONS, control_groups
from tests.deployed.fleet import SECONDARY, Fleet

# The issue's own bound: what a hardened host scores above a fresh one.
GAIN = 15
LYNIS = {"lynis": "3.0.8"}
FOLDER = "/root/lynis-audit"
AUDIT = (
    f"cd {FOLDER}/usr/share/lynis && bash {FOLDER}/usr/sbin/lynis audit system --quick --quiet --no-colors "
    f"--profile {FOLDER}/etc/lynis/default.prf --plugindir {FOLDER}/etc/lynis/plugins "
    f"--report-file {FOLDER}/report --log-file {FOLDER}/log"
)


@pytest.fixture(scope="module")
def lynis(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Debian's package of it, as a tree for a host's root; the host itself installs nothing."""
    folder = tmp_path_factory.mktemp("lynis")
    out, scratch, shared = (folder / name for name in ("out", "scratch", "shared"))
    for part in (out, scratch, shared):
        part.mkdir()
    return _archive(unpack("lynis", "bookworm", LYNIS, Workspace(out, scratch, shared, folder / "log")))


@pytest.fixture
def fresh(engine: docker.DockerClient, fleet: Fleet) -> Iterator[Container]:
    """A host of the same image that nobody has played on."""
    image = fleet.container(SECONDARY).attrs["Image"]
    container = engine.containers.run(image, detach=True, **HOST_OPTIONS, **control_groups())  # type: ignore[call-overload]
    yield container
    container.remove(force=True, v=True)


def test_a_hardened_host_is_judged_better(fleet: Fleet, fresh: Container, lynis: bytes) -> None:
    """By at least fifteen points of its hardening index."""
    before, after = audited(fresh, lynis), audited(fleet.container(SECONDARY), lynis)
    print(f"Lynis {LYNIS['lynis']}: {before} as installed, {after} hardened")
    assert after - before >= GAIN


def audited(container: Container, lynis: bytes) -> int:
    """The hardening index that Lynis gives a host."""
    container.put_archive("/", lynis)
    try:
        container.exec_run(["sh", "-c", AUDIT])
        told = container.exec_run(["cat", f"{FOLDER}/report"]).output
    finally:
        container.exec_run(["rm", "-rf", FOLDER])
    assert isinstance(told, bytes)
    report = told.decode("utf-8", "replace")
    found = re.search(r"^hardening_index=(\d+)$", report, re.MULTILINE)
    assert found, report[-2000:]
    return int(found[1])


def _archive(tree: Path) -> bytes:
    """The tree below FOLDER, all of it root's: Lynis runs nothing that is another's."""

    def owned(item: tarfile.TarInfo) -> tarfile.TarInfo:
        item.uid = item.gid = 0
        item.uname = item.gname = "root"
        return item

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(tree, arcname=FOLDER.lstrip("/"), filter=owned)
    return buffer.getvalue()
