"""Debian's docker-registry as a process on loopback, for tests of images that are pulled.

The registry program is taken from PATH, else from Debian's package, unpacked beside the test's data: nothing is
installed.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import httpx
import yaml

from tests.deployed.specs import free_ports

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass
class Registry:
    """A docker-registry process on a loopback port."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def digest(self, repository: str, tag: str) -> str:
        """What the registry itself says that a tag stands for."""
        url = f"http://{self.host}/v2/{repository}/manifests/{tag}"
        return httpx.head(url, headers={"Accept": MANIFEST}, trust_env=False).headers["Docker-Content-Digest"]

    def push(self, source: str, repository: str, tag: str) -> None:
        """Push a local image under a repository and tag, and forget the local name."""
        client = docker.from_env()
        name = f"{self.host}/{repository}"
        client.images.get(source).tag(name, tag)
        said = str(client.images.push(name, tag))
        assert "error" not in said, said
        client.images.remove(f"{name}:{tag}")


def registry_program(folder: Path) -> str:
    """The path of docker-registry; fails with what is missing when it cannot be had."""
    if found := shutil.which("docker-registry"):
        return found
    assert shutil.which("apt-get"), "docker-registry is not on PATH, and without apt-get it cannot be fetched"
    for command in (["apt-get", "download", "docker-registry"], ["sh", "-c", "dpkg-deb -x docker-registry_*.deb ."]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"docker-registry cannot be had: `{' '.join(command)}`: {done.stderr}"
    return str(folder / "usr/bin/docker-registry")


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Registry]:
    """A registry that keeps its data in `folder`, ended by its process id."""
    (port,) = free_ports(1)
    config = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    (folder / "config.yml").write_text(yaml.safe_dump(config))
    with (folder / "log").open("wb") as log:
        command = [registry_program(folder), "serve", str(folder / "config.yml")]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        served = Registry(port, process)
        for _ in range(100):
            assert process.poll() is None, (folder / "log").read_text()
            try:
                httpx.get(f"http://{served.host}/v2/", trust_env=False).raise_for_status()
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield served
    finally:
        process.terminate()
        process.wait(10)
        _forget(f"127.0.0.1:{port}")


def _forget(host: str) -> None:
    """Takes the names of a registry that is gone from the images that came from it."""
    client = docker.from_env()
    for image in client.images.list():
        for name in image.attrs["RepoDigests"] or []:
            if name.startswith(f"{host}/"):
                client.images.remove(name)
    client.close()
