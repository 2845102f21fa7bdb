"""A program of Debian's packages, fetched for real: the image is whole, and this machine's apt is as before.

Needs Docker, apt and the machine's Debian mirror. Nothing is installed; the tag of this run is removed afterwards.
"""

from __future__ import annotations

import io
import uuid
from pathlib import Path

import docker

from pointsman.builds import PlainProgress, Store
from pointsman.builds.debian import obtained
from pointsman.images import catalogue, packages
from pointsman.images.archive import assemble
from pointsman.images.engine import Engine

APT_FOLDERS = (Path("/etc/apt"), Path("/var/lib/apt/lists"), Path("/var/cache/apt"), Path("/var/lib/dpkg"))


def seen(folders: tuple[Path, ...]) -> dict[Path, int]:
    """When each folder below some changed last."""
    return {each: each.stat().st_mtime_ns for folder in folders for each in (folder, *folder.glob("*/"))}


def test_a_program_of_debian_runs_without_this_machines_libraries(tmp_path: Path) -> None:
    """Binary, loader and libraries of one suite make an image that starts by itself; the version is the real one."""
    before = seen(APT_FOLDERS)
    planned = packages.plan("pushgateway", catalogue.load().service("pushgateway"))
    store = Store(root=tmp_path / "builds", logs=tmp_path / "logs", scratch=tmp_path / "scratch")
    result = store.ensure([planned.build], progress=PlainProgress(io.StringIO()))[planned.build.name]
    assert seen(APT_FOLDERS) == before
    version = obtained(result)["prometheus-pushgateway"]
    assert planned.service.is_made_as(version)

    layout = packages.layout("pushgateway", planned.service, result, planned.certificates, planned.recipe)
    tag = f"pointsman-test/pushgateway:{uuid.uuid4().hex[:8]}"
    image = Engine().load(assemble(layout, tag), lambda text, part: None)
    client = docker.from_env()
    try:
        said = client.containers.run(image.id, ["--version"], remove=True, read_only=True, cap_drop=["ALL"])
        assert f"version {version.partition('-')[0].partition('+')[0]}" in said.decode()
        assert image.labels[packages.VERSION_LABEL] == version
        assert f"libc6={obtained(result)['libc6']}" in image.labels[packages.PACKAGES_LABEL]
    finally:
        client.images.remove(tag)
